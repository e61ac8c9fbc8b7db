import type { Timer } from '../../clock.ts';
import { partOfToday } from './leaving.ts';
import { settledParts } from './schema.ts';
import { type CallsUnderWay, type Scope, serverNow } from './scope.ts';
import type { Query } from './transactions.ts';

/** How often what has expired is looked for, and how soon again while there is more of it. */
const sweepEveryMs = 30_000;
const sweepAgainMs = 200;

const rowsPerSweep = 500;

/** For so long others wait where the part that is to be emptied is being read. */
const emptyingLockMs = 100;

/** Around midnight no part is emptied: whose turn it is may change while the lock is waited for. */
const hourMs = 3_600_000;

/**
 * Deletes what has expired, a bounded piece at a time; resolves with whether there may be more. Hosts that sweep at
 * once pass over each other's rows.
 */
export async function sweep(scope: Scope): Promise<boolean> {
  const { id, schema, transactions } = scope;
  const expired = (table: string, column: string): string => `
    DELETE FROM ${schema}.${table} WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM ${schema}.${table} WHERE scope = $1 AND ${column} <= ${serverNow}
      LIMIT ${rowsPerSweep} FOR UPDATE SKIP LOCKED
    )) RETURNING 1`;
  const mayBeMore = await transactions.write(async (query) => {
    const values = await query(expired('store', 'expires_at'), [id]);
    const letters = await query(expired('dead_letter', 'until'), [id]);
    return values.length === rowsPerSweep || letters.length === rowsPerSweep;
  });
  await transactions.write((query) => forgetEmptyPartitions(query, scope));
  await transactions.write((query) => emptyOldestPart(query, scope));
  return mayBeMore;
}

/** A partition without items needs no counters. */
async function forgetEmptyPartitions(query: Query, { id, schema }: Scope): Promise<void> {
  // Locked first and counted again then: meanwhile nobody else counts there.
  const empty = await query(
    `SELECT partition FROM ${schema}.backlog WHERE scope = $1 GROUP BY partition HAVING sum(items) = 0 LIMIT $2`,
    [id, rowsPerSweep],
  );
  if (empty.length === 0) return;
  const partitions = empty.map((row) => row['partition']);
  await query(
    `SELECT slot FROM ${schema}.backlog WHERE scope = $1 AND partition = ANY ($2::text[])
     ORDER BY partition, slot FOR UPDATE`,
    [id, partitions],
  );
  await query(
    `DELETE FROM ${schema}.backlog WHERE scope = $1 AND partition IN (
       SELECT partition FROM ${schema}.backlog WHERE scope = $1 AND partition = ANY ($2::text[])
       GROUP BY partition HAVING sum(items) = 0)`,
    [id, partitions],
  );
}

/** The ids that were settled the day before yesterday: their part is the one that tomorrow's go to. */
async function emptyOldestPart(query: Query, { schema }: Scope): Promise<void> {
  const [today] = await query(
    `SELECT ${partOfToday} AS part, ${serverNow} % (24 * ${hourMs}) BETWEEN $1 AND 23 * $1 AS is_day`,
    [hourMs],
  );
  if (today?.['is_day'] !== true) return;
  const oldest = `${schema}.settled_${(Number(today['part']) + 1) % settledParts}`;
  const [left] = await query(`SELECT EXISTS (SELECT FROM ${oldest} LIMIT $1) AS some`, [1]);
  if (left?.['some'] !== true) return;
  await query(`SELECT set_config('lock_timeout', $1, true)`, [`${emptyingLockMs}ms`]);
  await query(`TRUNCATE ${oldest}`, []);
}

/**
 * Has what has expired deleted from time to time. Gives the function that ends it. A sweep that fails is no news:
 * whatever it failed of fails the calls that somebody waits for, too.
 */
export function startSweeping(scope: Scope, calls: CallsUnderWay): () => void {
  let stopped = false;
  let timer: Timer = scope.clock.after(sweepEveryMs, run);

  function run(): void {
    calls
      .run(() => sweep(scope))
      .catch(() => false)
      .then((mayBeMore) => {
        if (!stopped) timer = scope.clock.after(mayBeMore ? sweepAgainMs : sweepEveryMs, run);
      });
  }

  return () => {
    stopped = true;
    timer.cancel();
  };
}
