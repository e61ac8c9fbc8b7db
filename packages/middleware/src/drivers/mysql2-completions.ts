import { isSlackwaterError } from '@slackwater/shared';
import { tableMissing } from './completion-error.ts';
import type { CompletionRow, Completions } from './driver.ts';
import { completionRowError, isServerError } from './mysql2-completion-error.ts';
import { contactFailure } from './mysql2-contact.ts';
import type { Mysql2OnceObservation } from './mysql2-once.ts';
import type { Ask, Mysql2Service } from './mysql2-service.ts';

const pruneBatch = 1_000;

/** The completion rows of one database, and the clearing of old ones. */
export interface Mysql2Completions extends Completions {
  /** Removes rows older than that, in batches; resolves with how many. */
  prune(olderThanMs: number): Promise<number>;
}

/**
 * Asks for completion rows over connections of the driver's own: one for questions that are answered at once, one for shutting out,
 * which may have to wait.
 */
export function completionsOf(
  questions: Mysql2Service,
  waiting: Mysql2Service,
  observation: Mysql2OnceObservation,
): Mysql2Completions {
  const { table } = observation;
  let known: Promise<void> | undefined;

  async function ensureTable(ask: Ask): Promise<void> {
    if (!observation.tableToEnsure) return;
    try {
      await ask(table.ensure);
      observation.tableToEnsure = false;
    } catch (error) {
      if (!isServerError(error)) throw error;
      // It may be there all the same, made by somebody with the right to.
    }
  }

  /** The first question of all may be one for rows, in a database that has no table yet. */
  function withTable<T>(work: (ask: Ask) => Promise<T>): (ask: Ask) => Promise<T> {
    return async (ask) => {
      await ensureTable(ask);
      return work(ask);
    };
  }

  async function check(ask: Ask): Promise<void> {
    const [found] = (await ask(table.check)).rows;
    if (found === undefined) throw tableMissing(undefined, 'The table slackwater_completions is missing');
    const [engine, columns, keys] = found;
    if (String(engine).toLowerCase() !== 'innodb') {
      throw tableMissing(
        undefined,
        `The table slackwater_completions is of the engine ${String(engine)}, which is not known to have transactions; it must be InnoDB`,
      );
    }
    if (Number(columns) !== 4 || Number(keys) === 0) {
      throw tableMissing(
        undefined,
        'The table slackwater_completions lacks a column, has another type of key than varbinary, or lacks its unique key (key, ordinal)',
      );
    }
    for (const sql of table.checkRights) await ask(sql);
  }

  async function rowsOf(ask: Ask, sql: string): Promise<CompletionRow[]> {
    const { rows } = await ask(sql);
    return rows.map(([ordinal, tombstone]) => ({
      ordinal: Number(ordinal),
      tombstone: Number(tombstone) !== 0,
    }));
  }

  async function shutOut(ask: Ask, key: string): Promise<'shut-out' | 'completed'> {
    const before = await rowsOf(ask, table.find(key));
    if (before.length > 0) return meaningOf(before);
    await ask('START TRANSACTION');
    try {
      // A transaction that has inserted its row and not ended has locked it: only its end decides.
      const rows = await rowsOf(ask, table.findAlone(key));
      if (rows.length === 0) await ask(table.insertTombstone(key));
      await ask('COMMIT');
      return rows.length === 0 ? 'shut-out' : meaningOf(rows);
    } catch (error) {
      if (isServerError(error)) await ask('ROLLBACK');
      throw error;
    }
  }

  /** What the server refuses may be for want of the table: whether it is there is no longer known. */
  async function lookingAgain<T>(asked: Promise<T>): Promise<T> {
    try {
      return await asked;
    } catch (error) {
      if (!isServerError(error)) throw error;
      known = undefined;
      throw completionRowError(error);
    }
  }

  return {
    async ready() {
      known ??= questions.use(withTable(check)).catch((error: unknown) => {
        known = undefined;
        // Whether the table is there nobody can tell now.
        throw isSlackwaterError(error) || contactFailure(error) !== undefined
          ? error
          : tableMissing(error, 'The table slackwater_completions could not be looked at');
      });
      await known;
    },

    find: (key) => lookingAgain(questions.use(withTable((ask) => rowsOf(ask, table.find(key))))),

    shutOut: (key) => lookingAgain(waiting.use(withTable((ask) => shutOut(ask, key)))),

    async prune(olderThanMs) {
      for (let pruned = 0; ; ) {
        const { affectedRows } = await waiting.use((ask) => ask(table.prune(olderThanMs, pruneBatch)));
        pruned += affectedRows;
        if (affectedRows < pruneBatch) return pruned;
      }
    },
  };
}

function meaningOf(rows: readonly CompletionRow[]): 'shut-out' | 'completed' {
  return rows.every((row) => row.tombstone) ? 'shut-out' : 'completed';
}
