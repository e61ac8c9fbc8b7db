import pg from 'pg';
import type { JournalEntry } from './journal.ts';

/** The demo's last line. README.md says what each number counts. */
export interface Account {
  readonly performed: number;
  readonly retriedLater: number;
  readonly deferred: number;
  readonly succeeded: number;
  readonly lost: number;
  readonly duplicated: number;
}

/**
 * Holds the callers' journal against the shop's own rows. The gate is not asked, and the connection is none that it
 * observes: what it believes to have done counts for nothing here.
 */
export async function countRows(
  connectionString: string,
  journal: readonly JournalEntry[],
): Promise<Account> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await client.query(
      'CREATE TEMPORARY TABLE journal (reference text PRIMARY KEY, retries int, deferred boolean, status int)',
    );
    await client.query(
      'INSERT INTO journal SELECT * FROM unnest($1::text[], $2::int[], $3::boolean[], $4::int[])',
      [
        journal.map(({ reference }) => reference),
        journal.map(({ retries }) => retries),
        journal.map(({ deferral }) => deferral !== undefined),
        journal.map(({ status }) => status ?? null),
      ],
    );
    const { rows } = await client.query<Account>(question);
    const [account] = rows;
    if (account === undefined) throw new Error('The database did not answer how many rows it has.');
    return account;
  } finally {
    await client.end();
  }
}

const question = `
  WITH written AS (
    SELECT reference, replayed FROM payments
    UNION ALL SELECT reference, replayed FROM orders
    UNION ALL SELECT reference, replayed FROM reports
  ), done AS (
    SELECT reference, count(*) AS times, bool_or(replayed) AS replayed FROM written GROUP BY reference
  )
  SELECT
    (count(*) FILTER (WHERE times > 0 AND NOT replayed AND coalesce(retries, 0) = 0))::int AS performed,
    (count(*) FILTER (WHERE retries > 0))::int AS "retriedLater",
    (count(*) FILTER (WHERE deferred))::int AS deferred,
    (count(*) FILTER (WHERE times > 0))::int AS succeeded,
    (count(*) FILTER (WHERE times IS NULL AND (deferred OR status BETWEEN 200 AND 299)))::int AS lost,
    (count(*) FILTER (WHERE times > 1))::int AS duplicated
  FROM journal FULL JOIN done USING (reference)
`;
