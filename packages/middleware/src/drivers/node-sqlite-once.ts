import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { SlackwaterError } from '@slackwater/shared';
import { type CompletionScope, requestContext } from '../request-context.ts';
import {
  AlreadyPerformedError,
  statementOutsideTransaction,
  transactionInOneString,
} from './completion-error.ts';
import { nextOrdinal, type Ordinal } from './completion-ordinals.ts';
import { ensureTableSql, findRowsSql, insertRowSql } from './node-sqlite-completion-table.ts';
import { completionRowError } from './node-sqlite-errors.ts';
import type { SqliteState } from './node-sqlite-state.ts';
import type { SqliteText } from './node-sqlite-text.ts';

/** What is known of the completion table of an observed database. */
export interface SqliteOnceObservation {
  /** The table is still to be created by the driver. */
  tableToEnsure: boolean;
}

/** Puts the completion row into each transaction of requests that are to be done once, on one connection. */
export class SqliteOnce {
  readonly #observation: SqliteOnceObservation;
  readonly #state: SqliteState;
  readonly #exec: DatabaseSync['exec'];
  readonly #prepare: DatabaseSync['prepare'];
  #insert: StatementSync | undefined;
  /** The row in the transaction that is open. */
  #row: Ordinal | undefined;

  /** To be made before the methods of the database are replaced. */
  constructor(database: DatabaseSync, state: SqliteState, observation: SqliteOnceObservation) {
    this.#observation = observation;
    this.#state = state;
    this.#exec = database.exec.bind(database);
    this.#prepare = database.prepare.bind(database);
  }

  /** Runs a call with the completion row that it needs. Throws what the call throws, or why it can't be done once. */
  run(text: SqliteText, call: () => unknown): unknown {
    const scope = requestContext.getStore()?.completion;
    const isOpen = this.#state.isInTransaction() === true;
    if (!isOpen) this.#end(false);
    if (scope === undefined) return this.#follow(text, call);
    const refusal = refusalOf(text);
    if (refusal !== undefined) {
      scope.refused = refusal;
      throw refusal;
    }
    if (!isOpen && text.begins) return this.#begin(scope, call);
    if (!isOpen && text.writes) return this.#wrap(scope, call);
    // Begun where nobody saw it. Savepoints too: the row must not go with what is taken back to them.
    if (isOpen && this.#row?.scope !== scope && (text.writes || text.begins)) this.#insertRow(scope);
    return this.#follow(text, call);
  }

  /** Runs a call that may end the transaction. */
  #follow(text: SqliteText, call: () => unknown): unknown {
    let isDone = false;
    try {
      const result = call();
      isDone = true;
      return result;
    } finally {
      const commits = isDone && (text.ends === 'commit' || text.ends === 'release');
      if (this.#row !== undefined && this.#state.isInTransaction() !== true) this.#end(commits);
      else if (text.takesBack) this.#putBack();
    }
  }

  #begin(scope: CompletionScope, call: () => unknown): unknown {
    this.#ensureTable();
    const result = call();
    if (this.#state.isInTransaction() === true) this.#insertRow(scope);
    return result;
  }

  /** Runs a write that would commit by itself within a transaction of its own. */
  #wrap(scope: CompletionScope, call: () => unknown): unknown {
    this.#ensureTable();
    this.#exec('BEGIN IMMEDIATE');
    this.#insertRow(scope);
    try {
      const result = call();
      this.#exec('COMMIT');
      this.#end(true);
      return result;
    } catch (error) {
      this.#end(false);
      this.#rollBack();
      throw error;
    }
  }

  /** Inserts the row; where that is refused the transaction is rolled back. */
  #insertRow(scope: CompletionScope): void {
    const ordinal = nextOrdinal(scope);
    try {
      this.#insert ??= this.#prepare(insertRowSql);
      this.#insert.run(scope.key, ordinal.number);
      this.#row = ordinal;
    } catch (error) {
      this.#insert = undefined;
      ordinal.settle(false);
      this.#rollBack();
      const refusal = completionRowError(error);
      if (refusal instanceof AlreadyPerformedError) scope.duplicate = true;
      throw refusal;
    }
  }

  /** ROLLBACK TO the savepoint that began the transaction took the row as well. */
  #putBack(): void {
    if (this.#row === undefined) return;
    const { scope, number } = this.#row;
    const rows = this.#prepare(findRowsSql).all(scope.key);
    if (!rows.some(({ ordinal }) => Number(ordinal) === number)) {
      this.#prepare(insertRowSql).run(scope.key, number);
    }
  }

  #ensureTable(): void {
    if (!this.#observation.tableToEnsure) return;
    try {
      this.#exec(ensureTableSql);
      this.#observation.tableToEnsure = false;
    } catch {
      // The row's own error says why.
    }
  }

  #end(isCommitted: boolean): void {
    this.#row?.settle(isCommitted);
    this.#row = undefined;
  }

  #rollBack(): void {
    try {
      this.#exec('ROLLBACK');
    } catch {
      // SQLite has rolled it back by itself.
    }
  }
}

function refusalOf(text: SqliteText): SlackwaterError | undefined {
  if (text.several && (text.begins || text.ends !== undefined)) return transactionInOneString();
  if (text.outsideOnly)
    return statementOutsideTransaction('a VACUUM, which SQLite keeps out of transactions');
  return undefined;
}
