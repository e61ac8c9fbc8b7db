import { backoffBoundMs, type RetryPace } from '../retry/delay.ts';
import type { Runtime } from '../runtime.ts';
import type { Reading } from './reading.ts';

/** Whatever a server says, a deferral is not asked for more often than this. */
export const leastPollMs = 100;

const spread = 0.1;

/**
 * How long to wait before the next status request. The server's own pace is kept, with up to a tenth on top;
 * where it says nothing, or nothing that can be understood, exponential back-off by the number of such answers
 * in a row. Pure; `random` is uniform in [0, 1).
 */
export function pollWaitMs(
  pace: RetryPace,
  silentAnswers: number,
  askedMs: number | undefined,
  random: number,
): number {
  if (askedMs === undefined) {
    return Math.max(leastPollMs, random * backoffBoundMs(pace, Math.max(1, silentAnswers) + 1));
  }
  return Math.max(leastPollMs, Math.min(askedMs, pace.retryAfterCapMs) * (1 + random * spread));
}

/** When a deferral is asked for next, by what was said of it so far. */
export class PollPace {
  readonly #pace: RetryPace;
  readonly #runtime: Pick<Runtime, 'random'>;
  #askedMs: number | undefined;
  #silentAnswers = 0;

  constructor(pace: RetryPace, runtime: Pick<Runtime, 'random'>) {
    this.#pace = pace;
    this.#runtime = runtime;
  }

  /** The server asked for a wait, or for none. */
  asked(askedMs: number | undefined): void {
    this.#askedMs = askedMs;
  }

  /** How long to wait after a reading. */
  after(reading: Reading): number {
    this.asked(reading.kind === 'resource' || reading.kind === 'unclear' ? reading.askedMs : undefined);
    return this.nextMs();
  }

  /** How long to wait now. */
  nextMs(): number {
    this.#silentAnswers = this.#askedMs === undefined ? this.#silentAnswers + 1 : 0;
    return pollWaitMs(this.#pace, this.#silentAnswers, this.#askedMs, this.#runtime.random());
  }
}
