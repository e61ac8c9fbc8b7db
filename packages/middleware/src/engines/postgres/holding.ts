import { GroupedCalls } from './grouped-calls.ts';
import { type Scope, serverNow } from './scope.ts';

/** What who holds an item does with it short of letting it leave: prolongs the lease, or puts it back. */
export interface Holding {
  /** As it stands in its column. */
  readonly id: string;
  readonly token: number;
  /** From now on. */
  readonly leaseMs: number | null;
  readonly notBefore: number | null;
}

/** What is done by holders together: gives each whether it held the item. */
export function holdings({ id: scopeId, schema, transactions }: Scope): GroupedCalls<Holding, boolean> {
  // Who holds an item may prolong or postpone it also when one came that goes before it: it stays blocked.
  const sql = `
    WITH call AS MATERIALIZED (
      SELECT id, token, lease_ms, not_before
      FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) AS call (id, token, lease_ms, not_before)
    ), locked AS MATERIALIZED (
      SELECT id, token FROM ${schema}.queue WHERE scope = $1 AND id = ANY ($2::text[]) ORDER BY id FOR UPDATE
    ), held AS MATERIALIZED (
      SELECT call.* FROM call JOIN locked USING (id, token)
    )
    UPDATE ${schema}.queue AS q SET
      state = CASE q.state WHEN 'blocked' THEN 'blocked' ELSE 'waiting' END,
      until = coalesce(held.not_before, ${serverNow} + held.lease_ms),
      not_before = coalesce(held.not_before, q.not_before),
      holder = CASE WHEN held.not_before IS NULL THEN q.holder END
    FROM held WHERE q.scope = $1 AND q.id = ANY (ARRAY(SELECT id FROM held)) AND q.id = held.id RETURNING q.id`;
  return new GroupedCalls({
    keyOf: ({ id }) => id,
    perform: async (calls) => {
      const columns = [
        calls.map(({ id }) => id),
        calls.map(({ token }) => token),
        calls.map(({ leaseMs }) => leaseMs),
        calls.map(({ notBefore }) => notBefore),
      ];
      const rows = await transactions.write((query) => query(sql, [scopeId, ...columns]));
      const held = new Set(rows.map((row) => row['id']));
      return calls.map(({ id }) => held.has(id));
    },
  });
}
