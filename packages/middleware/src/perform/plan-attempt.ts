import type { CompletionRow } from '../drivers/driver.ts';
import type { PerformError } from './performer-events.ts';

/** What is known of a deferral that is not settled, before an attempt or after one without a good answer. */
export interface AttemptFacts {
  /** How many attempts have begun. */
  readonly attempts: number;
  readonly maxAttempts: number;
  /** Its completion rows as they are now. */
  readonly rows: readonly CompletionRow[];
  /** The attempt that has just ended met a row of another one, in whichever database. */
  readonly metRow?: boolean;
  /** How many transactions its route was seen to take; undefined before it was ever seen. */
  readonly knownTransactions: number | undefined;
  /** True where the route says that it may be repeated from its start. */
  readonly repeatable: boolean;
}

/** What to do with it. */
export type AttemptPlan =
  /** Try; its first transaction gets that ordinal. */
  | { readonly do: 'perform'; readonly firstOrdinal: number }
  /** The rows say that the work is done, though nobody knows what the route answered. */
  | { readonly do: 'settle-as-done' }
  /** A tombstone shuts it out, and whoever set it did not come to say why. */
  | { readonly do: 'settle-as-shut-out' }
  | { readonly do: 'park'; readonly error: PerformError }
  /** Shut it out, then fail it. */
  | { readonly do: 'give-up' };

/**
 * Decides from completion rows whether a deferral is done, may be tried, or needs a person. Work that
 * committed counts as done even where the route then answered with an error or not at all: trying again could
 * only do it twice.
 */
export function planAttempt(facts: AttemptFacts): AttemptPlan {
  const done = facts.rows.filter((row) => !row.tombstone);
  if (done.length > 0) return planAfterWork(facts, done);
  if (facts.rows.length > 0) return { do: 'settle-as-shut-out' };
  if (facts.metRow === true) return { do: 'park', error: doneElsewhere };
  if (facts.attempts >= facts.maxAttempts) return { do: 'give-up' };
  return { do: 'perform', firstOrdinal: 0 };
}

const doneElsewhere: PerformError = {
  code: 'interrupted-between-transactions',
  message:
    "An earlier attempt committed in another database than the deferral's partition, and nothing there; it is not repeated by itself.",
};

function planAfterWork(facts: AttemptFacts, done: readonly CompletionRow[]): AttemptPlan {
  const known = facts.knownTransactions ?? 1;
  // Rows of several attempts at a repeatable route add up, so that their number says nothing.
  const mayBeRepeated = facts.repeatable && known > 1;
  if (mayBeRepeated && facts.attempts < facts.maxAttempts) {
    return { do: 'perform', firstOrdinal: 1 + Math.max(...done.map((row) => row.ordinal)) };
  }
  if (!mayBeRepeated && done.length >= known) return { do: 'settle-as-done' };
  const message = `${done.length} of the route's ${known} transactions are done; it is not repeated by itself.`;
  return { do: 'park', error: { code: 'interrupted-between-transactions', message } };
}
