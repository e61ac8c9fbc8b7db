import type { Admissions } from './admissions.ts';
import type { WorkTypeRank } from './work-type.ts';

/** A work type whose threshold may change while running. */
export type ChangingRank = Omit<WorkTypeRank, 'thresholdMs'> & { thresholdMs: WorkTypeRank['thresholdMs'] };

/** Gives ranks what is said of their work types, which are in the same order, all at once: it counts from the next decision on. */
export function changeRanks(
  ranks: readonly ChangingRank[],
  admissions: Pick<Admissions, 'thresholdsChanged'>,
  said: readonly Pick<WorkTypeRank, 'thresholdMs'>[],
): void {
  for (const [at, rank] of ranks.entries()) rank.thresholdMs = said[at]?.thresholdMs;
  admissions.thresholdsChanged();
}
