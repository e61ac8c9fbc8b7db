import type { Statistic } from './latency-value.ts';

/** The rank that a statistic asks for, 0 to 1; undefined where it goes by something else than rank. */
export function quantileOf(statistic: Statistic): number | undefined {
  if (statistic === 'median') return 0.5;
  return typeof statistic === 'object' ? statistic.quantile : undefined;
}

/**
 * A statistic of samples in ms, oldest first. A quantile between two samples is interpolated between them
 * (Hyndman and Fan's type 7), so that the median of an even number is the mean of the middle two. NaN where
 * there are no samples.
 */
export function statisticOf(samples: readonly number[], statistic: Statistic): number {
  if (samples.length === 0) return Number.NaN;
  if (typeof statistic === 'function') return statistic(samples);
  const quantile = quantileOf(statistic);
  if (quantile === undefined) return samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
  const sorted = Float64Array.from(samples).sort();
  const rank = (sorted.length - 1) * quantile;
  const below = sorted[Math.floor(rank)] as number;
  return between(below, sorted[Math.floor(rank) + 1] ?? below, rank);
}

/** What lies at a rank between two neighbours in order. */
export function between(below: number, above: number, rank: number): number {
  return below + (rank - Math.floor(rank)) * (above - below);
}
