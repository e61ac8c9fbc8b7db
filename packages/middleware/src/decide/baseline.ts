/**
 * What a partition's latency is while nothing is wrong: a mean over time that rises slowly and falls quickly.
 *
 * It follows the long-term RTT of Netflix's Gradient2Limit (a smoothed mean, since a minimum makes for baselines that no
 * ordinary day keeps to; a warm-up of plain averaging; quicker down than up, for when a long overload has ended), and Envoy's
 * gradient controller in that only what was measured without overload is let in. Other than there it is weighed by time, not
 * by samples: a burst of commits teaches it no more than its duration.
 */
export interface Baseline {
  /** Ms, unrounded. */
  readonly valueMs: number;
  /** How much time it has learned from, ms. */
  readonly observedMs: number;
  /** When it learned last, monotonic ms. */
  readonly at: number;
}

/** In this time of higher latency it rises by 63 % of the difference, ms. */
export const riseMs = 600_000;

/** The same for lower latency, ms. */
export const fallMs = 10_000;

/** No sample stands for more time than this, ms: a pause teaches nothing. */
const mostMs = 1_000;

/**
 * The baseline after one more latency value. It is up to the caller that this was measured while nothing was wrong: a value
 * that is no duration changes nothing.
 *
 * @param before undefined where nothing was learned yet
 * @param now monotonic ms
 * @param warmUpMs so long all that was seen weighs the same: the first value is not to stick
 */
export function learned(
  before: Baseline | undefined,
  valueMs: number,
  now: number,
  warmUpMs: number,
): Baseline | undefined {
  if (!(valueMs >= 0) || valueMs === Number.POSITIVE_INFINITY) return before;
  if (before === undefined) return { valueMs, observedMs: 0, at: now };
  const passedMs = Math.min(Math.max(0, now - before.at), mostMs);
  const observedMs = before.observedMs + passedMs;
  const memoryMs = observedMs < warmUpMs ? observedMs : valueMs > before.valueMs ? riseMs : fallMs;
  const weight = passedMs === 0 ? 0 : passedMs / memoryMs;
  return { valueMs: before.valueMs + weight * (valueMs - before.valueMs), observedMs, at: now };
}
