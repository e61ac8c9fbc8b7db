import { type BatchState, isAhead } from './batch-state.ts';
import type { RunTrigger } from './batch-types.ts';
import type { Schedule } from './schedule.ts';

/** What a host is to do about a batch now. */
export type BatchPlan =
  | { readonly act: 'run'; readonly trigger: Exclude<RunTrigger, 'hand'> }
  /** Somebody else runs it: look again soon, as it may have died. */
  | { readonly act: 'watch' }
  /** `until` is in Unix milliseconds; undefined where nothing is due any more. */
  | { readonly act: 'wait'; readonly until: number | undefined };

/** Beyond so long after its time a run is one that was missed, ms. */
const missedAfterMs = 60_000;

/**
 * What is to be done about a batch. However many times it was due while nobody was there, it is run once. What becomes due while a run is
 * under way is left out. A state that is ahead of the clock by more than an hour is of a clock that was wrong: it is run, and goes by this one from then on.
 */
export function planBatch(state: BatchState, schedule: Schedule | undefined, nowMs: number): BatchPlan {
  if (state.holder !== undefined) return { act: 'watch' };
  const dueAt = schedule?.dueAfter(state.handledAt, state.endedAt);
  if (state.paused) return { act: 'wait', until: undefined };
  // Going by such a time it would not be due before that has come.
  if (schedule !== undefined && isAhead(state, nowMs)) return { act: 'run', trigger: 'missed' };
  if (dueAt !== undefined && dueAt <= nowMs) {
    return { act: 'run', trigger: nowMs - dueAt > missedAfterMs ? 'missed' : 'schedule' };
  }
  const { retryAt } = state;
  if (retryAt !== undefined && retryAt <= nowMs) return { act: 'run', trigger: 'retry' };
  if (dueAt === undefined) return { act: 'wait', until: retryAt };
  return { act: 'wait', until: Math.min(dueAt, retryAt ?? dueAt) };
}
