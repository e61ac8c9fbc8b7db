import type { CommitOutcome } from './driver.ts';

/** Out of time, out of space, or unable to read and write: errors that say something of the database's speed or health. */
const troubles: ReadonlySet<unknown> = new Set([
  3, // EE_WRITE
  1021, // ER_DISK_FULL
  1026, // ER_ERROR_ON_WRITE
  1030, // ER_GET_ERRNO, an error of the storage engine
  1114, // ER_RECORD_FILE_FULL
  1180, // ER_ERROR_DURING_COMMIT
  1205, // ER_LOCK_WAIT_TIMEOUT
  1317, // ER_QUERY_INTERRUPTED
  1969, // MariaDB's ER_STATEMENT_TIMEOUT
]);

/** The server ended the connection instead of answering. */
const ended: ReadonlySet<unknown> = new Set([
  1053, // ER_SERVER_SHUTDOWN
  1152, // ER_ABORTING_CONNECTION
  1184, // ER_NEW_ABORTING_CONNECTION
  1927, // MariaDB's ER_CONNECTION_KILLED
  3169, // MySQL's ER_SESSION_WAS_KILLED
  4031, // MySQL's ER_CLIENT_INTERACTION_TIMEOUT
]);

/**
 * How a commit ended whose statement gave an error. `doesMore`: the statement does more than to commit, so that its error
 * need not be the commit's.
 */
export function outcomeOfError(error: unknown, doesMore: boolean): CommitOutcome {
  const { errno, fatal, code } = (error ?? {}) as Readonly<Record<string, unknown>>;
  // mysql2's own: its caller waits no longer, the statement may still be under way.
  if (code === 'PROTOCOL_SEQUENCE_TIMEOUT') return 'failed';
  if (fatal === true || ended.has(errno)) return 'unknown';
  // No error of the server's: it was never sent, or its data could not be read.
  if (typeof errno !== 'number') return 'rolledBack';
  return doesMore && !troubles.has(errno) ? 'rolledBack' : 'failed';
}

/** A deadlock's victim is rolled back as a whole; of all other errors InnoDB takes back the statement alone. */
export function rollsBackTransaction(error: unknown): boolean {
  const { errno } = (error ?? {}) as Readonly<Record<string, unknown>>;
  return errno === 1213;
}
