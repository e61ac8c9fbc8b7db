import { transaction as inTransaction } from '@slackwater/example-shop/transaction';
import type { PoolClient, QueryResult } from 'pg';
import type { Partition } from './partitions.ts';

/** A transaction as it is told. */
export interface Transaction {
  readonly id: string;
  readonly order: string;
  readonly amountCents: number;
  readonly state: 'initiated' | 'authorized' | 'settled' | 'canceled';
  readonly toSettleCents: number | null;
  readonly settledCents: number | null;
}

/** Why something can't be done to a transaction; `status` is what the caller is answered. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const columns = `id, order_id AS "order", amount_cents::int AS "amountCents", state,
  to_settle_cents::int AS "toSettleCents", settled_cents::int AS "settledCents"`;

/** Every write is a transaction, also where it is one statement: the gate measures what commits by itself apart. */
async function write({ pool }: Partition, text: string, values: readonly unknown[]): Promise<QueryResult> {
  return await inTransaction(pool, (client) => client.query(text, [...values]));
}

/** Gives a transaction; undefined where there is none. */
export async function find({ pool }: Partition, id: string): Promise<Transaction | undefined> {
  const { rows } = await pool.query<Transaction>(`SELECT ${columns} FROM transactions WHERE id = $1`, [id]);
  return rows[0];
}

/** Gives the transactions of an order in one partition. */
export async function ofOrder({ pool }: Partition, order: string): Promise<readonly Transaction[]> {
  const { rows } = await pool.query<Transaction>(
    `SELECT ${columns} FROM transactions WHERE order_id = $1 ORDER BY id`,
    [order],
  );
  return rows;
}

/** Records that a transaction has begun; one that is there already is given as it is. */
export async function initiate(
  partition: Partition,
  { id, order, amountCents }: Pick<Transaction, 'id' | 'order' | 'amountCents'>,
): Promise<Transaction> {
  await write(
    partition,
    'INSERT INTO transactions (id, order_id, amount_cents) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING',
    [id, order, amountCents],
  );
  const there = await find(partition, id);
  if (there === undefined) throw new Error(`Transaction ${id} is gone.`);
  if (there.order !== order || there.amountCents !== amountCents)
    throw new Refused(409, 'there is another transaction of that id');
  return there;
}

/** Records what the processor said of an authorization. */
export async function authorized(
  partition: Partition,
  id: string,
  state: 'authorized' | 'canceled',
): Promise<void> {
  await write(partition, "UPDATE transactions SET state = $2 WHERE id = $1 AND state = 'initiated'", [
    id,
    state,
  ]);
}

/** Puts a settlement on the queue of what is sent to the processor. At most what was authorized may be settled. */
export async function requestSettlement(
  { pool }: Partition,
  id: string,
  amountCents: number,
): Promise<Transaction> {
  return await inTransaction(pool, async (client) => {
    const there = await lock(client, id);
    if (there.toSettleCents === amountCents) return there;
    if (there.state !== 'authorized' || there.toSettleCents !== null)
      throw new Refused(409, `it is ${there.toSettleCents === null ? there.state : 'being settled'}`);
    if (amountCents > there.amountCents)
      throw new Refused(422, `only ${there.amountCents} cents were authorized`);
    await client.query('UPDATE transactions SET to_settle_cents = $2 WHERE id = $1', [id, amountCents]);
    await client.query(
      "INSERT INTO work_queue (transaction_id, task, amount_cents) VALUES ($1, 'send-settlement', $2)",
      [id, amountCents],
    );
    return { ...there, toSettleCents: amountCents };
  });
}

/** Cancels a transaction once `release` has given its funds back; nobody can ask for settlement meanwhile. */
export async function cancel(
  { pool }: Partition,
  id: string,
  release: () => Promise<void>,
): Promise<Transaction> {
  return await inTransaction(pool, async (client) => {
    const there = await lock(client, id);
    if (there.state === 'canceled') return there;
    if (there.state === 'settled' || there.toSettleCents !== null)
      throw new Refused(409, 'it is settled, or about to be');
    await release();
    await client.query("UPDATE transactions SET state = 'canceled' WHERE id = $1", [id]);
    return { ...there, state: 'canceled' };
  });
}

/** Puts the processor's answer to a settlement on the queue of what is applied; one that came before changes nothing. */
export async function receiveResponse(partition: Partition, id: string, settledCents: number): Promise<void> {
  const { rowCount } = await write(
    partition,
    `INSERT INTO work_queue (transaction_id, task, amount_cents)
     SELECT id, 'apply-response', $2 FROM transactions WHERE id = $1 AND state = 'authorized' AND to_settle_cents = $2
     ON CONFLICT DO NOTHING`,
    [id, settledCents],
  );
  if (rowCount !== 0) return;
  const there = await find(partition, id);
  if (there?.toSettleCents !== settledCents) throw new Refused(404, 'no such settlement was asked for');
}

/** Takes off the queue what was sent to the processor. */
export async function sent(partition: Partition, ids: readonly string[]): Promise<void> {
  await write(
    partition,
    "DELETE FROM work_queue WHERE task = 'send-settlement' AND transaction_id = ANY ($1)",
    [ids],
  );
}

/** Applies the processor's answers. State and queue in one transaction: each is applied once, whoever else tries. */
export async function applyResponses({ pool }: Partition, ids: readonly string[]): Promise<void> {
  await inTransaction(pool, async (client) => {
    await client.query(
      `UPDATE transactions SET state = 'settled', settled_cents = to_settle_cents
       WHERE id = ANY ($1) AND state = 'authorized'`,
      [ids],
    );
    await client.query("DELETE FROM work_queue WHERE task = 'apply-response' AND transaction_id = ANY ($1)", [
      ids,
    ]);
  });
}

async function lock(client: PoolClient, id: string): Promise<Transaction> {
  const { rows } = await client.query<Transaction>(
    `SELECT ${columns} FROM transactions WHERE id = $1 FOR UPDATE`,
    [id],
  );
  if (rows[0] === undefined) throw new Refused(404, 'there is no such transaction');
  return rows[0];
}
