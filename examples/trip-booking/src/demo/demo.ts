import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { drawSvg } from '../timeline/draw-svg.ts';
import { drawText } from '../timeline/draw-text.ts';
import type { Mood } from '../world/mood.ts';
import type { ServiceName, World } from '../world/world.ts';
import { type AgencyClient, type Asked, agencyClient } from './agency-client.ts';
import { type HostProcess, startHost } from './host-process.ts';

/** How long a process that died keeps its trips from the next, ms. */
export const leaseMs = 1_000;
const tripsAtOnce = 12;

/** What a {@link Demo} is made of. */
export interface DemoParts {
  readonly world: World;
  /** The folder of the ledger. */
  readonly ledger: string;
  readonly host: HostProcess;
  /** Where timelines are written as pictures; undefined: nowhere. */
  readonly svg: string | undefined;
  readonly signal: AbortSignal;
  say(line: string): void;
}

/** An agency whose process is killed now and then, and its travellers. */
export class Demo {
  /** Trips in all, and how they ended. */
  readonly count = { trips: 0, booked: 0, undone: 0 };
  readonly #parts: DemoParts;
  readonly #agency: AgencyClient;
  #host: HostProcess;

  constructor(parts: DemoParts) {
    this.#parts = parts;
    this.#host = parts.host;
    this.#agency = agencyClient(() => this.#host.address, parts.signal);
  }

  /** One trip, told. `killWhen` is when the agency is killed during it. */
  async tell(title: string, name: string, killWhen?: () => Promise<void>): Promise<void> {
    const moment = killWhen?.();
    const asked = await this.#begin();
    if (moment !== undefined) {
      await moment;
      await this.#kill();
    }
    await this.#end(asked);
    const timeline = await this.#agency.timeline(asked.id);
    const { say, svg } = this.#parts;
    say(`${title}\n${drawText(timeline)}`);
    if (svg !== undefined) writeFileSync(join(svg, `${name}.svg`), drawSvg(timeline));
  }

  /** Many trips at once, and the agency killed among them. */
  async tellMany(): Promise<void> {
    this.#parts.say(`${tripsAtOnce} trips at once, services that fail, and the agency killed among them.`);
    const some = await Promise.all(Array.from({ length: tripsAtOnce }, () => this.#begin()));
    await this.#kill();
    await Promise.all(some.map((asked) => this.#end(asked)));
  }

  /** Has a service fail. */
  async spoil(name: ServiceName, mood: Mood): Promise<void> {
    const response = await fetch(`${this.#parts.world.addresses[name]}/mood`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(mood),
    });
    if (response.status !== 204) throw new Error(`The ${name} does not know of being ${mood.is}.`);
  }

  /** Ends the agency in order. */
  async stop(): Promise<void> {
    await this.#host.stop();
  }

  #begin(): Promise<Asked> {
    this.count.trips += 1;
    const { trips } = this.count;
    return this.#agency.begin({ traveller: `traveller ${trips}`, card: `card ${trips % 5}`, cents: 40_000 });
  }

  async #end(asked: Asked): Promise<void> {
    const status = await this.#agency.ended(asked);
    if (status === 'Succeeded') this.count.booked += 1;
    if (status === 'Failed') this.count.undone += 1;
  }

  async #kill(): Promise<void> {
    await this.#host.kill();
    const { world, ledger } = this.#parts;
    this.#host = await startHost(world.addresses, ledger, leaseMs);
  }
}
