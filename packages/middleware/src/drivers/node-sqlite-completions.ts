import { DatabaseSync } from 'node:sqlite';
import { isSlackwaterError } from '@slackwater/shared';
import { systemClock } from '../clock.ts';
import type { PrunableCompletions } from './asked-completions.ts';
import { tableMissing } from './completion-error.ts';
import type { CompletionRow } from './driver.ts';
import {
  checkTableSql,
  ensureTableSql,
  findRowsSql,
  insertTombstoneSql,
  pruneSql,
} from './node-sqlite-completion-table.ts';
import { completionRowError, isHeldByOthers } from './node-sqlite-errors.ts';
import type { SqliteOnceObservation } from './node-sqlite-once.ts';
import type { SqliteState } from './node-sqlite-state.ts';

const pruneBatch = 1_000;
/** How long a question waits for locks of others, and how often it looks, ms. It never holds up the process for them. */
const waitsMs = 5_000;
const looksEveryMs = 20;

type Sql = Pick<DatabaseSync, 'exec' | 'prepare'>;

/**
 * Asks for completion rows over connections of the driver's own, opened for each question, so that a transaction that is open on the application's
 * neither hides them nor is asked about itself. A database that is in no file is asked on its one connection, between its transactions.
 */
export function completionsOf(
  database: DatabaseSync,
  state: SqliteState,
  observation: SqliteOnceObservation,
): PrunableCompletions {
  const own: Sql = { exec: database.exec.bind(database), prepare: database.prepare.bind(database) };
  const file = fileOf(own);
  let known: Promise<void> | undefined;

  function ask<T>(work: (sql: Sql) => T): T | typeof notNow {
    if (file === '') return state.isInTransaction() === true ? notNow : work(own);
    const connection = new DatabaseSync(file);
    try {
      return work(connection);
    } finally {
      connection.close();
    }
  }

  /** Tries again while others hold what it wants. */
  async function patiently<T>(work: (sql: Sql) => T): Promise<T> {
    const deadline = systemClock.now() + waitsMs;
    for (;;) {
      try {
        const answer = ask(work);
        if (answer !== notNow) return answer;
        if (systemClock.now() > deadline)
          throw new Error('The connection did not end its transaction in time.');
      } catch (error) {
        if (!isHeldByOthers(error) || systemClock.now() > deadline) throw completionRowError(error);
      }
      await new Promise<void>((resolve) => void systemClock.after(looksEveryMs, resolve));
    }
  }

  function ensureTable(sql: Sql): void {
    if (!observation.tableToEnsure) return;
    try {
      sql.exec(ensureTableSql);
      observation.tableToEnsure = false;
    } catch (error) {
      if (isHeldByOthers(error)) throw error;
      // It may be there all the same, in a database that can only be read.
    }
  }

  /** The first question of all may be one for rows, in a database that has no table yet. */
  function withTable<T>(work: (sql: Sql) => T): (sql: Sql) => T {
    return (sql) => {
      ensureTable(sql);
      return work(sql);
    };
  }

  return {
    async ready() {
      known ??= patiently(withTable(check)).catch((error: unknown) => {
        known = undefined;
        throw isSlackwaterError(error) || isHeldByOthers(error)
          ? error
          : tableMissing(error, 'The table slackwater_completions could not be looked at');
      });
      await known;
    },

    find: (key) => patiently(withTable((sql) => rowsOf(sql, key))),

    shutOut: (key) =>
      // A transaction that has inserted its row and not ended keeps every other writer out.
      patiently(withTable((sql) => inTransaction(sql, () => shutOut(sql, key)))),

    async prune(olderThanMs) {
      for (let pruned = 0; ; ) {
        const { changes } = await patiently((sql) => sql.prepare(pruneSql).run(olderThanMs, pruneBatch));
        pruned += Number(changes);
        if (Number(changes) < pruneBatch) return pruned;
      }
    },
  };
}

const notNow: unique symbol = Symbol('not now');

/** The file of the main database; empty for one in memory. */
function fileOf(sql: Sql): string {
  const main = sql
    .prepare('PRAGMA database_list')
    .all()
    .find(({ name }) => name === 'main');
  return String(main?.['file'] ?? '');
}

function check(sql: Sql): void {
  const { columns, keys } = sql.prepare(checkTableSql).get() ?? {};
  if (columns === 0) throw tableMissing(undefined, 'The table slackwater_completions is missing');
  if (columns !== 4 || keys === 0) {
    throw tableMissing(
      undefined,
      'The table slackwater_completions lacks a column, has one of another type, or lacks its unique key (key, ordinal)',
    );
  }
  // Refused where the database can only be read.
  inTransaction(sql, () => {});
}

function shutOut(sql: Sql, key: string): 'shut-out' | 'completed' {
  const rows = rowsOf(sql, key);
  if (rows.some(({ tombstone }) => !tombstone)) return 'completed';
  if (rows.length === 0) sql.prepare(insertTombstoneSql).run(key);
  return 'shut-out';
}

function rowsOf(sql: Sql, key: string): CompletionRow[] {
  const rows = sql.prepare(findRowsSql).all(key);
  return rows.map(({ ordinal, tombstone }) => ({
    ordinal: Number(ordinal),
    tombstone: Number(tombstone) !== 0,
  }));
}

function inTransaction<T>(sql: Sql, work: () => T): T {
  sql.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    sql.exec('COMMIT');
    return result;
  } catch (error) {
    sql.exec('ROLLBACK');
    throw error;
  }
}
