import type { Client, Pool } from 'pg';

/**
 * The tables of one partition. A transaction is initiated, then authorized (its funds are reserved at the processor), then settled, or it is
 * canceled. `work_queue` has what is done in batches: settlements that wait to be sent, and answers of the processor that wait to be applied.
 */
export async function createTables(pool: Pool | Client): Promise<void> {
  await pool.query(`
    CREATE TABLE IF NOT EXISTS transactions (
      id text PRIMARY KEY,
      order_id text NOT NULL,
      amount_cents bigint NOT NULL CHECK (amount_cents > 0),
      state text NOT NULL DEFAULT 'initiated' CHECK (state IN ('initiated', 'authorized', 'settled', 'canceled')),
      -- What is to be settled, from when that is asked for.
      to_settle_cents bigint CHECK (to_settle_cents > 0 AND to_settle_cents <= amount_cents),
      settled_cents bigint CHECK (settled_cents = to_settle_cents)
    );
    CREATE INDEX IF NOT EXISTS transactions_of_order ON transactions (order_id);
    CREATE TABLE IF NOT EXISTS work_queue (
      transaction_id text NOT NULL REFERENCES transactions,
      task text NOT NULL CHECK (task IN ('send-settlement', 'apply-response')),
      amount_cents bigint NOT NULL,
      queued_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (task, transaction_id)
    )`);
}
