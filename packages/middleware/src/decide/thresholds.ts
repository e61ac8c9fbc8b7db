import type { Admissions } from './admissions.ts';
import type { WorkTypeRank } from './work-type.ts';

/** A work type of which some may change while running. */
export type ChangingRank = Omit<WorkTypeRank, 'thresholdMs' | 'shadow'> & {
  thresholdMs: WorkTypeRank['thresholdMs'];
  shadow?: boolean;
};

/** Gives ranks what is said of their work types, which are in the same order, all at once: it counts from the next decision on. */
export function changeRanks(
  ranks: readonly ChangingRank[],
  admissions: Pick<Admissions, 'thresholdsChanged'>,
  said: readonly Pick<WorkTypeRank, 'thresholdMs' | 'shadow'>[],
): void {
  for (const [at, { thresholdMs, shadow = false }] of said.entries()) {
    const rank = ranks[at];
    if (rank !== undefined) Object.assign(rank, { thresholdMs, shadow });
  }
  admissions.thresholdsChanged();
}
