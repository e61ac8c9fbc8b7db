import type { Deferral, DeferralLedger } from '../ledger/deferral.ts';
import type { PerformerParts } from './performer-parts.ts';
import { within } from './time-limit.ts';

type CancelParts = Pick<PerformerParts, 'queue' | 'completionsOf' | 'clock' | 'options' | 'tell'> & {
  readonly ledger: Pick<DeferralLedger, 'find' | 'step'>;
};

/** What became of the wish to cancel. */
export type CancelResult = 'canceled' | 'not-cancelable';

/**
 * Cancels a deferral that nobody performs. It is off the queue first, so that nobody begins; where it was
 * attempted before, a tombstone then shuts out an attempt that may have stalled; then it is recorded. A crash
 * in between leaves it uncanceled on the log, from which its item is enqueued again at start.
 *
 * Rejects where the engine or the database can't be asked; it is then not canceled.
 */
export async function cancelDeferral(parts: CancelParts, id: string): Promise<CancelResult> {
  const before = await parts.ledger.find(id);
  if (before === undefined) return 'not-cancelable';
  if (before.phase === 'settled') return before.status === 'Canceled' ? 'canceled' : 'not-cancelable';
  // A parked item was taken off the queue when it was parked.
  if (before.phase !== 'parked' && !(await parts.queue.remove(id))) return 'not-cancelable';
  let canceled = false;
  try {
    canceled = await cancelRemoved(parts, id);
  } finally {
    // Done or not for the requester to cancel: the performer finds out which, and settles it.
    if (!canceled) await enqueueAgain(parts, before);
  }
  return canceled ? 'canceled' : 'not-cancelable';
}

async function cancelRemoved(parts: CancelParts, id: string): Promise<boolean> {
  // Read again: it may have been attempted between the first look and its removal.
  const deferral = await parts.ledger.find(id);
  if (deferral === undefined || deferral.phase === 'settled' || deferral.phase === 'performing') return false;
  const error = { code: 'canceled-by-requester', message: 'Its requester canceled it.' } as const;
  const attempted = deferral.attempts > 0;
  if (attempted && (await wasDone(parts, deferral))) return false;
  let after = await parts.ledger.step(id, { type: 'canceled', error });
  if (after === undefined && attempted) {
    // Shut out by now, it can only fail: better for the reason that is true.
    const { token } = deferral;
    after = await parts.ledger.step(id, { type: 'failed', token, outcome: undefined, error });
  }
  if (after === undefined) return false;
  const { partition, workType } = deferral;
  parts.tell({ type: 'canceled', id, partition, workType });
  return true;
}

async function wasDone(parts: CancelParts, deferral: Deferral): Promise<boolean> {
  const completions = parts.completionsOf(deferral.partition);
  if (completions === 'at-least-once') return false;
  if (completions === undefined) throw new Error(`nobody observes the partition ${deferral.partition}`);
  const asked = completions.shutOut(deferral.completionKey);
  const { clock, options } = parts;
  return (
    (await within(clock, options.attemptTimeoutMs, 'Shutting out stalled attempts', asked)) === 'completed'
  );
}

async function enqueueAgain(parts: CancelParts, deferral: Deferral): Promise<void> {
  if (deferral.phase === 'parked') return;
  const { id, partition, priority, position, orderKey } = deferral;
  const item = { id, partition, priority, position, ...(orderKey === undefined ? {} : { orderKey }) };
  await parts.queue.enqueue(item);
}
