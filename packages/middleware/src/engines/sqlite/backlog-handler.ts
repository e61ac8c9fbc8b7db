import type { DatabaseSync } from 'node:sqlite';
import type { Handlers } from './handlers.ts';
import type { BacklogRow } from './protocol.ts';

/**
 * The backlog on the tables of one scope. The counts are kept by triggers and the rest is a walk over the
 * priorities at the ends of an index, so a million items cost no more than ten.
 */
export function backlogHandler(database: DatabaseSync, scope: number): Handlers<'backlog'> {
  const queue = `queue_${scope}`;
  const partitions = database.prepare(`SELECT partition, items FROM backlog_${scope} ORDER BY partition`);
  const readyPriority = database.prepare(
    `SELECT min(priority) AS priority FROM ${queue} WHERE partition = ? AND state = 'ready'`,
  );
  const nextPriority = database.prepare(
    `SELECT min(priority) AS priority FROM ${queue} WHERE partition = ? AND state = 'waiting' AND priority > ?`,
  );
  const earliest = database.prepare(
    `SELECT min(until) AS until FROM ${queue} WHERE partition = ? AND state = 'waiting' AND priority = ?`,
  );
  const earliestAfter = database.prepare(
    `SELECT min(until) AS until FROM ${queue} WHERE partition = ? AND state = 'waiting' AND priority = ? AND until > ?`,
  );

  const describe = (partition: string, items: number, now: number): BacklogRow => {
    let duePriority = numberOrNull(readyPriority.get(partition)?.['priority']);
    let nextDueAt: number | null = null;
    let priority = numberOrNull(nextPriority.get(partition, 0)?.['priority']);
    while (priority !== null) {
      const first = numberOrNull(earliest.get(partition, priority)?.['until']);
      if (first !== null && first <= now) duePriority = lesser(duePriority, priority);
      nextDueAt = lesser(nextDueAt, numberOrNull(earliestAfter.get(partition, priority, now)?.['until']));
      priority = numberOrNull(nextPriority.get(partition, priority)?.['priority']);
    }
    return [partition, items, duePriority, nextDueAt];
  };

  return {
    backlog: ([, now]) => ({
      value: partitions.all().map((row) => describe(String(row['partition']), Number(row['items']), now)),
    }),
  };
}

const numberOrNull = (value: unknown): number | null => (typeof value === 'number' ? value : null);

function lesser(one: number | null, other: number | null): number | null {
  if (one === null) return other;
  return other === null ? one : Math.min(one, other);
}
