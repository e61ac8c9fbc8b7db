import { SlackwaterError } from '@slackwater/shared';

/** Which task of which run; a task's context has it. */
export interface UndoOf {
  readonly operation: string;
  readonly task: string;
}

/** What `undoRows` takes. */
export interface UndoRowsOptions {
  /** The tables whose rows tasks change, as a statement would name them. Each needs a primary key. */
  readonly tables: readonly string[];
}

/** Refuses what names no tables. Throws `option-invalid`. */
export function checkUndoTables({ tables }: UndoRowsOptions): void {
  if (Array.isArray(tables) && tables.length > 0 && [...tables].every((one) => typeof one === 'string'))
    return;
  throw new SlackwaterError(
    'option-invalid',
    'undoRows(): tables: name the tables whose rows tasks change, one at least.',
  );
}

/** Under which the images of a task are kept. */
export function undoKeyOf({ operation, task }: UndoOf): string {
  return `${operation}/${task}`;
}

/** Code `option-invalid`: changes to that table could not be undone. */
export function unfitTable(table: string, why: string): SlackwaterError {
  return new SlackwaterError('option-invalid', `undoRows(): tables: ${JSON.stringify(table)}: ${why}.`);
}

/** Why a table without a primary key is refused. */
export const noPrimaryKey = 'it has no primary key, by which its rows could be found again';

/** Why a table is refused whose rows take those of another with them. */
export function takesWithIt(child: string): string {
  return `rows of ${JSON.stringify(child)} are changed with its own, by a foreign key (CASCADE, SET NULL or SET DEFAULT), and nobody would put them back`;
}

/**
 * Code `undo-conflict`. Names the row by its key alone: the rest of it is nobody's business.
 *
 * @param key values of its primary key, by column
 */
export function undoConflict(
  table: string,
  key: readonly (readonly [column: string, value: unknown])[],
): SlackwaterError {
  const row = key.map(([column, value]) => `${column} ${JSON.stringify(value)}`).join(', ');
  return new SlackwaterError(
    'undo-conflict',
    `The row of ${table} with ${row} is not as the task left it: somebody changed it since. ${byHand}`,
  );
}

/** Code `undo-conflict`, where the table has other columns than the task's rows had. */
export function undoAltered(table: string): SlackwaterError {
  return new SlackwaterError(
    'undo-conflict',
    `The table ${table} was altered since the task changed rows of it, or since ensure() was called before that. ${byHand}`,
  );
}

/** Code `undo-conflict`, where rows of others depend on what the task did. */
export function undoInUse(cause?: unknown): SlackwaterError {
  return new SlackwaterError(
    'undo-conflict',
    `Rows that others wrote since depend on what the task did. ${byHand}`,
    { cause },
  );
}

/** Code `undo-busy`: another process had the lock of those who prepare tables, and kept it. */
export function undoBusy(lock: string, waitedS: number): SlackwaterError {
  return new SlackwaterError(
    'undo-busy',
    `undoRows(): ensure() waited ${waitedS} s for ${lock}, which another process has, and changed nothing. See who has it, and call ensure() again.`,
  );
}

const byHand = 'Nothing was undone; put it right by hand, and resume.';
