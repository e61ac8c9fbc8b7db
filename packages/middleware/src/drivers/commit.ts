import { SlackwaterError } from '@slackwater/shared';
import { requestContext } from '../request-context.ts';
import { beginCommit } from './commit-measurement.ts';
import type { CommitOutcome } from './driver.ts';

/** How work tells what its result or its error does not: how the commit in it ended. The last word counts. */
export interface CommitNote {
  /** Nothing was committed, and the time says nothing of commits: no sample, whether the work then returns or throws. */
  rolledBack(): void;
  /** Nobody knows whether it was committed, as where the connection was lost: counts as `commitTimeoutMs`. */
  unknown(): void;
}

/**
 * Measures one commit that no driver sees, as one explicit commit from the call of `work` to its end. Every gate of the
 * process hears of it, as of an observed pool's; the request on whose behalf it is called is told that it wrote.
 *
 * Work that returns is `committed`; work that throws or rejects is `failed` and counts with the time it took, unless it
 * says otherwise by its {@link CommitNote}. Call it around the commit alone: whatever else `work` does counts as latency.
 *
 * Gives back what `work` gives, and throws what it throws. A promise, or anything else that has a `then`, is called once and
 * comes back as a promise of the same value or error; work that never settles counts as `commitTimeoutMs` when that has gone by.
 *
 * Throws `option-invalid`, without calling `work`, where `partition` is no string of 1 to 200 characters or `work` no function.
 *
 * @example await commit('files', () => rename(written, visible));
 */
export function commit<T>(partition: string, work: (note: CommitNote) => PromiseLike<T>): Promise<T>;
export function commit<T>(partition: string, work: (note: CommitNote) => T): T;
export function commit(partition: string, work: (note: CommitNote) => unknown): unknown {
  check(partition, work);
  const context = requestContext.getStore();
  let said: CommitOutcome | undefined;
  const note: CommitNote = {
    rolledBack() {
      said = 'rolledBack';
    },
    unknown() {
      said = 'unknown';
    },
  };
  context?.wrote(partition);
  const begun = beginCommit(partition, 'explicit', context);
  let result: unknown;
  try {
    result = work(note);
  } catch (error) {
    begun.finish(said ?? 'failed');
    throw error;
  }
  if (!isThenable(result)) {
    begun.finish(said ?? 'committed');
    return result;
  }
  return Promise.resolve(result).then(
    (value) => {
      begun.finish(said ?? 'committed');
      return value;
    },
    (error: unknown) => {
      begun.finish(said ?? 'failed');
      throw error;
    },
  );
}

function check(partition: unknown, work: unknown): void {
  if (typeof partition !== 'string' || partition === '' || partition.length > 200) {
    throw new SlackwaterError(
      'option-invalid',
      `commit(): the partition is ${typeof partition === 'string' ? `of ${partition.length} characters` : `a ${typeof partition}`}; give a name of 1 to 200 characters, commit('orders', work).`,
    );
  }
  if (typeof work !== 'function') {
    throw new SlackwaterError(
      'option-invalid',
      `commit(): what was given to be measured is a ${typeof work}; give a function that commits, commit('orders', () => transaction.commit()).`,
    );
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isObject && typeof (value as { readonly then?: unknown }).then === 'function';
}
