import type { Scope } from './scope.ts';
import type { Query } from './transactions.ts';

// Of the items of one order key all but the first are `blocked`, before and after each transaction, so that a claim
// never wades through a tail however long it is. Transactions that change who is first take turns: they lock the line.
// The locks are striped, as a transaction of many keys must not fill the server's table of locks.

const stripes = 128;

/** The lines of order keys in one scope. */
export interface OrderLines {
  /** Waits until nobody else changes the lines of these order keys. To be called before reading who is first. */
  lock(query: Query, orderKeys: readonly string[]): Promise<void>;
  /** The same for the order keys of these items, by their ids; resolves with whether there are any. */
  lockOf(query: Query, ids: readonly string[]): Promise<boolean>;
  /** Lets the first of each line forward, and blocks who stood there and is not first any more. */
  straighten(query: Query, orderKeys: readonly string[]): Promise<void>;
}

/** The lines of a scope. */
export function orderLines({ id, schema }: Scope): OrderLines {
  // Locks are the whole database's: the class is the schema's, the number the scope's and the stripe's.
  const take = `SELECT pg_advisory_xact_lock(hashtext('slackwater ${schema.replaceAll("'", "''")}'), stripe)
    FROM (SELECT DISTINCT $1::integer * ${stripes} + (hashtext(order_key) & ${stripes - 1}) AS stripe`;
  const lock = `${take} FROM unnest($2::text[]) AS order_key ORDER BY stripe) AS taken`;
  // Found by the ids alone: the index of the lines would be gone through from end to end for them.
  const lockOf = `${take} FROM (
      SELECT order_key FROM ${schema}.queue WHERE scope = $1 AND id = ANY ($2::text[]) OFFSET 0
    ) AS leaving WHERE order_key IS NOT NULL ORDER BY stripe) AS taken`;
  const straighten = `
    WITH line AS MATERIALIZED (
      SELECT keyed.order_key, first.id
      FROM (SELECT DISTINCT order_key COLLATE "C" AS order_key FROM unnest($2::text[]) AS order_key) AS keyed
      CROSS JOIN LATERAL (
        SELECT q.id FROM ${schema}.queue AS q WHERE q.scope = $1 AND q.order_key = keyed.order_key
        ORDER BY q.position, q.id LIMIT 1
      ) AS first
    ), blocked AS (
      UPDATE ${schema}.queue AS q SET state = 'blocked'
      WHERE q.scope = $1 AND q.order_key = ANY ($2::text[]) AND q.state <> 'blocked'
        AND NOT EXISTS (SELECT FROM line WHERE line.id = q.id)
    )
    UPDATE ${schema}.queue AS q SET state = 'waiting'
    WHERE q.scope = $1 AND q.id = ANY (ARRAY(SELECT id FROM line)) AND q.state = 'blocked'`;
  return {
    async lock(query, orderKeys) {
      if (orderKeys.length > 0) await query(lock, [id, orderKeys]);
    },
    lockOf: async (query, ids) => (await query(lockOf, [id, ids])).length > 0,
    async straighten(query, orderKeys) {
      if (orderKeys.length > 0) await query(straighten, [id, orderKeys]);
    },
  };
}
