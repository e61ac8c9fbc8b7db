import type { Deferral, Step } from './deferral.ts';
import { isSettled, publicPart } from './life.ts';
import type { LedgerParts } from './parts.ts';

/**
 * Makes the function that looks at promises whose time has come, and records of each deferral that is neither settled nor parked
 * that it is overdue. `onMissed` hears of those that missed their deadline and were not told of before, by any process.
 *
 * Crash points: entry -> promise deleted. Crash between: the entry is there, and the next look tells nobody.
 */
export function overdueReporter(
  { clock, history, promises }: Pick<LedgerParts, 'clock' | 'history' | 'promises'>,
  step: (id: string, step: Step) => Promise<Deferral | undefined>,
): (onMissed: (deferral: Deferral) => void) => Promise<void> {
  /** Undefined where it was kept, or is another's to tell. */
  async function missed(id: string, deadlineAt: number): Promise<Deferral | undefined> {
    const state = (await history.load(id))?.state;
    if (state === undefined) return undefined;
    const isReported = isSettled(state) || state.phase === 'parked';
    if (isReported && state.updatedAt <= deadlineAt) return undefined;
    if (!isSettled(state)) return step(id, { type: 'overdue' });
    return state.overdue ? undefined : publicPart(state);
  }

  return async (onMissed) => {
    for (const promise of await promises.dueBefore(clock.wallNow())) {
      const deferral = await missed(promise.id, promise.deadlineAt);
      const isOurs = await promises.forget(promise);
      if (deferral !== undefined && (isOurs || !isSettled(deferral))) onMissed(deferral);
    }
  };
}
