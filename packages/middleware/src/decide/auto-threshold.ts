import type { Baseline } from './baseline.ts';
import type { WorkTypeRank } from './work-type.ts';

/** How thresholds that are `auto` follow the baseline of a partition. Durations in ms. */
export interface AutoThresholdRules {
  /** So many times the baseline the most important of these work types tolerates; above 1. */
  readonly tolerance: number;
  /** No threshold is lower: latency below it is never an overload. */
  readonly floorMs: number;
  /** No threshold is higher, whatever was learned; and what counts during the warm-up. */
  readonly ceilingMs: number;
  /** Until so much time with commits was learned from, the ceiling counts. */
  readonly warmUpMs: number;
}

/** What one `auto` threshold may be. */
export interface AutoBounds {
  readonly tolerance: number;
  readonly lowestMs: number;
  readonly highestMs: number;
}

/**
 * The bounds of the `auto` thresholds, by rank; undefined for work types without one. None tolerates more latency than a
 * more important one: the tolerance shrinks from priority to priority in equal steps towards 1, none is above a fixed threshold
 * of more important work, and none below one of less important work (but for fixed thresholds above the ceiling).
 */
export function autoBounds(
  ranks: readonly WorkTypeRank[],
  rules: AutoThresholdRules,
): readonly (AutoBounds | undefined)[] {
  const priorities = [
    ...new Set(ranks.filter(({ thresholdMs }) => thresholdMs === 'auto').map(({ priority }) => priority)),
  ].sort((a, b) => a - b);
  return ranks.map(({ thresholdMs, priority }) => {
    if (thresholdMs !== 'auto') return undefined;
    const above = fixedOf(ranks.filter((other) => other.priority < priority));
    const highestMs = Math.min(rules.ceilingMs, ...above);
    const below = fixedOf(ranks.filter((other) => other.priority > priority));
    const kept = below.filter((fixedMs) => fixedMs <= rules.ceilingMs);
    const steps = priorities.length;
    const share = (steps - priorities.indexOf(priority)) / steps;
    return {
      tolerance: 1 + (rules.tolerance - 1) * share,
      lowestMs: Math.min(highestMs, Math.max(rules.floorMs, ...kept)),
      highestMs,
    };
  });
}

/** The threshold of a work type with these bounds, ms. */
export function autoThreshold(
  { tolerance, lowestMs, highestMs }: AutoBounds,
  baseline: Baseline | undefined,
  { warmUpMs }: Pick<AutoThresholdRules, 'warmUpMs'>,
): number {
  if (baseline === undefined || baseline.observedMs < warmUpMs) return highestMs;
  return Math.min(highestMs, Math.max(lowestMs, tolerance * baseline.valueMs));
}

function fixedOf(ranks: readonly WorkTypeRank[]): readonly number[] {
  return ranks.flatMap(({ thresholdMs }) => (typeof thresholdMs === 'number' ? [thresholdMs] : []));
}
