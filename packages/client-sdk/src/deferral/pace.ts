import { backoffBoundMs, type RetryPace } from '../retry/delay.ts';

/** Whatever a server says, a deferral is not asked for more often than this. */
export const leastPollMs = 100;

/** A wait between two questions. */
export interface Pause {
  readonly waitMs: number;
  /** For people. */
  readonly why: string;
}

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
