import { inTime } from '../in-time.ts';
import type { Deferral, DeferralLedger } from '../ledger/deferral.ts';
import { isCompensation } from './parts/own-work.ts';
import type { PerformError } from './performer-events.ts';
import type { PerformerParts } from './performer-parts.ts';

type CancelParts = Pick<PerformerParts, 'queue' | 'completionsOf' | 'clock' | 'options' | 'tell'> & {
  readonly ledger: Pick<DeferralLedger, 'find' | 'step'>;
};

/** What became of the wish to cancel. */
export type CancelResult =
  | 'canceled'
  | 'not-cancelable'
  /** Its operation is being undone: it is canceled when that is done. */
  | 'canceling';

/**
 * How often it is tried to record an attempted deferral as failed. An attempt that begins meanwhile and was not
 * shut out is let go on; one that was shut out can only fail, and better for the reason that is true.
 */
const triesAfter = { 'never-attempted': 0, 'not-shut-out': 1, 'shut-out': 4 } as const;

/** Why something is canceled, where nothing else is said. */
const byRequester: PerformError = { code: 'canceled-by-requester', message: 'Its requester canceled it.' };

/**
 * Cancels a deferral that nobody performs. Where it was never attempted the ledger alone decides; it lets
 * nobody begin any more. Where it was, a tombstone first shuts out an attempt that may have stalled. Its item
 * stays on the queue until the end is recorded: a crash at any instant leaves it to be found there, either to
 * be performed or, behind its tombstone, to be settled as failed.
 *
 * Rejects where the engine or the database can't be asked; it may then be tried again.
 */
export async function cancelDeferral(
  parts: CancelParts,
  id: string,
  why: PerformError = byRequester,
): Promise<CancelResult> {
  const deferral = await parts.ledger.find(id);
  if (deferral === undefined || deferral.phase === 'performing') return 'not-cancelable';
  // What is to be undone is, unless a person has to see to it.
  if (isCompensation(deferral) && deferral.phase !== 'parked' && deferral.phase !== 'settled')
    return 'not-cancelable';
  if (deferral.phase === 'settled') return wasCanceled(deferral, why) ? 'canceled' : 'not-cancelable';
  const before = deferral.attempts === 0 ? 'never-attempted' : await shutOut(parts, deferral);
  if (before === 'completed' || !(await recordEnd(parts, deferral, before, why))) return 'not-cancelable';
  const { partition, workType } = deferral;
  parts.tell({ type: 'canceled', id, partition, workType });
  // The item leaves the queue; where that fails, or somebody has just claimed it, it does when it is claimed next.
  await parts.queue.remove(id).catch(() => false);
  return 'canceled';
}

/** Where stalled attempts could not be shut out, or another began meanwhile, it is recorded as failed, with the reason that is true. */
function wasCanceled(deferral: Deferral, why: PerformError): boolean {
  return deferral.status === 'Canceled' || deferral.error?.code === why.code;
}

async function recordEnd(
  { ledger }: CancelParts,
  deferral: Deferral,
  before: keyof typeof triesAfter,
  why: PerformError,
): Promise<boolean> {
  const { id, attempts } = deferral;
  // Who is told "canceled" relies on nothing being done: a stalled attempt that is not shut out may yet do it.
  const isUndone = before !== 'not-shut-out';
  if (isUndone && (await ledger.step(id, { type: 'canceled', error: why, attempts })) !== undefined) {
    return true;
  }
  let { token } = deferral;
  for (let tries = 0; tries < triesAfter[before]; tries += 1) {
    const step = { type: 'failed', token, outcome: undefined, error: why } as const;
    if ((await ledger.step(id, step)) !== undefined) return true;
    const now = await ledger.find(id);
    if (now === undefined || now.phase === 'settled') return now !== undefined && wasCanceled(now, why);
    token = now.token;
  }
  return false;
}

async function shutOut(
  parts: CancelParts,
  deferral: Deferral,
): Promise<'shut-out' | 'completed' | 'not-shut-out'> {
  const completions = parts.completionsOf(deferral.partition);
  if (completions === 'at-least-once') return 'not-shut-out';
  if (completions === undefined) throw new Error(`nobody observes the partition ${deferral.partition}`);
  const asked = completions.shutOut(deferral.completionKey);
  const { clock, options } = parts;
  return inTime(clock, options.attemptTimeoutMs, 'Shutting out stalled attempts', asked);
}
