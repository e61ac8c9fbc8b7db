import type { Pool } from 'pg';

/**
 * The shop's tables. `reference` is the caller's own name for a request. It is not unique on purpose: were
 * anything done twice, it would show. `replayed` says whether the row was written by a deferred request. The lock is for
 * hosts that start at once: CREATE TABLE IF NOT EXISTS alone fails where two meet.
 */
const tables = `
  SELECT pg_advisory_xact_lock(hashtextextended('shop tables', 0));
  CREATE TABLE IF NOT EXISTS payments (
    id bigserial PRIMARY KEY, reference text NOT NULL, customer text NOT NULL, replayed boolean NOT NULL,
    amount_cents integer NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE TABLE IF NOT EXISTS orders (
    id bigserial PRIMARY KEY, reference text NOT NULL, customer text NOT NULL, replayed boolean NOT NULL,
    item text NOT NULL, count integer NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE TABLE IF NOT EXISTS shipments (
    id bigserial PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders (id), state text NOT NULL
  );
  CREATE TABLE IF NOT EXISTS reports (
    id bigserial PRIMARY KEY, reference text NOT NULL, customer text NOT NULL, replayed boolean NOT NULL,
    total_orders bigint NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
`;

/** Creates the tables that are not there yet. */
export async function createTables(pool: Pool): Promise<void> {
  await pool.query(tables);
}
