import { deadKeptMs } from '../limits.ts';
import { type CountedItem, count } from './counting.ts';
import { GroupedCalls } from './grouped-calls.ts';
import { orderLines } from './order-line.ts';
import type { Row } from './row-values.ts';
import { settledParts } from './schema.ts';
import { type Scope, serverNow } from './scope.ts';

const dayMs = 24 * 3_600_000;

/** How an item leaves the queue; `removed` by whoever asks, unless it is leased. */
export interface Leaving {
  /** As it stands in its column. */
  readonly id: string;
  readonly token: number;
  readonly as: 'settled' | 'dead' | 'removed';
}

/** Which part of the settled ids today's are: parts are emptied as a whole, the day after tomorrow. */
export const partOfToday = `((${serverNow} / ${dayMs}) % ${settledParts})::integer`;

/** What leaves the queue together: gives each whether it did. */
export function leavings(scope: Scope): GroupedCalls<Leaving, boolean> {
  const { id: scopeId, schema, transactions } = scope;
  const lines = orderLines(scope);
  const item = 'scope, id, partition, priority, position, order_key, names, not_before, holder';
  // Rows are taken in the order of their ids, so that no two transactions wait for each other.
  const leave = `
    WITH call AS MATERIALIZED (
      SELECT id, token, leaves FROM unnest($2::text[], $3::bigint[], $4::text[]) AS call (id, token, leaves)
    ), locked AS MATERIALIZED (
      SELECT id, token, holder, until FROM ${schema}.queue WHERE scope = $1 AND id = ANY ($2::text[])
      ORDER BY id FOR UPDATE
    ), leaving AS MATERIALIZED (
      SELECT id, leaves FROM call JOIN locked USING (id) WHERE CASE leaves
        WHEN 'removed' THEN holder IS NULL OR until <= ${serverNow} ELSE locked.token = call.token END
    ), gone AS (
      DELETE FROM ${schema}.queue WHERE scope = $1 AND id = ANY (ARRAY(SELECT id FROM leaving)) RETURNING *
    ), settled AS (
      INSERT INTO ${schema}.settled AS k (part, scope, id, until)
      SELECT ${partOfToday}, scope, id, ${serverNow} + ${dayMs} FROM gone JOIN leaving USING (id) WHERE leaves = 'settled'
      ON CONFLICT (part, scope, id) DO UPDATE SET until = excluded.until
    ), dead AS (
      INSERT INTO ${schema}.dead_letter (${item}, until)
      SELECT ${item}, ${serverNow} + ${deadKeptMs} FROM gone JOIN leaving USING (id) WHERE leaves = 'dead'
    )
    SELECT id, partition, order_key, names FROM gone`;

  return new GroupedCalls({
    keyOf: ({ id }) => id,
    perform: (calls) =>
      transactions.write(async (query) => {
        const ids = calls.map(({ id }) => id);
        await lines.lockOf(query, ids);
        const tokens = calls.map(({ token }) => token);
        const gone = await query(leave, [scopeId, ids, tokens, calls.map((call) => call.as)]);
        await lines.straighten(
          query,
          gone.flatMap((row) => (row['order_key'] === null ? [] : [String(row['order_key'])])),
        );
        await count(query, scope, gone.map(countedItem), -1);
        const left = new Set(gone.map((row) => row['id']));
        return calls.map(({ id }) => left.has(id));
      }),
  });
}

function countedItem(row: Row): CountedItem {
  const { names } = row;
  return { partition: String(row['partition']), names: typeof names === 'string' ? names : null };
}
