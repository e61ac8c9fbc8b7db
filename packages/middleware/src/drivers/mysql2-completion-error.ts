import { AlreadyPerformedError, tableMissing } from './completion-error.ts';

/** The table, its database or a column is not there, or may not be used. */
const unusable: ReadonlySet<unknown> = new Set([
  1044, // ER_DBACCESS_DENIED_ERROR
  1046, // ER_NO_DB_ERROR
  1049, // ER_BAD_DB_ERROR
  1054, // ER_BAD_FIELD_ERROR
  1142, // ER_TABLEACCESS_DENIED_ERROR
  1143, // ER_COLUMNACCESS_DENIED_ERROR
  1146, // ER_NO_SUCH_TABLE
]);

/** Why a completion row could not be inserted. Other errors, a wait for a lock that took too long among them, say nothing of whether the work was done. */
export function completionRowError(error: unknown): Error {
  const { errno } = (error ?? {}) as { readonly errno?: unknown };
  if (errno === 1062) return new AlreadyPerformedError(error);
  if (unusable.has(errno)) return tableMissing(error);
  return error instanceof Error ? error : new Error(String(error));
}

/** The transaction was begun as one that only reads, by whichever words: it needs no row. */
export function onlyReads(error: unknown): boolean {
  return (error as { readonly errno?: unknown } | undefined)?.errno === 1792;
}

/** Whether the server answered with an error, so that the connection is still good. */
export function isServerError(error: unknown): boolean {
  const { errno, fatal, sqlState } = (error ?? {}) as Readonly<Record<string, unknown>>;
  return typeof errno === 'number' && typeof sqlState === 'string' && fatal !== true;
}
