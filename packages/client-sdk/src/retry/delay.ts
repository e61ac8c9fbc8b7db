/** How long waits between attempts are. Times in milliseconds. */
export interface RetryPace {
  /** The first back-off's upper bound. */
  readonly backoffBaseMs: number;
  /** Every back-off's upper bound. */
  readonly backoffMaxMs: number;
  /** The longest wait that a server may ask for. */
  readonly retryAfterCapMs: number;
}

/**
 * How long to wait before retry number `retry` (from 1). Where the server asked for a wait it is kept (up to
 * the cap) and the jitter comes on top, so that nobody returns earlier than asked; else exponential back-off
 * with full jitter. `random` is uniform in [0, 1).
 */
export function retryWaitMs(
  pace: RetryPace,
  retry: number,
  askedMs: number | undefined,
  random: number,
): number {
  const backoffMs = backoffBoundMs(pace, retry);
  if (askedMs === undefined) return random * backoffMs;
  const keptMs = Math.min(Math.max(0, askedMs), pace.retryAfterCapMs);
  // After a short request to wait the back-off still grows, else it would be a busy loop of the server's making.
  const jitterBoundMs = keptMs >= pace.backoffBaseMs ? Math.min(backoffMs, keptMs) : backoffMs;
  return keptMs + random * jitterBoundMs;
}

/** The upper bound of the back-off before retry number `retry` (from 1). Never overflows. */
export function backoffBoundMs(
  pace: Pick<RetryPace, 'backoffBaseMs' | 'backoffMaxMs'>,
  retry: number,
): number {
  return Math.min(pace.backoffMaxMs, pace.backoffBaseMs * 2 ** Math.min(30, Math.max(0, retry - 1)));
}
