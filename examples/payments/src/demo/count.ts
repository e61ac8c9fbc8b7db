import pg from 'pg';
import type { ProcessorSimulator } from '../processor/processor.ts';
import type { Purchase } from './order-system.ts';

/** What the databases and the processor say at the end, held against what the order system asked for. */
export interface Account {
  readonly transactions: number;
  readonly settled: number;
  readonly canceled: number;
  /** Transactions that are not as they were asked for, in the databases or at the processor. */
  readonly wrong: number;
  /** Every cent that was authorized is paid, or its customer's again. */
  readonly conserved: boolean;
}

interface Row {
  readonly id: string;
  readonly state: string;
  readonly amount: number;
  readonly settled: number | null;
  readonly waiting: number;
}

/** Counts. No service is asked: this reads the tables. */
export async function count(
  connectionStrings: readonly string[],
  processor: Pick<ProcessorSimulator, 'reserved' | 'captured'>,
  purchases: readonly Purchase[],
): Promise<Account> {
  const rows = (await Promise.all(connectionStrings.map(read))).flat();
  const found = new Map(rows.map((row) => [row.id, row]));
  const wrong = purchases.filter((purchase) => !isRight(purchase, found.get(purchase.id), processor)).length;
  const paid = sum([...processor.captured.values()]);
  const held = sum([...processor.reserved.values()]);
  const expected = sum(
    purchases.filter(({ end }) => end === 'settled').map(({ settleCents }) => settleCents),
  );
  return {
    transactions: rows.length,
    settled: rows.filter(({ state }) => state === 'settled').length,
    canceled: rows.filter(({ state }) => state === 'canceled').length,
    wrong: wrong + (rows.length - found.size) + Math.abs(found.size - purchases.length),
    conserved: paid === expected && paid === sum(rows.map(({ settled }) => settled ?? 0)) && held === 0,
  };
}

/** How much is on the queues of all partitions. */
export async function countQueued(connectionStrings: readonly string[]): Promise<number> {
  const rows = (await Promise.all(connectionStrings.map(read))).flat();
  return sum(rows.map(({ waiting }) => waiting));
}

function isRight(
  { id, end, settleCents, amountCents, isGranted }: Purchase,
  row: Row | undefined,
  { reserved, captured }: Pick<ProcessorSimulator, 'reserved' | 'captured'>,
): boolean {
  if (!isGranted || row === undefined || row.waiting > 0 || row.amount !== amountCents || reserved.has(id))
    return false;
  return end === 'settled'
    ? row.state === 'settled' && row.settled === settleCents && captured.get(id) === settleCents
    : row.state === 'canceled' && row.settled === null && !captured.has(id);
}

async function read(connectionString: string): Promise<readonly Row[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const { rows } = await client.query<Row>(
      `SELECT id, state, amount_cents::int AS amount, settled_cents::int AS settled,
         (SELECT count(*)::int FROM work_queue WHERE transaction_id = id) AS waiting FROM transactions`,
    );
    return rows;
  } finally {
    await client.end();
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
