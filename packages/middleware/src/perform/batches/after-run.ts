import { lookDelayMs } from '../back-off.ts';
import type { ResolvedBatch } from './batch-options.ts';
import { type BatchState, isAhead } from './batch-state.ts';
import type { RunOutcome } from './batch-types.ts';

/** What the state after a run goes by. */
export type AfterRunRules = Pick<
  ResolvedBatch,
  'retryBaseMs' | 'retryCapMs' | 'maxPostponeMs' | 'whenPostponedTooLong'
>;

/**
 * What is known of a batch after a run that began and ended at those times (Unix milliseconds). What was postponed, whole or in part, and what failed is looked at again ever less
 * often; what was interrupted is gone on with at once, by whoever can. What became due meanwhile is left out.
 */
export function afterRun(
  state: BatchState,
  outcome: RunOutcome,
  beganAt: number,
  endedAt: number,
  rules: AfterRunRules,
): BatchState {
  const { retryAt, postponedSince, ...kept } = state;
  const handledAt = isAhead(state, endedAt) ? endedAt : Math.max(state.handledAt, endedAt);
  const ended = { ...kept, handledAt, endedAt };
  if (outcome === 'performed') return { ...ended, postponements: 0, misses: 0 };
  if (outcome === 'interrupted') {
    // What it would have come to nobody knows.
    return { ...ended, ...(postponedSince !== undefined && { postponedSince }), retryAt: endedAt };
  }
  const misses = state.misses + 1;
  const again = { misses, retryAt: endedAt + lookDelayMs(misses - 1, rules.retryBaseMs, rules.retryCapMs) };
  if (outcome === 'failed') return { ...ended, ...again, postponements: 0 };
  const since = postponedSince ?? beganAt;
  if (rules.whenPostponedTooLong === 'fail' && isTooLong(since, endedAt, rules)) {
    return { ...ended, postponements: 0, misses: 0 };
  }
  return { ...ended, ...again, postponements: state.postponements + 1, postponedSince: since };
}

/** Whether a batch that has been postponed since then has been so for too long. */
export function isTooLong(
  postponedSince: number | undefined,
  nowMs: number,
  { maxPostponeMs }: Pick<AfterRunRules, 'maxPostponeMs'>,
): boolean {
  return (
    maxPostponeMs !== undefined && postponedSince !== undefined && nowMs - postponedSince >= maxPostponeMs
  );
}
