import type { PartitionBacklog } from '../queue.ts';
import { nameIn } from './names.ts';
import { numberIn } from './row-values.ts';
import { type Scope, serverNow } from './scope.ts';

/**
 * Tells the backlog of every partition. The counts are kept, and the rest is a walk over the priorities at the ends of
 * an index, so that a million items cost no more than ten.
 */
export function backlogs({ id, schema, transactions }: Scope): () => Promise<readonly PartitionBacklog[]> {
  const waiting = `FROM ${schema}.queue AS q WHERE q.scope = $1 AND q.partition = counted.partition AND q.state = 'waiting'`;
  const nextPriority = (than: string): string =>
    `(SELECT q.priority ${waiting} AND q.priority > ${than} ORDER BY q.priority LIMIT 1)`;
  const sql = `
    SELECT counted.partition, counted.items, counted.names, later.next_due_at,
      least(later.priority, (
        SELECT q.priority FROM ${schema}.queue AS q
        WHERE q.scope = $1 AND q.partition = counted.partition AND q.state = 'ready' ORDER BY q.priority LIMIT 1
      )) AS due_priority
    FROM (
      SELECT partition, sum(items)::bigint AS items, max(names) AS names FROM ${schema}.backlog
      WHERE scope = $1 GROUP BY partition HAVING sum(items) > 0
    ) AS counted CROSS JOIN LATERAL (
      WITH RECURSIVE priorities (priority) AS (
        SELECT ${nextPriority('0')} UNION ALL
        SELECT ${nextPriority('priorities.priority')} FROM priorities WHERE priorities.priority IS NOT NULL
      )
      SELECT min(at.priority) FILTER (WHERE at.is_due) AS priority, min(at.next_due_at) AS next_due_at FROM (
        SELECT p.priority,
          EXISTS (SELECT ${waiting} AND q.priority = p.priority AND q.until <= ${serverNow}) AS is_due,
          (SELECT q.until ${waiting} AND q.priority = p.priority AND q.until > ${serverNow} ORDER BY q.until LIMIT 1) AS next_due_at
        FROM priorities AS p
      ) AS at
    ) AS later ORDER BY counted.partition`;
  return async () => {
    const rows = await transactions.read((query) => query(sql, [id]));
    return rows.map((row) => ({
      partition: nameIn(row, 'partition'),
      items: numberIn(row, 'items') ?? 0,
      duePriority: numberIn(row, 'due_priority'),
      nextDueAt: numberIn(row, 'next_due_at'),
    }));
  };
}
