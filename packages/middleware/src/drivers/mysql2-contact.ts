import { type SourceContact, sourceContact } from './driver.ts';
import { noWay } from './no-way.ts';

/** What a server says that is being ended, or has no connection left. */
const notNow: ReadonlySet<unknown> = new Set([
  1040, // ER_CON_COUNT_ERROR
  1053, // ER_SERVER_SHUTDOWN
  1203, // ER_TOO_MANY_USER_CONNECTIONS
]);

/**
 * Why a new connection was not made, as far as that says that the database can't be reached; undefined where it says
 * something else, such as a wrong password, or a pool that is full or closed.
 */
export function contactFailure(error: unknown): 'refused' | 'timed-out' | undefined {
  const { code, errno } = (error ?? {}) as { readonly code?: unknown; readonly errno?: unknown };
  if (code === 'ETIMEDOUT') return 'timed-out';
  return noWay.has(code) || notNow.has(errno) || code === 'PROTOCOL_CONNECTION_LOST' ? 'refused' : undefined;
}

/** Tells gates what a try to reach the database came to. */
export function tellContact(partition: string, outcome: SourceContact['outcome'] | undefined): void {
  if (outcome !== undefined && sourceContact.hasSubscribers) sourceContact.publish({ partition, outcome });
}
