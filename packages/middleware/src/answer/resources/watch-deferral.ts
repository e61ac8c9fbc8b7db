import type { OperationProgress } from '@slackwater/shared';
import type { Clock } from '../../clock.ts';
import type { Deferral } from '../../ledger/deferral.ts';
import { createBell } from './bell.ts';
import { type Found, undoingOf } from './find-deferral.ts';
import { resourceLimits } from './limits.ts';
import { isSettled } from './pace.ts';

/** A deferral, and the run that it is left to where it is. */
export interface Watched {
  readonly deferral: Deferral;
  readonly progress: OperationProgress | undefined;
}

type Watchable = Pick<Found, 'records' | 'ledger' | 'deferral' | 'progress'>;

/**
 * Gives a deferral each time it, or the run that it is left to, has changed since it was found. Ends after it was settled, after `mostMs`, when it is
 * there no more, and when the signal is aborted. Rejects where the ledger can't be asked.
 */
export async function* watchDeferral(
  clock: Clock,
  { records, ledger, deferral, progress }: Watchable,
  mostMs: number,
  signal: AbortSignal,
): AsyncGenerator<Watched, void, void> {
  const endsAt = clock.now() + mostMs;
  const bell = createBell(clock);
  const unlisten = records.onChange(deferral.id, bell.ring);
  signal.addEventListener('abort', bell.ring);
  // It may have changed between being found and being listened for.
  bell.ring();
  try {
    for (let seen: Watched = { deferral, progress }; !isSettled(seen.deferral); ) {
      const leftMs = endsAt - clock.now();
      if (leftMs <= 0 || signal.aborted) return;
      await bell.rung(Math.min(leftMs, resourceLimits.lookEveryMs));
      if (signal.aborted) return;
      const found = await ledger.find(deferral.id);
      if (found === undefined) return;
      const now = { deferral: found, progress: await records.runs.progress(found) };
      if (differs(now.deferral, seen.deferral) || hasMoved(now.progress, seen.progress)) yield now;
      seen = now;
    }
  } finally {
    unlisten();
    signal.removeEventListener('abort', bell.ring);
  }
}

/** The same, and goes on where it is being undone, until that is settled too. */
export async function* watchToTheEnd(
  clock: Clock,
  found: Watchable,
  mostMs: number,
  signal: AbortSignal,
): AsyncGenerator<Watched, void, void> {
  const endsAt = clock.now() + mostMs;
  let latest: Watched = { deferral: found.deferral, progress: found.progress };
  for await (const changed of watchDeferral(clock, found, mostMs, signal)) {
    latest = changed;
    yield changed;
  }
  const undoing = await undoingOf(found.ledger, latest.deferral);
  if (undoing === undefined) return;
  const undone = watchDeferral(clock, { ...found, deferral: undoing }, endsAt - clock.now(), signal);
  for await (const _ of undone) yield latest;
}

/** Several things may be recorded of a run within one millisecond. */
function hasMoved(now: OperationProgress | undefined, before: OperationProgress | undefined): boolean {
  return now !== undefined && JSON.stringify(now) !== JSON.stringify(before);
}

function differs(a: Deferral, b: Deferral): boolean {
  return (
    a.phase !== b.phase ||
    a.attempts !== b.attempts ||
    a.postponements !== b.postponements ||
    a.updatedAt !== b.updatedAt
  );
}
