/**
 * `npm start`: trips that go well, that fail, and whose agency is killed in the middle. Ends by itself, or with Ctrl-C; the last line counts. `--svg FOLDER` writes the
 * timelines as pictures, too; `--short` leaves most of the trips out.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openAgency } from './agency/agency.ts';
import type { TripInput } from './agency/trip.ts';
import { agencyClient } from './demo/agency-client.ts';
import { startHost } from './demo/host-process.ts';
import { drawSvg } from './timeline/draw-svg.ts';
import { drawText } from './timeline/draw-text.ts';
import type { Mood } from './world/mood.ts';
import { openWorld, type ServiceName } from './world/world.ts';

const leaseMs = 1_000;
const latencyMs = (): number => 20 + Math.random() * 60;
const tripsAtOnce = 12;

const { values } = parseArgs({
  options: { svg: { type: 'string' }, short: { type: 'boolean', default: false } },
});
const directory = mkdtempSync(join(tmpdir(), 'slackwater-trips-'));
process.once('exit', () =>
  rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }),
);
const ledger = join(directory, 'ledger');
const world = await openWorld(latencyMs);
let host = await startHost(world.addresses, ledger, leaseMs);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => void host.stop().finally(() => process.exit(130)));
const agency = agencyClient(() => host.address);
const count = { trips: 0, booked: 0, undone: 0 };

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function has(name: ServiceName, mood: Mood): Promise<void> {
  const response = await fetch(`${world.addresses[name]}/mood`, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(mood),
  });
  if (response.status !== 204) throw new Error(`The ${name} does not know of being ${mood.is}.`);
}

async function killed(): Promise<void> {
  await host.kill();
  host = await startHost(world.addresses, ledger, leaseMs);
}

function newTrip(): TripInput {
  count.trips += 1;
  return { traveller: `traveller ${count.trips}`, card: `card ${count.trips % 5}`, cents: 40_000 };
}

async function end(id: string): Promise<void> {
  const { status } = await agency.ended(id);
  if (status === 'succeeded') count.booked += 1;
  if (status === 'undone') count.undone += 1;
}

/** One trip, told. `killWhen` is when the agency is killed during it. */
async function tell(title: string, name: string, killWhen?: () => Promise<void>): Promise<void> {
  const moment = killWhen?.();
  const id = await agency.begin(newTrip());
  if (moment !== undefined) {
    await moment;
    await killed();
  }
  await end(id);
  const timeline = await agency.timeline(id);
  say(`${title}\n${drawText(timeline)}`);
  if (values.svg !== undefined) writeFileSync(join(values.svg, `${name}.svg`), drawSvg(timeline));
}

const { hotel, car } = world.services;

try {
  say(`The agency is open at ${host.address}.\n`);
  await tell('All goes well.', 'booked');
  await has('hotel', { is: 'refuses', of: 'take', times: 2 });
  await tell('The hotel refuses, twice: the car is given back, then the flight and what was paid.', 'undone');
  if (!values.short) {
    await has('excursion', { is: 'forgets', of: 'take', times: 1 });
    await tell('The excursion is booked and its answer lost: asked again, it is booked once.', 'asked-again');
    await has('car', { is: 'refuses', of: 'give-back', times: 1 });
    await has('hotel', { is: 'refuses', of: 'take', times: 2 });
    await tell('The car is not taken back at once: nothing before it is undone until it is.', 'undone-late');
    await has('hotel', { is: 'hangs', of: 'take', times: 1 });
    await tell(
      'The agency is killed while the hotel has it wait, and another process goes on.',
      'killed',
      () => hotel.asked('PUT'),
    );
  }
  await has('excursion', { is: 'refuses', of: 'take', times: 2 });
  await has('car', { is: 'hangs', of: 'give-back', times: 1 });
  await tell(
    'It is killed while a trip is undone, and another process goes on undoing it.',
    'killed-undoing',
    () => car.asked('DELETE'),
  );

  if (!values.short) {
    say(`${tripsAtOnce} trips at once, services that fail, and the agency killed among them.`);
    await has('hotel', { is: 'refuses', of: 'take', times: 7 });
    await has('airline', { is: 'forgets', of: 'take', times: 5 });
    await has('excursion', { is: 'refuses', of: 'take', times: 3 });
    const some = await Promise.all(Array.from({ length: tripsAtOnce }, () => agency.begin(newTrip())));
    await killed();
    await Promise.all(some.map(end));
  }

  await host.stop();
  const { gate, close } = await openAgency({ addresses: world.addresses, directory: ledger, leaseMs });
  const { ok } = await gate.audit.verify();
  await close();
  const faults = world.faults();
  for (const fault of faults) say(fault);
  const held = Object.values(world.services).map(({ taken }) => taken.size);
  const conserved = faults.length === 0 && held.every((size) => size === count.booked);
  say(JSON.stringify({ ...count, conserved, ledgerVerified: ok }));
  if (!conserved || !ok || count.booked + count.undone !== count.trips) process.exitCode = 1;
} finally {
  await host.stop();
  await world.close();
}
