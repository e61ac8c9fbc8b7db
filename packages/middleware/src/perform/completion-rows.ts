import type { CompletionRow, Completions } from '../drivers/driver.ts';
import { inTime } from '../in-time.ts';
import type { Job } from './conclude.ts';

/** A partition's completion rows, or the word for a driver that can't keep them. */
export type CompletionsOrNone = Completions | 'at-least-once';

/** Why the completion rows are not known. */
export type RowsUnknown = 'database-unreachable' | 'completion-table-missing';

/** The completion rows, or why they can't be asked for. */
export async function rowsOf(
  job: Job,
  completions: CompletionsOrNone,
): Promise<readonly CompletionRow[] | RowsUnknown> {
  if (completions === 'at-least-once') return [];
  const { clock, options } = job.parts;
  try {
    const asked = completions.find(job.deferral.completionKey);
    return await inTime(clock, options.attemptTimeoutMs, 'Asking for completion rows', asked);
  } catch (error) {
    trouble(job, 'asking for completion rows', error);
    const { code } = (error ?? {}) as { readonly code?: unknown };
    return code === 'completion-table-missing' ? code : 'database-unreachable';
  }
}

/** Shuts out stalled attempts. Undefined where the database did not say in time that it has. */
export async function shutOut(
  job: Job,
  completions: CompletionsOrNone,
): Promise<'shut-out' | 'completed' | undefined> {
  if (completions === 'at-least-once') return 'shut-out';
  const { clock, options } = job.parts;
  try {
    const asked = completions.shutOut(job.deferral.completionKey);
    return await inTime(clock, options.attemptTimeoutMs, 'Shutting out stalled attempts', asked);
  } catch (error) {
    trouble(job, 'shutting out stalled attempts', error);
    return undefined;
  }
}

/** Tells of trouble that the work survives. */
export function trouble(job: Pick<Job, 'parts' | 'claim'>, doing: string, error: unknown): void {
  const { id, partition } = job.claim;
  job.parts.tell({ type: 'trouble', doing, error, id, partition });
}
