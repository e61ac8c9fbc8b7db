import type { CompletionScope } from '../request-context.ts';
import type { Job } from './conclude.ts';
import type { Verdict } from './judge-result.ts';
import { pause } from './pause.ts';

/** How long a route that answered before its COMMIT was done is waited for, and how often is looked, ms. */
const waitMs = 1_000;
const lookMs = 50;

/**
 * The verdict on an attempt once its transactions have ended. Where a statement was refused and nothing committed, every attempt would come to
 * that, whatever the route made of it. A success that was answered while a transaction is open, and stays open, is none: the work in it may
 * still be lost. Then the completion rows decide, now or before the next attempt.
 */
export async function afterTransactions(
  job: Job,
  scope: CompletionScope,
  verdict: Verdict,
): Promise<Verdict> {
  const { refused, committedTransactions = 0 } = scope;
  const isAnswer = verdict.is === 'performed' || verdict.is === 'refused' || verdict.is === 'uncertain';
  if (refused !== undefined && committedTransactions === 0 && isAnswer && !isOpen(scope)) {
    return { is: 'parked', error: { code: refused.code, message: refused.message } };
  }
  if (verdict.is !== 'performed') return verdict;
  for (let waitedMs = 0; isOpen(scope) && waitedMs < waitMs; waitedMs += lookMs) {
    await pause(job.parts.clock, lookMs);
  }
  if (!isOpen(scope)) return verdict;
  const message = `The route answered ${verdict.status} and left a transaction open: whether it commits it is not known.`;
  return { is: 'uncertain', outcome: undefined, error: { code: 'transaction-left-open', message } };
}

function isOpen({ openTransactions = 0 }: CompletionScope): boolean {
  return openTransactions > 0;
}
