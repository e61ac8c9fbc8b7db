import { setTimeout as sleep } from 'node:timers/promises';
import { parseReceipt } from '@slackwater/shared';
import type pg from 'pg';
import type { Answers } from './callers.ts';

/** What a request left in the database. */
export interface Row {
  readonly reference: string;
  readonly customer: string;
  readonly replayed: boolean;
}

const pollMs = 100;

/** Waits until every deferral that was accepted is in the database, but not for ever: what is missing shows later. */
export async function drained(database: pg.Pool, answers: Answers, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs;
  const accepted = [...answers.accepted.keys()];
  for (;;) {
    const { rows: found } = await database.query<{ found: number }>(
      'SELECT count(DISTINCT reference)::int AS found FROM orders WHERE reference = ANY($1)',
      [accepted],
    );
    if (found[0]?.found === accepted.length || Date.now() > deadline) return;
    await sleep(pollMs);
  }
}

/** All rows of orders and payments, each kind in the order it was written in. */
export async function writtenRows(database: pg.Pool): Promise<readonly Row[]> {
  const { rows: written } = await database.query<Row>(
    `SELECT reference, customer, replayed FROM (
       SELECT 1 AS kind, id, reference, customer, replayed FROM orders
       UNION ALL SELECT 2, id, reference, customer, replayed FROM payments
     ) AS written ORDER BY kind, id`,
  );
  return written;
}

/** How often each reference was written. */
export function timesOf(rows: readonly Row[]): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const { reference } of rows) times.set(reference, (times.get(reference) ?? 0) + 1);
  return times;
}

/** Rows, in the order they were written in, whose place is before that of an earlier row of the same. */
export function descents(
  rows: readonly Row[],
  placeOf: (row: Row) => { readonly of: string; readonly place: number } | undefined,
): readonly string[] {
  const last = new Map<string, number>();
  return rows.flatMap((row) => {
    const found = placeOf(row);
    if (found === undefined) return [];
    const before = last.get(found.of) ?? -1;
    last.set(found.of, found.place);
    return found.place > before ? [] : [`${row.reference} (${found.place}) after ${before}`];
  });
}

/** Deferrals of one customer that were not performed in the order of the ledger. */
export function outOfLedgerOrder(rows: readonly Row[], answers: Answers): readonly string[] {
  return descents(rows, ({ reference, customer, replayed }) => {
    const receipt = answers.accepted.get(reference)?.resource.receipt;
    return replayed && receipt !== undefined
      ? { of: customer, place: parseReceipt(receipt).index }
      : undefined;
  });
}
