import type { PgQuery } from './pg-client.ts';

/** How a query was answered, before its caller knows. */
export interface Answer {
  /** Undefined where it succeeded. */
  readonly error: unknown;
  /** Tells the caller what the database answered. */
  give(): void;
  /** Tells the caller another error instead. */
  refuse(error: unknown): void;
}

/** What is to be known of a query. */
export interface QueryWatcher {
  /** It is about to go to the database; an error that is returned keeps it from going, and is its answer. */
  submitting?(): Error | undefined;
  /** The command tag of each statement in it: `COMMIT`, `INSERT 0 1`. */
  tagged?(tag: string): void;
  /** It was answered; whoever takes this must see to it that the answer is given. Once. */
  answered?(answer: Answer): void;
}

/**
 * Watches a query through the methods that pg calls on it. A query that is watched twice tells the second
 * watcher first.
 */
export function watchQuery(query: PgQuery, watcher: QueryWatcher): void {
  const { submit, handleError, handleReadyForQuery, handleCommandComplete } = query;
  let answered = false;

  const answer = (error: unknown, give: () => void, connection: unknown): void => {
    if (answered || watcher.answered === undefined) {
      give();
      return;
    }
    answered = true;
    watcher.answered({ error, give, refuse: (other) => handleError.call(query, other, connection) });
  };

  if (watcher.submitting !== undefined) {
    query.submit = (connection) => watcher.submitting?.() ?? submit.call(query, connection);
  }
  if (watcher.tagged !== undefined) {
    query.handleCommandComplete = (message, connection) => {
      watcher.tagged?.(message.text ?? '');
      handleCommandComplete.call(query, message, connection);
    };
  }
  query.handleReadyForQuery = (connection) => {
    answer(undefined, () => handleReadyForQuery.call(query, connection), connection);
  };
  query.handleError = (error, connection) => {
    answer(error ?? new Error('unknown error'), () => handleError.call(query, error, connection), connection);
  };
}
