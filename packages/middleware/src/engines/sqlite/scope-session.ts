import type { DatabaseSync } from 'node:sqlite';

/**
 * What one scope remembers while a transaction lasts. Another process may write between two transactions, so
 * nothing of it may outlive one.
 */
export interface ScopeSession {
  /** The next number for revisions and fencing tokens: greater than any that the scope has given out. */
  nextSequence(): number;
  /** The position that the next of `count` new entries gets. */
  takePositions(count: number): number;
  /** To be called first and last in a transaction. */
  begin(): void;
  flush(): void;
}

/** A session on the tables of one scope. */
export function openSession(database: DatabaseSync, scope: number): ScopeSession {
  const readSequence = database.prepare('SELECT sequence FROM scope WHERE id = ?');
  const writeSequence = database.prepare('UPDATE scope SET sequence = ? WHERE id = ?');
  const readEnd = database.prepare(`SELECT coalesce(max(position) + 1, 0) AS next FROM log_${scope}`);
  let sequence: number | undefined;
  let sequenceChanged = false;
  let nextPosition: number | undefined;
  return {
    nextSequence() {
      sequence ??= Number(readSequence.get(scope)?.['sequence']);
      sequence += 1;
      sequenceChanged = true;
      return sequence;
    },
    takePositions(count) {
      const first = nextPosition ?? Number(readEnd.get()?.['next']);
      nextPosition = first + count;
      return first;
    },
    begin() {
      sequence = undefined;
      sequenceChanged = false;
      nextPosition = undefined;
    },
    flush() {
      if (sequenceChanged && sequence !== undefined) writeSequence.run(sequence, scope);
    },
  };
}
