import { ownMethods } from '@slackwater/shared';
import type { Deferral, Outcome } from '../ledger/deferral.ts';
import type { PerformError } from './performer-events.ts';

// A deferral whose answer comes from a run of an operation: its request started that run, or joined it, and was answered before it ended.
// Nobody performs it: it is settled as the run is. Its `accepted` entry names the run as its parent, or, where the request was deferred before it
// came to its route, an attempt at it found that the run goes on.

/** How a run ended, for who asked for it. */
export type RunEnd =
  /** `outcome` is undefined where nobody can make the answer, or it is too long to be kept. */
  | { readonly is: 'performed'; readonly outcome: Outcome | undefined; readonly status: number }
  | { readonly is: 'failed'; readonly outcome: Outcome | undefined; readonly error: PerformError }
  | { readonly is: 'canceled'; readonly error: PerformError };

/** What the performer asks about runs of operations. Both reject where the engine can't be asked. */
export interface RunEnds {
  /** The run that an attempt at a deferral left it to; undefined where that is not known (any more). */
  linkedRun(id: string): Promise<string | undefined>;
  /** Undefined while it is not settled. */
  endOf(run: string): Promise<RunEnd | undefined>;
}

/** There are no operations. */
export const noRuns: RunEnds = { linkedRun: async () => undefined, endOf: async () => undefined };

type Asked = Pick<Deferral, 'id' | 'method' | 'parent' | 'error' | 'phase'>;

/** Whether a deferral was accepted for a run that had begun. */
export function isOfRun({ method, parent }: Pick<Deferral, 'method' | 'parent'>): boolean {
  return parent !== undefined && method !== ownMethods.part && method !== ownMethods.compensation;
}

/** Whether a deferral's answer comes from a run, as far as it has come. */
export function isLeftToRun(deferral: Asked): boolean {
  return isOfRun(deferral) || (deferral.phase === 'retrying' && deferral.error?.code === 'operation-running');
}

/** The run that a deferral's answer comes from. */
export async function runOf(ends: Pick<RunEnds, 'linkedRun'>, deferral: Asked): Promise<string | undefined> {
  if (!isLeftToRun(deferral)) return undefined;
  return isOfRun(deferral) ? deferral.parent : ends.linkedRun(deferral.id);
}
