/**
 * How long to wait before the next attempt, in ms: exponential back-off with full jitter, so that what failed
 * together does not come back together.
 *
 * @param attempt how many attempts there were, from 1
 * @param random from 0 up to, not including, 1
 */
export function retryDelayMs(attempt: number, baseMs: number, capMs: number, random: number): number {
  return Math.ceil(random * doubled(baseMs, attempt - 1, capMs));
}

/**
 * For how long a postponed item is left alone, in ms.
 *
 * @param postponements how often it had been postponed before
 */
export function lookDelayMs(postponements: number, baseMs: number, capMs: number): number {
  return doubled(baseMs, postponements, capMs);
}

function doubled(baseMs: number, times: number, capMs: number): number {
  return Math.min(capMs, baseMs * 2 ** Math.min(Math.max(times, 0), 52));
}
