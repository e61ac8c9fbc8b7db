import type { DatabaseSync } from 'node:sqlite';
import type { Handlers } from './handlers.ts';
import type { OldestRow } from './protocol.ts';

/** Of each priority so many of those that are not due, by when they become so. */
const waitingPerPriority = 1_000;

/** The items that have waited longest, on the tables of one scope: a walk over the priorities at the ends of indexes. */
export function oldestHandler(database: DatabaseSync, scope: number): Handlers<'oldest'> {
  const queue = `queue_${scope}`;
  const partitions = database.prepare(`SELECT partition FROM backlog_${scope} ORDER BY partition`);
  const of = (state: 'ready' | 'waiting') => ({
    next: database.prepare(
      `SELECT min(priority) AS priority FROM ${queue} WHERE partition = ? AND state = '${state}' AND priority > ?`,
    ),
    first: database.prepare(
      state === 'ready'
        ? `SELECT id, position FROM ${queue} WHERE partition = ? AND state = 'ready' AND priority = ?
           ORDER BY position LIMIT 1`
        : `SELECT id, position FROM (SELECT id, position FROM ${queue}
             WHERE partition = ? AND state = 'waiting' AND priority = ? ORDER BY until LIMIT ${waitingPerPriority})
           ORDER BY position LIMIT 1`,
    ),
  });
  const states = [of('ready'), of('waiting')];

  function oldestOf(partition: string): OldestRow[] {
    let oldest: OldestRow | undefined;
    for (const { next, first } of states) {
      for (let priority: unknown = 0; ; ) {
        priority = next.get(partition, Number(priority))?.['priority'];
        if (typeof priority !== 'number') break;
        const row = first.get(partition, priority);
        const position = Number(row?.['position'] ?? Number.POSITIVE_INFINITY);
        if (row !== undefined && position < (oldest?.[2] ?? Number.POSITIVE_INFINITY)) {
          oldest = [partition, String(row['id']), position];
        }
      }
    }
    return oldest === undefined ? [] : [oldest];
  }

  return {
    oldest: () => ({ value: partitions.all().flatMap((row) => oldestOf(String(row['partition']))) }),
  };
}
