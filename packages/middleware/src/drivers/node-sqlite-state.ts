import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** What SQLite says of a connection, asked by its unobserved methods. Takes no lock and reads no page. */
export class SqliteState {
  readonly #database: DatabaseSync;
  readonly #prepare: DatabaseSync['prepare'];
  readonly #exec: DatabaseSync['exec'];
  #counter: StatementSync | undefined;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#prepare = database.prepare.bind(database);
    this.#exec = database.exec.bind(database);
  }

  /** Undefined where the database is closed. */
  isInTransaction(): boolean | undefined {
    try {
      // Not in Node before 22.16, whatever its types say.
      const told = this.#database.isTransaction as boolean | undefined;
      return told ?? refusesVacuum(this.#exec);
    } catch {
      return undefined;
    }
  }

  /**
   * Rows that the connection has written since it was opened, those that were rolled back as well. NaN where the database
   * is closed or an authorizer denies the question: no number is more than that, and so nothing counts as written.
   */
  changes(): number {
    try {
      this.#counter ??= this.#prepare('SELECT total_changes() AS changes');
      return Number(this.#counter.get()?.['changes']);
    } catch {
      this.#counter = undefined;
      return Number.NaN;
    }
  }
}

/**
 * Whether a connection is inside a transaction, told by the error of a VACUUM that can never run: SQLite looks for a
 * transaction before it looks at the name of the file, and has done nothing by then.
 */
export function refusesVacuum(exec: (sql: string) => void): boolean {
  try {
    exec('VACUUM INTO NULL');
  } catch (error) {
    const { message } = error as Error;
    if (/within a transaction/.test(message)) return true;
    if (/non-text filename|statements in progress/.test(message)) return false;
    throw error;
  }
  return false;
}
