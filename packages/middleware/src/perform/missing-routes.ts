import type { Clock } from '../clock.ts';
import { lookDelayMs } from './back-off.ts';
import type { PerformerOptions } from './performer-options.ts';

/** How many deferrals are remembered; of those forgotten the route is looked for anew. */
const mostRemembered = 10_000;

interface Left {
  /** When no route was found here for the first time, by the monotonic clock. */
  readonly since: number;
  readonly times: number;
}

/**
 * Deferrals whose route this process does not know. While a new version is brought out host by host, another may know it: so
 * they are left to the others for a while, and only then is it nobody's.
 */
export class MissingRoutes {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #options: Pick<PerformerOptions, 'routeMissingForMs' | 'lookEveryMs' | 'lookCapMs'>;
  readonly #left = new Map<string, Left>();

  constructor(
    clock: Pick<Clock, 'now'>,
    options: Pick<PerformerOptions, 'routeMissingForMs' | 'lookEveryMs' | 'lookCapMs'>,
  ) {
    this.#clock = clock;
    this.#options = options;
  }

  /** Whether it is to be left to others again, unseen: for how long, in ms; undefined where it may be tried here. */
  leaveForMs(id: string): number | undefined {
    const left = this.#left.get(id);
    if (left === undefined || this.#isOver(left)) return undefined;
    return this.#leave(id, left);
  }

  /** No route was found: for how long it is left to others, in ms; undefined where that has been long enough. */
  missedForMs(id: string): number | undefined {
    const left = this.#left.get(id) ?? { since: this.#clock.now(), times: 0 };
    if (!this.#isOver(left)) return this.#leave(id, left);
    this.#left.delete(id);
    return undefined;
  }

  #isOver({ since }: Left): boolean {
    return this.#clock.now() - since >= this.#options.routeMissingForMs;
  }

  #leave(id: string, { since, times }: Left): number {
    const { lookEveryMs, lookCapMs } = this.#options;
    const [oldest] = this.#left.has(id) || this.#left.size < mostRemembered ? [] : this.#left.keys();
    if (oldest !== undefined) this.#left.delete(oldest);
    this.#left.set(id, { since, times: times + 1 });
    return lookDelayMs(times, lookEveryMs, lookCapMs);
  }
}
