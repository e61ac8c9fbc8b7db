import { isSlackwaterError, type LedgerEntry, parseEntry } from '@slackwater/shared';
import { type KeptFailure, keptFailure } from './failure-index.ts';

/** Most entries tell of no task, and need not be parsed. */
const needle = Buffer.from('"task-ended"', 'utf8');

/**
 * The failures that entries of the log tell of, by type of task, in their order: tasks that ended for good and did not succeed. A sibling of
 * one, that was told to stop, did not fail.
 *
 * @param from where the first of them stands
 */
export function failuresIn(
  entries: readonly Uint8Array[],
  from: number,
): ReadonlyMap<string, readonly KeptFailure[]> {
  const found = new Map<string, KeptFailure[]>();
  for (const [i, bytes] of entries.entries()) {
    if (!Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(needle)) continue;
    const entry = readable(bytes);
    const { step, type, id, at } = entry ?? {};
    if (type !== 'task-ended' || step?.task === undefined || id === undefined || at === undefined) continue;
    if (step.end === 'succeeded' || step.end === 'aborted' || step.retryAt !== undefined) continue;
    const failure = keptFailure(id, step, Date.parse(at), from + i);
    const known = found.get(step.task);
    if (known === undefined) found.set(step.task, [failure]);
    else known.push(failure);
  }
  return found;
}

/** What somebody changed is the verifier's business. */
export function readable(bytes: Uint8Array): LedgerEntry | undefined {
  try {
    return parseEntry(bytes);
  } catch (error) {
    if (isSlackwaterError(error)) return undefined;
    throw error;
  }
}
