import type { QueueItem } from '../queue.ts';
import { count } from './counting.ts';
import { isOneCalls } from './failures.ts';
import { GroupedCalls } from './grouped-calls.ts';
import { asTheyWere, inColumn } from './names.ts';
import { orderLines } from './order-line.ts';
import { type Scope, serverNow } from './scope.ts';

/** An item as it stands in its columns. */
interface ItemRow {
  readonly id: string;
  readonly partition: string;
  readonly priority: number;
  readonly position: number;
  readonly orderKey: string | null;
  readonly names: string | null;
  readonly notBefore: number | null;
}

/** What is put on the queue together: gives each whether it was not there already. */
export function enqueuing(scope: Scope): GroupedCalls<QueueItem, boolean> {
  const { id: scopeId, schema, transactions } = scope;
  const lines = orderLines(scope);
  // Of a line's new items only the first can be its first; whether it is, straightening tells.
  const insert = `
    INSERT INTO ${schema}.queue (scope, id, partition, priority, position, order_key, names, not_before, state, until)
    SELECT $1, id, partition, priority, position, order_key, names, not_before,
      CASE WHEN order_key IS NOT NULL AND row_number() OVER (PARTITION BY order_key ORDER BY position, id) > 1
             OR EXISTS (SELECT FROM ${schema}.queue AS q
                        WHERE q.scope = $1 AND q.order_key = item.order_key AND q.position <= item.position) THEN 'blocked'
        WHEN not_before > ${serverNow} THEN 'waiting' ELSE 'ready' END,
      coalesce(not_before, 0)
    FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::bigint[])
      AS item (id, partition, priority, position, order_key, names, not_before)
    ORDER BY id COLLATE "C"
    ON CONFLICT (scope, id) DO NOTHING RETURNING id`;
  // Known ids are looked for when the new rows are in: who settled an id before that is seen by now, and nobody can
  // settle what is not committed.
  const forgetKnown = `
    WITH known AS MATERIALIZED (
      SELECT id FROM ${schema}.settled
      WHERE part IN (0, 1, 2) AND scope = $1 AND id = ANY ($2::text[]) AND until > ${serverNow}
      UNION ALL SELECT id FROM ${schema}.dead_letter WHERE scope = $1 AND id = ANY ($2::text[])
    )
    DELETE FROM ${schema}.queue WHERE scope = $1 AND id = ANY (ARRAY(SELECT id FROM known)) RETURNING id`;

  return new GroupedCalls({
    isOneCalls,
    keyOf: ({ id }) => id,
    perform: (items) =>
      transactions.write(async (query) => {
        const rows = items.map(toRow);
        const orderKeys = rows.flatMap(({ orderKey }) => (orderKey === null ? [] : [orderKey]));
        await lines.lock(query, orderKeys);
        const inserted = await query(insert, [scopeId, ...columns(rows)]);
        if (inserted.length === 0) return items.map(() => false);
        const come = new Set(inserted.map((row) => row['id']));
        for (const known of await query(forgetKnown, [scopeId, [...come]])) come.delete(known['id']);
        await lines.straighten(query, orderKeys);
        await count(
          query,
          scope,
          rows.filter(({ id }) => come.has(id)),
          1,
        );
        return rows.map(({ id }) => come.has(id));
      }),
  });
}

function toRow({ id, partition, priority, position, orderKey, notBefore }: QueueItem): ItemRow {
  return {
    id: inColumn(id),
    partition: inColumn(partition),
    priority,
    position,
    orderKey: orderKey === undefined ? null : inColumn(orderKey),
    names: asTheyWere({ id, partition, order_key: orderKey }),
    notBefore: notBefore ?? null,
  };
}

function columns(rows: readonly ItemRow[]): readonly unknown[] {
  return [
    rows.map(({ id }) => id),
    rows.map(({ partition }) => partition),
    rows.map(({ priority }) => priority),
    rows.map(({ position }) => position),
    rows.map(({ orderKey }) => orderKey),
    rows.map(({ names }) => names),
    rows.map(({ notBefore }) => notBefore),
  ];
}
