import type { SlackwaterError } from '@slackwater/shared';
import { systemClock, type Timer } from '../clock.ts';
import { type RequestContext, requestContext } from '../request-context.ts';
import { statementOutsideTransaction, transactionInOneString } from './completion-error.ts';
import { nextOrdinal } from './completion-ordinals.ts';
import { takeBackIfAbandoned } from './pg-abandoned.ts';
import {
  followTransactionStatus,
  isQuiet,
  isSubmittable,
  ownQuery,
  type PgClient,
  type QueryArguments,
  type QueryFunction,
  type SentQuery,
  send,
  textOf,
  transactionStatus,
} from './pg-client.ts';
import { isHeard, measureCommit } from './pg-commit.ts';
import { followWithRow, type PgTransaction, writeOnce } from './pg-completion-row.ts';
import { ensureTableSql } from './pg-completion-table.ts';
import type { ObserveOptions } from './pg-options.ts';
import { type PgStatement, StatementReader } from './pg-statement.ts';
import { watchQuery } from './pg-watch.ts';

/** What the sessions of one observed pool have in common. */
export interface PgObservation {
  readonly partition: string;
  readonly reader: StatementReader;
  /** The completion table is still to be created by the driver. */
  tableToEnsure: boolean;
}

/** The clients that are observed. */
export const sessions = new WeakMap<object, PgSession>();

/** What a pool, or another group of connections, begins with. */
export function observationOf(options: ObserveOptions): PgObservation {
  return {
    partition: options.partition,
    reader: new StatementReader(options.writingFunctions ?? []),
    tableToEnsure: options.ensure === true,
  };
}

/** One observed connection: knows, as statements are called, which transaction each will belong to. */
export class PgSession {
  readonly observation: PgObservation;
  readonly #client: PgClient;
  /** The transaction that a statement called now will find; undefined outside. */
  #transaction: PgTransaction | undefined;
  #sending = false;
  /** Since its last BEGIN was refused nothing was called on it. */
  #abandoned: Timer | undefined;

  constructor(client: PgClient, observation: PgObservation) {
    this.#client = client;
    this.observation = observation;
    followTransactionStatus(client);
    client.once('end', () => this.#transaction?.ordinal?.settle(false));
  }

  /** Runs a call of `client.query`. */
  query(original: QueryFunction, args: QueryArguments): unknown {
    // A subclass's query that calls its parent's is one call.
    if (this.#sending) return original.apply(this.#client, [...args]);
    if (this.#abandoned !== undefined) {
      this.#abandoned.cancel();
      this.#abandoned = undefined;
    }
    const text = textOf(this.#client, args[0]);
    const statement = text === undefined ? undefined : this.observation.reader.read(text);
    this.#sending = true;
    try {
      if (statement === undefined || statement.plain) return original.apply(this.#client, [...args]);
      return this.#run(statement, original, args);
    } finally {
      this.#sending = false;
    }
  }

  #run(statement: PgStatement, original: QueryFunction, args: QueryArguments): unknown {
    this.#catchUp();
    const context = requestContext.getStore();
    const scope = context?.completion;
    const refusal = scope === undefined ? undefined : this.#refusal(statement);
    if (scope !== undefined && refusal !== undefined) {
      scope.refused = refusal;
      return refuse(this.#client, args, refusal);
    }

    if (statement.commits) return this.#commit(statement, original, args, context);
    if (statement.begins) return this.#begin(statement, original, args, context);
    if (statement.leaves !== 'same') return this.#rollBack(statement, original, args, context);
    return this.#write(statement, original, args, context);
  }

  /** While nothing is under way the database's own word on the transaction counts. */
  #catchUp(): void {
    if (!isQuiet(this.#client)) return;
    const status = transactionStatus(this.#client);
    if (status === 'I') this.#transaction = undefined;
    else if (status === 'T' || status === 'E') this.#transaction ??= transactionWithoutRow();
  }

  /** Why a statement can't be run for a request that is to be done once. */
  #refusal(statement: PgStatement): SlackwaterError | undefined {
    if (statement.several && statement.begins) return transactionInOneString();
    const writes = statement.writes || statement.answerTells || statement.begins;
    if (this.#client.pipeline === true && writes)
      return statementOutsideTransaction('on a client in pipeline mode');
    if (statement.outsideOnly)
      return statementOutsideTransaction('a statement that PostgreSQL keeps out of transactions');
    return undefined;
  }

  #begin(statement: PgStatement, original: QueryFunction, args: QueryArguments, context: Context): unknown {
    if (statement.several && statement.writes) context?.wrote(this.observation.partition);
    if (this.#transaction !== undefined) return original.apply(this.#client, [...args]);
    return this.#open(statement, () => send(this.#client, original, args), original, context).result;
  }

  /** Sends what begins a transaction, and the completion row behind it where there is to be one. */
  #open(statement: PgStatement, call: () => SentQuery, original: QueryFunction, context: Context): SentQuery {
    const scope = statement.readOnly ? undefined : context?.completion;
    if (scope === undefined) {
      const sent = call();
      this.#transaction = { ...transactionWithoutRow(), wrote: statement.several && statement.writes };
      return sent;
    }
    this.#ensureTable(original);
    const sent = call();
    if (sent.query === undefined) return sent;
    context?.wrote(this.observation.partition);
    this.#transaction = followWithRow(
      this.#client,
      { result: sent.result, query: sent.query },
      nextOrdinal(scope),
      (transaction) => {
        if (this.#transaction !== transaction) return false;
        this.#transaction = undefined;
        return true;
      },
      () => {
        this.#abandoned = takeBackIfAbandoned(this.#client);
      },
    );
    return sent;
  }

  #commit(statement: PgStatement, original: QueryFunction, args: QueryArguments, context: Context): unknown {
    const transaction = this.#transaction;
    if (statement.several && statement.writes) context?.wrote(this.observation.partition);
    if (statement.leaves !== 'same') this.#transaction = undefined;
    const calledAt = systemClock.now();
    const call = (): SentQuery => send(this.#client, original, args);
    const sent = statement.leaves === 'open' ? this.#open(statement, call, original, context) : call();
    const { query } = sent;
    if (query === undefined) return sent.result;

    if (transaction?.ordinal !== undefined) {
      const { ordinal } = transaction;
      let tag = '';
      watchQuery(query, {
        tagged(given) {
          tag = given;
        },
        answered(answer) {
          ordinal.settle(answer.error === undefined && tag === 'COMMIT');
          if (transaction.refusal === undefined) answer.give();
          else answer.refuse(transaction.refusal);
        },
      });
      // One that is refused was refused at its BEGIN; who did not await that need not await this.
      if (sent.result instanceof Promise && transaction.refusal !== undefined) sent.result.catch(() => {});
    }
    if (!isHeard()) return sent.result;
    measureCommit({
      ...{ partition: this.observation.partition, kind: 'explicit', context, query, calledAt },
      submitted: sent.submitted,
      doesMore: statement.several,
      writes: () => statement.writes || transaction?.wrote === true,
    });
    return sent.result;
  }

  #rollBack(
    statement: PgStatement,
    original: QueryFunction,
    args: QueryArguments,
    context: Context,
  ): unknown {
    this.#transaction?.ordinal?.settle(false);
    this.#transaction = undefined;
    const call = (): SentQuery => send(this.#client, original, args);
    return statement.leaves === 'open'
      ? this.#open(statement, call, original, context).result
      : call().result;
  }

  #write(statement: PgStatement, original: QueryFunction, args: QueryArguments, context: Context): unknown {
    const { partition } = this.observation;
    const client = this.#client;
    const transaction = this.#transaction;
    if (transaction !== undefined) {
      if (statement.writes && !transaction.wrote) {
        transaction.wrote = true;
        context?.wrote(partition);
      }
      if (!statement.answerTells || transaction.wrote) return original.apply(client, [...args]);
      const sent = send(client, original, args);
      if (sent.query !== undefined) watchQuery(sent.query, { tagged: (tag) => noteWrite(transaction, tag) });
      return sent.result;
    }
    if (context?.completion !== undefined) {
      context.wrote(partition);
      this.#ensureTable(original);
      return writeOnce({
        client,
        original,
        args,
        ordinal: nextOrdinal(context.completion),
        partition,
        context,
      });
    }
    if (!statement.writes) return original.apply(client, [...args]);
    context?.wrote(partition);
    if (!isHeard()) return original.apply(client, [...args]);
    const calledAt = systemClock.now();
    const { result, query, submitted } = send(client, original, args);
    if (query === undefined) return result;
    // What the database said last is of no use while it has yet to answer what was sent before.
    const writes = (): boolean => client.pipeline === true || transactionStatus(client) !== 'T';
    measureCommit({
      partition,
      kind: 'autocommit',
      context,
      query,
      submitted,
      calledAt,
      doesMore: true,
      writes,
    });
    return result;
  }

  #ensureTable(original: QueryFunction): void {
    if (!this.observation.tableToEnsure) return;
    const ensure = ownQuery(this.#client, { text: ensureTableSql }, (error) => {
      // Where it failed, the completion row's own error says why.
      if (error === null || error === undefined) this.observation.tableToEnsure = false;
    });
    original.apply(this.#client, [ensure]);
  }
}

type Context = RequestContext | undefined;

function transactionWithoutRow(): PgTransaction {
  return { wrote: false, ordinal: undefined, refusal: undefined };
}

function noteWrite(transaction: PgTransaction, tag: string): void {
  if (!/^(SELECT|SHOW|FETCH|EXPLAIN)\b/.test(tag)) transaction.wrote = true;
}

/** Answers a call of `client.query` with an error, in the form that the caller chose. */
function refuse(client: PgClient, args: QueryArguments, error: Error): unknown {
  const [config] = args;
  const callback = args.slice(1).find((argument) => typeof argument === 'function');
  if (isSubmittable(config)) {
    if (typeof callback === 'function') config.callback ??= callback;
    process.nextTick(() => config.handleError(error, client.connection));
    return config;
  }
  const own =
    typeof config === 'object' && config !== null && 'callback' in config ? config.callback : undefined;
  const tell = callback ?? own;
  if (typeof tell !== 'function') return Promise.reject(error);
  process.nextTick(() => Reflect.apply(tell, undefined, [error]));
  return undefined;
}
