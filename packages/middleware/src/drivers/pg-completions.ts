import { askedCompletions, meaningOf, type PrunableCompletions } from './asked-completions.ts';
import { tableMissing } from './completion-error.ts';
import type { CompletionRow } from './driver.ts';
import type { PgClient } from './pg-client.ts';
import { completionRowError } from './pg-completion-error.ts';
import {
  checkTableSql,
  ensureTableSql,
  findRowsSql,
  insertTombstoneSql,
  lockKeySql,
  pruneSql,
} from './pg-completion-table.ts';
import { contactFailure } from './pg-contact.ts';
import { isServerError, type ServiceConnection, type ServiceResult } from './pg-service.ts';
import type { PgObservation } from './pg-session.ts';

/** How long the completion rows' own questions may take before the answer is that there is none. */
const answerWithinMs = 10_000;
/** How long a shutting out waits for transactions of its key that have not ended. */
const lockTimeoutMs = 5_000;

/**
 * The completion rows of one database, over connections of the driver's own: one for questions that are answered at once,
 * one for shutting out, which may have to wait.
 */
export function completionsOf(
  questions: ServiceConnection,
  waiting: ServiceConnection,
  observation: PgObservation,
): PrunableCompletions {
  async function ensureTable(client: PgClient): Promise<void> {
    if (!observation.tableToEnsure) return;
    try {
      await ask(client, ensureTableSql);
      observation.tableToEnsure = false;
    } catch (error) {
      if (isServerError(error)) await ask(client, 'ROLLBACK');
      // It may be there all the same, made by somebody with the right to.
    }
  }

  return askedCompletions({
    questions,
    waiting,
    ensureTable,
    checkTable,
    rowsOf,
    shutOut: (client, key) => inTransaction(client, () => shutOut(client, key)),
    prune: async (client, olderThanMs, atMost) =>
      (await ask(client, pruneSql, [olderThanMs, atMost])).rowCount ?? 0,
    isServerError,
    isOutOfReach: (error) => contactFailure(error) !== undefined,
    asRefusal: completionRowError,
  });
}

async function checkTable(client: PgClient): Promise<void> {
  const { rows } = await ask(client, checkTableSql);
  if (rows.length === 0) throw tableMissing(undefined, 'The table slackwater_completions is missing');
  if (rows[0]?.['usable'] !== true) {
    throw tableMissing(
      undefined,
      'The table slackwater_completions lacks a column, its unique key (key, ordinal), or the right to SELECT and INSERT',
    );
  }
}

async function shutOut(client: PgClient, key: string): Promise<'shut-out' | 'completed'> {
  const before = await rowsOf(client, key);
  if (before.length > 0) return meaningOf(before);
  await ask(client, `SET LOCAL lock_timeout = ${lockTimeoutMs}`);
  // A transaction that has inserted its row and not ended holds this lock too: only its end decides.
  await ask(client, lockKeySql, [key]);
  await ask(client, insertTombstoneSql, [key]);
  return meaningOf(await rowsOf(client, key));
}

async function rowsOf(client: PgClient, key: string): Promise<CompletionRow[]> {
  const { rows } = await ask(client, findRowsSql, [key]);
  return rows.map((row) => ({ ordinal: Number(row['ordinal']), tombstone: row['tombstone'] === true }));
}

async function inTransaction<T>(client: PgClient, work: () => Promise<T>): Promise<T> {
  await ask(client, 'BEGIN ISOLATION LEVEL READ COMMITTED');
  try {
    const result = await work();
    await ask(client, 'COMMIT');
    return result;
  } catch (error) {
    if (isServerError(error)) await ask(client, 'ROLLBACK');
    throw error;
  }
}

async function ask(client: PgClient, text: string, values?: readonly unknown[]): Promise<ServiceResult> {
  return (await client.query({ text, values, query_timeout: answerWithinMs })) as ServiceResult;
}
