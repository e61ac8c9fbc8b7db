import { AlreadyPerformedError, tableMissing } from './completion-error.ts';

/** What SQLite answers with where somebody else holds a lock: BUSY, LOCKED. */
const held: ReadonlySet<number> = new Set([5, 6]);
const constraintPrimaryKey = 1555;
const constraintUnique = 2067;
/** ERROR, which is what a missing table gives, and AUTH. */
const unusable: ReadonlySet<number> = new Set([1, 23]);

/** Why a completion row could not be inserted. Other errors, a database that is busy among them, say nothing of whether the work was done. */
export function completionRowError(error: unknown): unknown {
  const code = codeOf(error);
  if (code === constraintPrimaryKey || code === constraintUnique) return new AlreadyPerformedError(error);
  return code !== undefined && unusable.has(code & 0xff) ? tableMissing(error) : error;
}

/** Whether waiting may help. */
export function isHeldByOthers(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && held.has(code & 0xff);
}

function codeOf(error: unknown): number | undefined {
  const { errcode } = (error ?? {}) as { readonly errcode?: unknown };
  return typeof errcode === 'number' ? errcode : undefined;
}
