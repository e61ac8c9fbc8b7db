import type { Clock } from '../clock.ts';
import type { Statistic } from './latency-value.ts';
import { statisticOf } from './statistic.ts';

/** A function that takes longer is slow, ms. */
const slowMs = 10;
/** So many slow calls one after the other, and it is called no more: a single one may be the garbage collector's. */
const slowCalls = 3;

/**
 * A statistic that can't break or hold up a reading. Where a function throws or gives no number of ms, that reading
 * has the median in its stead; one that is slow is left out for good. `onFailed` is told of each failure.
 */
export function guardedStatistic(
  statistic: Statistic,
  clock: Pick<Clock, 'now'>,
  onFailed: ((error: unknown) => void) | undefined,
): Statistic {
  if (typeof statistic !== 'function') return statistic;
  let slow = 0;
  const isLeftOut = (): boolean => slow >= slowCalls;
  return (samples) => {
    if (isLeftOut()) return statisticOf(samples, 'median');
    const startedAt = clock.now();
    try {
      const value: unknown = statistic(samples);
      const tookMs = clock.now() - startedAt;
      slow = tookMs > slowMs ? slow + 1 : 0;
      if (isLeftOut()) {
        onFailed?.(
          new RangeError(
            `statistic took ${Math.round(tookMs)} ms, the last of ${slowCalls} slow calls; the median is taken from now on`,
          ),
        );
      }
      if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
      onFailed?.(new RangeError(`statistic gave ${String(value)}; a number of milliseconds was expected`));
    } catch (error) {
      onFailed?.(error);
    }
    return statisticOf(samples, 'median');
  };
}
