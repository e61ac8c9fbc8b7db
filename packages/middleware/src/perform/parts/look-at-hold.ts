import { isSlackwaterError, ownMethods } from '@slackwater/shared';
import { rowsOf } from '../completion-rows.ts';
import { concludeParked, type Job, named, putBack } from '../conclude.ts';
import type { PerformError } from '../performer-events.ts';
import { type HoldFacts, judgeHold } from './judge-hold.ts';
import { type PartParent, parentOf } from './part-record.ts';

/** However soon the request ends, what it deferred is not looked at again sooner, ms. */
const leastHeldMs = 20;

/**
 * Whether a held part or compensation may be attempted. Where it may, that is in the ledger; where it never may, it is canceled
 * there and off the queue; else it is back on the queue, for as long again as it has been held by now.
 *
 * A crash after `released` leaves what may be attempted; before it, what is looked at again. Rejects where the engine has trouble.
 */
export async function releasedNow(job: Job): Promise<boolean> {
  const { parts, claim, deferral } = job;
  const heldMs = Math.max(0, parts.clock.wallNow() - deferral.createdAt);
  const facts = await readableFacts(job, heldMs);
  if (facts === undefined) return false;
  const verdict = judgeHold(facts);
  switch (verdict.is) {
    case 'released':
      await parts.ledger.step(claim.id, { type: 'released' });
      return true;
    case 'canceled':
      await cancelHeld(job, verdict.error);
      return false;
    case 'held':
      await putBack(job, Math.min(Math.max(heldMs, leastHeldMs), parts.options.lookCapMs));
      return false;
    default:
      return verdict satisfies never;
  }
}

async function cancelHeld(job: Job, error: PerformError): Promise<void> {
  const { parts, claim } = job;
  const canceled = await parts.ledger.step(claim.id, { type: 'canceled', error });
  if (canceled !== undefined) parts.tell({ type: 'canceled', ...named(job) });
  await parts.queue.settle(claim.id, claim.token);
}

/** Undefined where its record can't be read: then that is what becomes of it. */
async function readableFacts(job: Job, heldMs: number): Promise<HoldFacts | undefined> {
  try {
    return await factsOf(job, heldMs);
  } catch (error) {
    if (!isSlackwaterError(error)) throw error;
    const { code, message } = error;
    if (code === 'requester-erased') await cancelHeld(job, { code, message });
    else if (code === 'record-corrupt') await concludeParked(job, { code, message });
    else throw error;
    return undefined;
  }
}

async function factsOf(job: Job, heldMs: number): Promise<HoldFacts> {
  const { parts, claim, deferral } = job;
  if (deferral.method === ownMethods.compensation) {
    return { of: 'compensation', parent: await parts.ledger.find(deferral.parent ?? '') };
  }
  const { request } = await parts.ledger.readRequest(claim.id);
  const parent = parentOf(request);
  if (parent.kind === 'deferral') {
    return { of: 'part', parent: await parts.ledger.find(parent.id), attempt: parent.attempt };
  }
  const { holdPartsMs } = parts.options;
  const underWay = parts.own.isUnderWay(parent.id);
  const isWaitedFor = underWay || heldMs < holdPartsMs;
  const rows = isWaitedFor ? 'unknown' : await lookAtRows(job, parent);
  return { of: 'request', underWay, heldMs, holdPartsMs, rows };
}

/**
 * Whether a transaction of the request was committed. None is shut out that may yet be: its caller may come again under its key, and
 * must then not be told that it was done.
 */
async function lookAtRows(
  job: Job,
  { rows }: Extract<PartParent, { kind: 'request' }>,
): Promise<Extract<HoldFacts, { of: 'request' }>['rows']> {
  if (rows === undefined) return 'none';
  let answer: 'not-done' | 'none' = 'none';
  for (const partition of rows.partitions) {
    const completions = job.parts.completionsOf(partition);
    if (completions === 'at-least-once') continue;
    if (completions === undefined) return 'unknown';
    const of = { ...job, deferral: { ...job.deferral, completionKey: rows.key } };
    const found = await rowsOf(of, completions);
    if (typeof found === 'string') return 'unknown';
    if (found.some(({ tombstone }) => !tombstone)) return 'done';
    answer = 'not-done';
  }
  return answer;
}
