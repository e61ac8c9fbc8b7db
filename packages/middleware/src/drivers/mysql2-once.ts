import type { SlackwaterError } from '@slackwater/shared';
import type { CompletionScope, RequestContext } from '../request-context.ts';
import { type BegunCommit, beginCommit, isHeard } from './commit-measurement.ts';
import {
  AlreadyPerformedError,
  statementOutsideTransaction,
  transactionInOneString,
} from './completion-error.ts';
import { nextOrdinal, type Ordinal } from './completion-ordinals.ts';
import { completionRowError, onlyReads } from './mysql2-completion-error.ts';
import type { Mysql2CompletionTable } from './mysql2-completion-table.ts';
import { planOnce } from './mysql2-once-plan.ts';
import { outcomeOfError } from './mysql2-outcome.ts';
import { type OwnStatement, type StatementEnd, type StatementScript, theStatement } from './mysql2-script.ts';
import type { Mysql2Effect } from './mysql2-text.ts';
import { follow, type Mysql2SessionState } from './mysql2-transaction.ts';

/** What the sessions of one observed pool know of its completion table. */
export interface Mysql2OnceObservation {
  readonly partition: string;
  readonly table: Mysql2CompletionTable;
  /** The table is still to be created by the driver. */
  tableToEnsure: boolean;
}

/** A statement of a request that is to be done once. */
export interface OnceStatement {
  readonly effects: readonly Mysql2Effect[];
  readonly scope: CompletionScope;
  readonly context: RequestContext;
}

/** The completion rows of the transactions of one connection. */
export class Mysql2Once {
  readonly #observation: Mysql2OnceObservation;
  readonly #session: Mysql2SessionState;
  readonly #onRefused: () => void;
  /** The rows in the transaction that is open; of several requests where one left it open for the next. */
  #rows: Ordinal[] = [];
  /** A statement failed, which may have been the end of the whole transaction. */
  #isUncertain = false;
  /** The write that is being run within a transaction of its own. */
  #wrapped: Ordinal | undefined;
  #commit: BegunCommit | undefined;

  /** `onRefused`: a BEGIN of the application's was refused. */
  constructor(observation: Mysql2OnceObservation, session: Mysql2SessionState, onRefused: () => void) {
    this.#observation = observation;
    this.#session = session;
    this.#onRefused = onRefused;
  }

  /** The transaction is over, as the server says or its end implies. */
  ended(isCommitted: boolean): void {
    this.#isUncertain = false;
    for (const row of this.#rows.splice(0)) row.settle(isCommitted);
  }

  /** Whether the commit of a write within a transaction of its own is under way. */
  get isCommitting(): boolean {
    return this.#commit !== undefined;
  }

  /** A statement of these effects failed; before its caller knows. */
  failed(effects: readonly Mysql2Effect[], isStillOpen: boolean): void {
    // Whether or not it was carried out, the row of whatever comes next finds out.
    const mayHaveCommitted = effects.some((effect) => effect === 'commit' || effect === 'commit-chain');
    if (!isStillOpen || mayHaveCommitted) this.ended(false);
    this.#isUncertain = this.#rows.length > 0;
    this.#wrapped?.settle(false);
  }

  /**
   * The connection is gone. Whether a COMMIT under way was carried out nobody knows; the ordinal is given again, so that the row of the next
   * transaction finds out.
   */
  lost(): void {
    this.#commit?.finish('unknown');
    this.#commit = undefined;
    this.#wrapped?.settle(false);
    this.ended(false);
  }

  /** Runs a statement with the completion row that it needs, or refuses it. */
  *run(statement: OnceStatement): StatementScript {
    if (this.#isUncertain) yield* this.#ask();
    const { scope, effects } = statement;
    const plan = planOnce(effects, {
      isOpen: this.#session.open !== undefined,
      autocommit: this.#session.autocommit,
      hasRow: this.#rows.some((row) => row.scope === scope),
    });
    switch (plan.do) {
      case 'run':
        yield theStatement;
        return undefined;
      case 'row-behind':
        return yield* this.#followWithRow(statement);
      case 'row-before':
        return (yield* this.#insertRow(statement)) ?? (yield* this.#justRun());
      case 'wrap':
        return yield* this.#wrap(statement);
      case 'refuse-string':
        return refuse(scope, transactionInOneString());
      case 'refuse':
        return refuse(scope, statementOutsideTransaction(plan.why));
      default:
        return plan satisfies never;
    }
  }

  *#justRun(): StatementScript {
    yield theStatement;
    return undefined;
  }

  /** Asks the server whether the transaction is still there. */
  *#ask(): StatementScript {
    yield* this.#own({ sql: 'DO 0' }, 'none');
    this.#isUncertain = false;
    return undefined;
  }

  *#followWithRow(statement: OnceStatement): StatementScript {
    if (this.#session.open === undefined) yield* this.#ensureTable();
    const { error } = yield theStatement;
    const refusal = error === undefined ? yield* this.#insertRow(statement) : undefined;
    if (refusal !== undefined) this.#onRefused();
    return refusal;
  }

  /** Inserts the row into the open transaction; where it is refused the transaction is rolled back. */
  *#insertRow({ scope, context }: OnceStatement): StatementScript {
    const ordinal = nextOrdinal(scope);
    this.#rows.push(ordinal);
    const { error } = yield* this.#own({ sql: this.#observation.table.insertRow(ordinal) }, 'write');
    if (error === undefined) {
      this.#tellWrite(context);
      return undefined;
    }
    this.#rows.splice(this.#rows.indexOf(ordinal), 1);
    ordinal.settle(false);
    if (onlyReads(error)) return undefined;
    yield* this.#own({ sql: 'ROLLBACK' }, 'rollback');
    return refusalOf(error, scope);
  }

  /** Runs a write that would commit by itself in a transaction of its own; its caller is answered after the COMMIT. */
  *#wrap(statement: OnceStatement): StatementScript {
    yield* this.#ensureTable();
    const begun = yield* this.#own({ sql: 'START TRANSACTION' }, 'begin');
    if (begun.error !== undefined) return begun.error;
    const refusal = yield* this.#insertRow(statement);
    if (refusal !== undefined) return refusal;
    this.#wrapped = this.#rows.find((row) => row.scope === statement.scope);
    const { error } = yield theStatement;
    this.#wrapped = undefined;
    if (error !== undefined) {
      yield* this.#own({ sql: 'ROLLBACK' }, 'rollback');
      return undefined;
    }
    const committed = yield* this.#own(
      { sql: 'COMMIT', sending: () => this.#measure(statement.context) },
      'commit',
    );
    this.#commit?.finish(
      committed.error === undefined ? 'committed' : outcomeOfError(committed.error, false),
    );
    this.#commit = undefined;
    if (committed.error === undefined) return undefined;
    yield* this.#own({ sql: 'ROLLBACK' }, 'rollback');
    return committed.error;
  }

  #measure(context: RequestContext): void {
    if (isHeard()) this.#commit = beginCommit(this.#observation.partition, 'autocommit', context);
  }

  *#ensureTable(): StatementScript {
    if (!this.#observation.tableToEnsure) return undefined;
    const { error } = yield* this.#own({ sql: this.#observation.table.ensure }, 'define');
    // Where it failed, the completion row's own error says why.
    if (error === undefined) this.#observation.tableToEnsure = false;
    return undefined;
  }

  /** Runs a statement of the driver's own, and takes in what the server says of the transaction behind it. */
  *#own(statement: OwnStatement, effect: Mysql2Effect): Generator<OwnStatement, StatementEnd, StatementEnd> {
    const end = yield statement;
    const flags = end.result?.serverStatus;
    if (flags !== undefined) {
      follow(this.#session, flags, effect);
      if (this.#session.open === undefined) this.ended(effect !== 'rollback' && effect !== 'none');
    }
    return end;
  }

  #tellWrite(context: RequestContext): void {
    const { open } = this.#session;
    if (open !== undefined) open.wrote = true;
    if (open?.told === true) return;
    if (open !== undefined) open.told = true;
    context.wrote(this.#observation.partition);
  }
}

function refusalOf(error: unknown, scope: CompletionScope): Error {
  const refusal = completionRowError(error);
  if (refusal instanceof AlreadyPerformedError) scope.duplicate = true;
  return refusal;
}

function refuse(scope: CompletionScope, error: SlackwaterError): Error {
  scope.refused = error;
  return error;
}
