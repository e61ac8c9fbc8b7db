import type { CompletionScope } from '../request-context.ts';
import { type CompletionsOrNone, trouble } from './completion-rows.ts';
import type { Job } from './conclude.ts';
import { isOwn } from './parts/own-work.ts';

/** Takes in what an attempt that went well shows of its route: how many transactions it takes, or that nobody saw one. */
export async function learnFrom(
  job: Job,
  completions: CompletionsOrNone,
  { committedTransactions = 0 }: CompletionScope,
): Promise<void> {
  const { parts, deferral } = job;
  if (committedTransactions === 0) {
    if (completions !== 'at-least-once' && !isOwn(deferral)) parts.unwitnessed(deferral);
    return;
  }
  try {
    // Those that were rolled back are left out.
    await parts.learnTransactions(deferral, committedTransactions);
  } catch (error) {
    trouble(job, 'learning how many transactions a route takes', error);
  }
}
