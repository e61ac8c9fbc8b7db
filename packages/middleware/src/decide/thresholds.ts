import type { Admissions } from './admissions.ts';
import type { WorkTypeRank } from './work-type.ts';

/** A work type whose threshold may change while running. */
export type ChangingRank = Omit<WorkTypeRank, 'thresholdMs'> & { thresholdMs: WorkTypeRank['thresholdMs'] };

/**
 * Changes the threshold of a work type, from the next decision on. Gives the reason why not, where it has none to change.
 */
export function changeThreshold(
  ranks: readonly ChangingRank[],
  admissions: Pick<Admissions, 'thresholdsChanged'>,
  name: string,
  thresholdMs: number,
): string | undefined {
  const rank = ranks.find((one) => one.name === name);
  if (rank === undefined || rank.exempt) return `${name} has no threshold.`;
  rank.thresholdMs = thresholdMs;
  admissions.thresholdsChanged();
  return undefined;
}
