import { askedCompletions, meaningOf, type PrunableCompletions } from './asked-completions.ts';
import { tableMissing } from './completion-error.ts';
import type { CompletionRow } from './driver.ts';
import { completionRowError, isServerError } from './mysql2-completion-error.ts';
import { contactFailure } from './mysql2-contact.ts';
import type { Mysql2OnceObservation } from './mysql2-once.ts';
import type { Ask, Mysql2Service } from './mysql2-service.ts';

/**
 * The completion rows of one database, over connections of the driver's own: one for questions that are answered at once, one for shutting
 * out, which may have to wait.
 */
export function completionsOf(
  questions: Mysql2Service,
  waiting: Mysql2Service,
  observation: Mysql2OnceObservation,
): PrunableCompletions {
  const { table } = observation;

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

  async function checkTable(ask: Ask): Promise<void> {
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

  return askedCompletions({
    questions,
    waiting,
    ensureTable,
    checkTable,
    rowsOf: (ask, key) => rowsOf(ask, table.find(key)),
    shutOut,
    prune: async (ask, olderThanMs, atMost) => (await ask(table.prune(olderThanMs, atMost))).affectedRows,
    isServerError,
    isOutOfReach: (error) => contactFailure(error) !== undefined,
    asRefusal: completionRowError,
  });
}
