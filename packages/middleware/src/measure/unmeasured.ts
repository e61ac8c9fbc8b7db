import { sourcesOf } from '../drivers/driver.ts';
import type { LatencyTable } from './latency-table.ts';

/** Those of the partitions that nobody observes, and to which nothing was committed of late. */
export function unmeasured(
  partitions: readonly string[],
  table: Pick<LatencyTable, 'read'>,
): readonly string[] {
  return partitions.filter((partition) => {
    return sourcesOf(partition).length === 0 && table.read(partition).samples === 0;
  });
}
