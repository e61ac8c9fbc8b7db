import type { Stance } from './stance.ts';

/** How near a partition is to postponing work: of all work types there the highest latency as a share of the threshold; 0 where nothing is known. */
export function strainOf(stances: Iterable<Pick<Stance, 'valueMs' | 'thresholdMs'> | undefined>): number {
  let highest = 0;
  for (const stance of stances) {
    if (stance?.valueMs === undefined || stance.thresholdMs === undefined) continue;
    highest = Math.max(highest, stance.valueMs / stance.thresholdMs);
  }
  return highest;
}
