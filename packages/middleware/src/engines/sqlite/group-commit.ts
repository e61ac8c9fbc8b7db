import type { Clock } from '../../clock.ts';
import type { DatabaseFile } from './database-file.ts';
import { describeFailure, isBusy, isFull, isUncertainCommit } from './failures.ts';
import { mostAnswerBytes } from './handlers.ts';
import { type Failure, isWrite } from './protocol.ts';
import { type AnyReply, type Call, openTables } from './scope-tables.ts';

/** What became of a call. */
export type Answer =
  | { readonly kind: 'reply'; readonly reply: AnyReply }
  | { readonly kind: 'failure'; readonly failure: Failure };

/** What became of a transaction: whatever failed, it was rolled back unless COMMIT itself left it open. */
type Attempt =
  | { readonly kind: 'committed'; readonly replies: readonly AnyReply[] }
  | { readonly kind: 'failed'; readonly error: unknown; readonly fate: Failure['fate'] };

/** Takes the next answers, in the order of the calls. */
export type Answered = (answers: readonly Answer[]) => void;

/** Performs batches of calls. */
export interface GroupCommit {
  /**
   * Performs the calls in their order and gives the answers in the same order, in pieces, each when it is
   * durable. All calls share one transaction; where it fails, each gets one of its own, so that a call that
   * cannot be done spoils no other.
   */
  perform(calls: readonly Call[], answered: Answered): void;
}

/**
 * Group commit on an open file. A lock that another process holds is waited for up to `busyTimeoutMs` a batch.
 */
export function openGroupCommit(
  { database, checkPresence }: DatabaseFile,
  file: string,
  busyTimeoutMs: number,
  clock: Clock,
): GroupCommit {
  const tables = openTables(database);
  const beginWrite = database.prepare('BEGIN IMMEDIATE');
  const beginRead = database.prepare('BEGIN');
  const commit = database.prepare('COMMIT');
  const rollback = database.prepare('ROLLBACK');

  const undo = (): void => {
    try {
      rollback.run();
    } catch {
      // SQLite rolls back by itself after some errors, a full disk among them; then there is nothing to undo.
    }
  };

  let full = false;
  /**
   * After a full disk the write-ahead log is folded into the file at once, as soon as there is some room again:
   * if it first grew on, it would take that room, and none would be left to fold it.
   */
  const foldLog = (): void => {
    try {
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      full = false;
    } catch {
      // Not enough room yet; the next call that gets through tries again.
    }
  };

  const attempt = (calls: readonly Call[]): Attempt => {
    const writes = calls.some((call) => isWrite(call.name));
    let committing = false;
    try {
      if (writes) checkPresence();
      (writes ? beginWrite : beginRead).run();
      tables.begin();
      const replies = performUpTo(calls, mostAnswerBytes, tables.perform);
      tables.flush();
      committing = true;
      // A crash before this line: nothing happened. Within it: all or nothing. After it: all, though unanswered.
      commit.run();
      return { kind: 'committed', replies };
    } catch (error) {
      undo();
      const fate = writes && committing && isUncertainCommit(error) ? 'unknown' : 'none';
      return { kind: 'failed', error, fate };
    }
  };

  const attemptUntil = (calls: readonly Call[], deadline: number): Attempt => {
    while (true) {
      const result = attempt(calls);
      if (result.kind === 'committed' || !isBusy(result.error) || clock.now() >= deadline) return result;
    }
  };

  const performOneByOne = (calls: readonly Call[], deadline: number, answered: Answered): void => {
    let lockedOut: Failure | undefined;
    for (const call of calls) {
      if (lockedOut !== undefined && isWrite(call.name)) {
        answered([{ kind: 'failure', failure: lockedOut }]);
        continue;
      }
      const result = attemptUntil([call], deadline);
      if (result.kind === 'committed') {
        answered(result.replies.map((reply) => ({ kind: 'reply', reply })));
        if (full) foldLog();
        continue;
      }
      const failure = describeFailure(result.error, file, result.fate);
      if (isBusy(result.error)) lockedOut = failure;
      answered([{ kind: 'failure', failure }]);
    }
  };

  return {
    perform(calls, answered) {
      const deadline = clock.now() + busyTimeoutMs;
      let rest = calls;
      while (rest.length > 0) {
        const result = attemptUntil(rest, deadline);
        if (result.kind === 'committed') {
          answered(result.replies.map((reply) => ({ kind: 'reply', reply })));
          rest = rest.slice(result.replies.length);
          if (full) foldLog();
        } else if (result.fate === 'unknown') {
          const failure = describeFailure(result.error, file, 'unknown');
          answered(rest.map(() => ({ kind: 'failure', failure })));
          return;
        } else {
          full ||= isFull(result.error);
          performOneByOne(rest, deadline, answered);
          return;
        }
      }
    },
  };
}

/** Performs calls until their answers have enough bytes; at least one. */
function performUpTo(calls: readonly Call[], bytes: number, perform: (call: Call) => AnyReply): AnyReply[] {
  const replies: AnyReply[] = [];
  let answered = 0;
  for (const call of calls) {
    const reply = perform(call);
    replies.push(reply);
    for (const blob of reply.blobs ?? []) answered += blob.byteLength;
    if (answered >= bytes) break;
  }
  return replies;
}
