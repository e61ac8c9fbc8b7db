import type { Deferral } from '../ledger/deferral.ts';
import { attemptItem, readItem } from './attempt.ts';
import { shutOut, trouble } from './completion-rows.ts';
import { bringInLine, concludeFailed, concludePerformed, concludePostponed, type Job } from './conclude.ts';
import { keepLease } from './lease.ts';
import type { PerformError } from './performer-events.ts';
import type { PerformerParts } from './performer-parts.ts';

/** What is done about a deferral that has been postponed for longer than its work type allows. */
export type PostponedAct = 'alert' | 'perform' | 'fail';

const tooLong: PerformError = {
  code: 'postponed-too-long',
  message: 'It was postponed for longer than its work type allows (maxPostponeMs), and was not performed.',
};

/**
 * Does what is stated about it, whatever its partition says: it is claimed by itself, out of its turn, but never before the earlier
 * ones of its order key, and not while it is paused by hand. Gives after how long it is to be looked at again, ms; undefined where that
 * is done. Rejects where the engine has trouble.
 */
export async function actOnPostponed(
  parts: PerformerParts,
  { id, partition, workType }: Deferral,
  act: PostponedAct,
  stop: AbortSignal,
): Promise<number | undefined> {
  const told = { type: 'postponed-too-long', id, partition, workType, act } as const;
  if (act === 'alert') {
    parts.tell(told);
    return undefined;
  }
  const { clock, options, queue } = parts;
  if (parts.pauses.isPaused(partition)) return options.lookCapMs;
  const claim = await queue.claimOne(id, { leaseMs: options.leaseMs, holder: parts.holder });
  // Somebody is at it, or another of its order key goes before it.
  if (claim === undefined) return options.lookEveryMs;
  const onTrouble = (error: unknown): void => trouble({ parts, claim }, 'prolonging a lease', error);
  const lease = keepLease(queue, clock, claim, options.leaseMs, onTrouble);
  try {
    const deferral = await parts.ledger.find(id);
    if (deferral === undefined || deferral.phase === 'settled' || deferral.phase === 'parked') {
      await bringInLine({ parts, claim });
      return undefined;
    }
    parts.tell(told);
    const job: Job = { parts, claim, deferral };
    const means = { lost: lease.lost, stop, wrote: () => {}, wentWell: () => {} };
    if (act === 'perform') {
      const read = await readItem(job);
      if (read !== undefined) await attemptItem(job, read, means);
    } else await fail(job);
  } finally {
    lease.end();
  }
  const after = await parts.ledger.find(id);
  const isOver = after === undefined || after.phase === 'settled' || after.phase === 'parked';
  return isOver ? undefined : options.lookCapMs;
}

/** What an attempt before that did, its completion rows tell. */
async function fail(job: Job): Promise<void> {
  const { parts, deferral } = job;
  const completions = parts.completionsOf(deferral.partition);
  const wasTried = deferral.attempts > 0;
  const answer = wasTried ? completions && (await shutOut(job, completions)) : 'shut-out';
  if (answer === undefined) await concludePostponed(job, ['database-unreachable']);
  else if (answer === 'completed') await concludePerformed(job, undefined, undefined);
  else await concludeFailed(job, undefined, tooLong);
}
