import type { Scope } from './scope.ts';
import type { Query } from './transactions.ts';

// How many items a partition has is counted in the transactions that bring or take them, so that a million is told as
// soon as ten. One row for each partition would be a row that every transaction of every host waits for; so there are
// several, and each process counts with its own. What one row says means nothing, and may be less than 0: their sum counts.

/** How many rows a partition has, at most. */
const slots = 32;

/** Which rows this process counts with. */
export const anySlot = (random: () => number): number => Math.floor(random() * slots);

/** A partition as it stands in its column, and the names of a row of it. */
export interface CountedItem {
  readonly partition: string;
  readonly names: string | null;
}

/**
 * Counts items that came (`by` 1) or went (`by` -1). The last statement of its transaction: the lock of the row is held
 * for the time of a COMMIT.
 */
export async function count(
  query: Query,
  { id, schema, slot }: Pick<Scope, 'id' | 'schema' | 'slot'>,
  items: readonly CountedItem[],
  by: 1 | -1,
): Promise<void> {
  const partitions = new Map<string, { items: number; names: string | null }>();
  for (const { partition, names } of items) {
    const known = partitions.get(partition)?.items ?? 0;
    partitions.set(partition, { items: known + by, names: partition.startsWith('\\') ? names : null });
  }
  if (partitions.size === 0) return;
  const sorted = [...partitions].toSorted(([one], [other]) => (one < other ? -1 : 1));
  await query(
    `INSERT INTO ${schema}.backlog AS b (scope, partition, slot, items, names)
     SELECT $1, partition, $2, items, names FROM unnest($3::text[], $4::bigint[], $5::text[]) AS counted (partition, items, names)
     ON CONFLICT (scope, partition, slot) DO UPDATE SET items = b.items + excluded.items`,
    [
      id,
      slot,
      sorted.map(([partition]) => partition),
      sorted.map(([, counted]) => counted.items),
      sorted.map(([, counted]) => counted.names),
    ],
  );
}
