import type { Clock } from '../../clock.ts';

/** Of a partition that is told of again and again, so seldom: each time may be a claim that finds nothing. */
const perPartitionMs = 100;

/** Partitions that were told of just now, at most. */
const mostPartitions = 1_000;

/**
 * Passes on which partitions have something new, at once and then every 100 ms at most: the last that is told of is never
 * left out.
 */
export function calmly(clock: Clock, pass: (partition: string) => void): (partition: string) => void {
  /** Whether a partition was told of again since it was passed on. */
  const again = new Map<string, boolean>();

  function passOn(partition: string): void {
    again.set(partition, false);
    clock.after(perPartitionMs, () => {
      if (again.get(partition) === true) passOn(partition);
      else again.delete(partition);
    });
    pass(partition);
  }

  return (partition) => {
    if (again.has(partition)) again.set(partition, true);
    else if (again.size < mostPartitions) passOn(partition);
  };
}
