import type { CompletionScope } from '../request-context.ts';

interface Attempt {
  /** The ordinal that its first transaction had. */
  readonly first: number;
  open: number;
  committed: boolean;
}

const attempts = new WeakMap<CompletionScope, Attempt>();

/** A transaction's place among those of its attempt. */
export interface Ordinal {
  readonly scope: CompletionScope;
  readonly number: number;
  /** How it ended; the first word counts. */
  settle(committed: boolean): void;
}

/**
 * Gives the next transaction of an attempt its ordinal. While none of the attempt's transactions has been
 * committed or is open, that is its first ordinal again: then whatever shuts the attempt out stands in the way
 * of every transaction still to come.
 */
export function nextOrdinal(scope: CompletionScope): Ordinal {
  let attempt = attempts.get(scope);
  if (attempt === undefined) {
    attempt = { first: scope.nextOrdinal, open: 0, committed: false };
    attempts.set(scope, attempt);
  }
  if (attempt.open === 0 && !attempt.committed) scope.nextOrdinal = attempt.first;
  scope.openTransactions = ++attempt.open;
  const mine = attempt;
  let settled = false;
  return {
    scope,
    number: scope.nextOrdinal++,
    settle(committed) {
      if (settled) return;
      settled = true;
      scope.openTransactions = --mine.open;
      if (!committed) return;
      mine.committed = true;
      scope.committedTransactions = (scope.committedTransactions ?? 0) + 1;
    },
  };
}
