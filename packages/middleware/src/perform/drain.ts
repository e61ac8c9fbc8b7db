import type { AttemptEnd } from './attempt.ts';
import { lookDelayMs } from './back-off.ts';
import { atOnce, firstPace, type Pace, paceAfter, paceAfterTrouble, restMs } from './pace.ts';
import type { PerformerOptions } from './performer-options.ts';

/** However soon an admission wants to be asked again, in ms. */
const leastHoldMs = 10;

/** For each that may be at work on the partition so many are claimed. */
export const aheadFor = 3;

/** How the deferrals of one partition are drained by one process: how many at once, and from when on. */
export interface Drain {
  readonly pace: Pace;
  /** Nothing is begun before, monotonic ms. */
  readonly heldUntil: number;
}

/** The settings that the rule goes by. */
export type DrainOptions = Pick<PerformerOptions, 'maxConcurrency' | 'lookEveryMs' | 'lookCapMs'>;

/** How an item ended. */
export interface DrainedItem {
  readonly end: AttemptEnd;
  /** How near the partition is to postponing work; see {@link paceAfter}. */
  readonly strain: number;
  readonly tookMs: number;
}

/** Where a partition begins. */
export const firstDrain: Drain = { pace: firstPace, heldUntil: Number.NEGATIVE_INFINITY };

/** How many more may be begun now, where so many are under way; 0 or less where none may. */
export function mayBegin(drain: Drain, running: number, now: number): number {
  return now < drain.heldUntil ? 0 : atOnce(drain.pace) - running;
}

/**
 * How many more may be claimed now, where so many are. Once there are several at once, twice as many are made ready meanwhile or
 * recorded afterwards: a partition must not be idle while the engine is at work.
 */
export function mayClaim(drain: Drain, claimed: number, now: number): number {
  const most = atOnce(drain.pace);
  return now < drain.heldUntil ? 0 : (most < 2 ? most : aheadFor * most) - claimed;
}

/** The drain after an item ended. Where it is held longer than before, somebody has to come back then. */
export function afterItem(
  drain: Drain,
  { end, strain, tookMs }: DrainedItem,
  { maxConcurrency, lookEveryMs }: DrainOptions,
  now: number,
): Drain {
  if (typeof end !== 'object') {
    const pace = paceAfter(drain.pace, end, maxConcurrency, strain);
    const rest = end === 'well' ? restMs(pace, tookMs) : 0;
    return held({ ...drain, pace }, Math.min(rest, lookEveryMs), now);
  }
  // Items that were claimed together are turned away together: that is one hold.
  const pace = now >= drain.heldUntil ? paceAfter(drain.pace, end, maxConcurrency) : drain.pace;
  return held({ ...drain, pace }, Math.min(Math.max(end.heldForMs, leastHoldMs), lookEveryMs), now);
}

/** The drain after the engine did not do what it was asked. */
export function afterTrouble(drain: Drain, { lookEveryMs, lookCapMs }: DrainOptions, now: number): Drain {
  const pace = paceAfterTrouble(drain.pace);
  return held({ ...drain, pace }, lookDelayMs(pace.troubles - 1, lookEveryMs, lookCapMs), now);
}

/** Not held any more: its time has come, or the partition may have recovered. */
export function released(drain: Drain): Drain {
  return { ...drain, heldUntil: firstDrain.heldUntil };
}

function held(drain: Drain, ms: number, now: number): Drain {
  return ms > 0 ? { ...drain, heldUntil: Math.max(drain.heldUntil, now + ms) } : drain;
}
