import { AlreadyPerformedError, tableMissing } from './completion-error.ts';

/** Why PostgreSQL did not take a completion row in. */
export function completionRowError(error: unknown): Error {
  const { code } = error as { readonly code?: unknown };
  if (code === '23505') return new AlreadyPerformedError(error);
  if (code === '42P01' || code === '42703' || code === '42501' || code === '3F000')
    return tableMissing(error);
  return error instanceof Error ? error : new Error(String(error));
}
