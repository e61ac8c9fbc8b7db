import type { OldestItem } from '../queue.ts';
import { nameIn } from './names.ts';
import { numberIn } from './row-values.ts';
import type { Scope } from './scope.ts';

/** Of each priority so many of those that are not due, by when they become so. */
const waitingPerPriority = 1_000;

/** Tells which item has waited longest in every partition: a walk over the priorities at the ends of indexes. */
export function oldestItems({ id, schema, transactions }: Scope): () => Promise<readonly OldestItem[]> {
  const of = (state: 'ready' | 'waiting'): string =>
    `FROM ${schema}.queue AS q WHERE q.scope = $1 AND q.partition = counted.partition AND q.state = '${state}'`;
  const next = (state: 'ready' | 'waiting', than: string): string =>
    `(SELECT q.priority ${of(state)} AND q.priority > ${than} ORDER BY q.priority LIMIT 1)`;
  const walk = (state: 'ready' | 'waiting'): string => `
      ${state} (priority) AS (
        SELECT ${next(state, '0')} UNION ALL
        SELECT ${next(state, `${state}.priority`)} FROM ${state} WHERE ${state}.priority IS NOT NULL
      )`;
  const item = 'q.id, q.partition, q.position, q.names';
  const sql = `
    SELECT first.* FROM (
      SELECT DISTINCT partition FROM ${schema}.backlog WHERE scope = $1
    ) AS counted CROSS JOIN LATERAL (
      WITH RECURSIVE ${walk('ready')}, ${walk('waiting')}
      SELECT item.* FROM (
        SELECT head.* FROM ready AS p CROSS JOIN LATERAL (
          SELECT ${item} ${of('ready')} AND q.priority = p.priority ORDER BY q.position LIMIT 1
        ) AS head
        UNION ALL
        SELECT head.* FROM waiting AS p CROSS JOIN LATERAL (
          SELECT ${item} ${of('waiting')} AND q.priority = p.priority ORDER BY q.until LIMIT ${waitingPerPriority}
        ) AS head
      ) AS item ORDER BY item.position LIMIT 1
    ) AS first ORDER BY first.partition`;
  return async () => {
    const rows = await transactions.read((query) => query(sql, [id]));
    return rows.map((row) => ({
      partition: nameIn(row, 'partition'),
      id: nameIn(row, 'id'),
      position: numberIn(row, 'position') ?? 0,
    }));
  };
}
