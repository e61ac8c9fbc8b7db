import type { Deferral } from './deferral.ts';
import { isSettled, publicPart } from './life.ts';
import type { LedgerParts } from './parts.ts';

/** What is done about one that was postponed too long: gives after how long it is to be looked at again, ms; undefined for no more. */
export type ActOnPostponed = (deferral: Deferral) => Promise<number | undefined>;

/** So many are acted on at once. */
const atOnce = 8;

/**
 * Makes the function that looks for deferrals that may be postponed no longer (`maxPostponeMs` since their acceptance) and are
 * neither settled nor parked, and has something done about each.
 *
 * Crash points: what is done -> its note deleted, or a later one written before that. Crash between: it is looked at again.
 */
export function postponedLooker({
  clock,
  history,
  postponed,
}: Pick<LedgerParts, 'clock' | 'history' | 'postponed'>): (act: ActOnPostponed) => Promise<void> {
  return async (act) => {
    const due = await postponed.dueBefore(clock.wallNow());
    for (let i = 0; i < due.length; i += atOnce) {
      const some = due.slice(i, i + atOnce).map(async (note) => {
        const state = (await history.load(note.id))?.state;
        const isOpen = state !== undefined && !isSettled(state) && state.phase !== 'parked';
        const againMs = isOpen ? await act(publicPart(state)) : undefined;
        if (againMs !== undefined) {
          await postponed.note({ id: note.id, deadlineAt: Math.ceil(clock.wallNow() + againMs) });
        }
        await postponed.forget(note);
      });
      await Promise.all(some);
    }
  };
}
