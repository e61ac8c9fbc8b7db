import type { RequestContext } from '../request-context.ts';
import { AlreadyPerformedError } from './completion-error.ts';
import type { Ordinal } from './completion-ordinals.ts';
import {
  append,
  hasQueued,
  ownQuery,
  type PgClient,
  type QueryArguments,
  type QueryFunction,
  send,
  sendBehind,
  transactionStatus,
} from './pg-client.ts';
import { measureCommit } from './pg-commit.ts';
import { completionRowError } from './pg-completion-error.ts';
import { insertRow, insertRowSql } from './pg-completion-table.ts';
import { type Answer, watchQuery } from './pg-watch.ts';

/** A transaction as the driver has seen it so far. */
export interface PgTransaction {
  /** Something in it writes. */
  wrote: boolean;
  /** Its completion row's ordinal; undefined where it has none. */
  readonly ordinal: Ordinal | undefined;
  /** Why its completion row was refused, in which case it can only be rolled back. */
  refusal: Error | undefined;
}

/** Whether a transaction block is open on the connection, as the database said last. */
function inTransaction(client: PgClient): boolean {
  return transactionStatus(client) !== 'I';
}

/**
 * Follows a BEGIN, sent already as `begin`, with the completion row. The BEGIN is answered when the row is in;
 * where it is refused, the transaction is rolled back and the BEGIN answered with the reason.
 */
export function followWithRow(
  client: PgClient,
  begin: { readonly result: unknown; readonly query: Parameters<typeof watchQuery>[0] },
  ordinal: Ordinal,
  onRolledBack: (transaction: PgTransaction) => boolean,
  onRefused: () => void,
): PgTransaction {
  const transaction: PgTransaction = { wrote: true, ordinal, refusal: undefined };
  let answer: Answer | undefined;
  watchQuery(begin.query, {
    answered(given) {
      answer = given;
    },
  });
  // A BEGIN that nobody awaits has not failed anybody until now, and must not end the process.
  if (begin.result instanceof Promise) begin.result.catch(() => {});

  const row = ownQuery(client, insertRow(ordinal), (error) => {
    if (error === null || error === undefined) {
      answer?.give();
      return;
    }
    ordinal.settle(false);
    if (answer === undefined || answer.error !== undefined) {
      answer?.give();
      return;
    }
    const refusal = completionRowError(error);
    transaction.refusal = refusal;
    if (refusal instanceof AlreadyPerformedError) ordinal.scope.duplicate = true;
    const refuse = (): void => {
      answer?.refuse(refusal);
      onRefused();
    };
    // What is queued already belongs to this transaction and fails with it; its own COMMIT or ROLLBACK ends it.
    if (hasQueued(client) || !onRolledBack(transaction)) refuse();
    else append(client, ownQuery(client, { text: 'ROLLBACK' }, refuse));
  });
  watchQuery(row, {
    // Outside a transaction the row would say that something was done which never will be.
    submitting: () => (inTransaction(client) ? undefined : new Error('The transaction was not begun.')),
  });
  append(client, row);
  return transaction;
}

/** An autocommit write, and all that is needed to wrap it. */
export interface OnceWrite {
  readonly client: PgClient;
  readonly original: QueryFunction;
  readonly args: QueryArguments;
  readonly ordinal: Ordinal;
  readonly partition: string;
  readonly context: RequestContext | undefined;
}

/**
 * Runs an autocommit write as BEGIN, completion row, write, COMMIT, queued back to back. Its caller is
 * answered after the COMMIT.
 */
export function writeOnce({ client, original, args, ordinal, partition, context }: OnceWrite): unknown {
  let refusal: Error | undefined;
  let answer: Answer | undefined;
  const opening = ownQuery(client, { text: `BEGIN; ${insertRowSql(client, ordinal)}` }, (error) => {
    if (error === null || error === undefined) return;
    refusal = completionRowError(error);
    if (refusal instanceof AlreadyPerformedError) ordinal.scope.duplicate = true;
  });
  if (send(client, original, [opening]).query === undefined) {
    ordinal.settle(false);
    return original.apply(client, [...args]);
  }

  const finish = (error: unknown, tag: string | undefined): void => {
    const failed = refusal ?? answer?.error ?? error ?? undefined;
    const committed = failed === undefined && tag === 'COMMIT';
    ordinal.settle(committed);
    if (committed) answer?.give();
    else if (refusal === undefined && answer?.error !== undefined) answer.give();
    else answer?.refuse(failed ?? new Error('The write was rolled back.'));
  };
  const commit = ownQuery(client, { text: 'COMMIT' }, (error, result) => finish(error, result?.command));
  measureCommit({
    ...{
      partition,
      kind: 'autocommit',
      context,
      query: commit,
      submitted: false,
      calledAt: 0,
      doesMore: false,
    },
    writes: () => refusal === undefined && answer?.error === undefined,
  });

  let sent: ReturnType<typeof send> | undefined;
  try {
    sent = sendBehind(opening, client, original, args);
    if (sent.query !== undefined) {
      watchQuery(sent.query, {
        submitting: () =>
          refusal ?? (inTransaction(client) ? undefined : new Error('The transaction was not begun.')),
        answered(given) {
          answer = given;
        },
      });
    }
    return sent.result;
  } finally {
    // Also where pg took the write not in: then the transaction, and its row, must not stay.
    const isIn = sent?.query !== undefined;
    append(client, isIn ? commit : ownQuery(client, { text: 'ROLLBACK' }, () => ordinal.settle(false)));
  }
}
