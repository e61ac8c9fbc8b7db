import type { DatabaseFile } from './database-file.ts';
import { isUncertainCommit } from './failures.ts';
import { mostAnswerBytes } from './handlers.ts';
import { type Failure, isWrite } from './protocol.ts';
import { type AnyReply, type Call, openTables } from './scope-tables.ts';

/** What became of a transaction: whatever failed, it was rolled back unless COMMIT itself left it open. */
export type Attempt =
  | { readonly kind: 'committed'; readonly replies: readonly AnyReply[] }
  | { readonly kind: 'failed'; readonly error: unknown; readonly fate: Failure['fate'] };

/**
 * Gives the function that performs calls in one transaction: all of them, or the first ones, where their answers
 * are large. It throws nothing.
 */
export function openTransactions({
  database,
  checkPresence,
}: DatabaseFile): (calls: readonly Call[]) => Attempt {
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

  return (calls) => {
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
