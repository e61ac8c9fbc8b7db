import type { Claim } from '../engines/queue.ts';
import type { Deferral, Outcome, RecordName, Step } from '../ledger/deferral.ts';
import { lookDelayMs, retryDelayMs } from './back-off.ts';
import { isCompensation } from './parts/own-work.ts';
import { pause } from './pause.ts';
import type { PerformError, PerformedItem } from './performer-events.ts';
import type { PerformerParts } from './performer-parts.ts';

/** How often a step is tried to be recorded, while the item's lease is kept, before it is left to the next attempt. */
const recordTries = 6;
const recordRetryMs = 100;

/** A claimed item with what the ledger says of it. */
export interface Job {
  readonly parts: PerformerParts;
  readonly claim: Claim;
  readonly deferral: Deferral;
  /** Which records the attempt was read from; absent where none were. */
  readonly readFrom?: readonly RecordName[];
}

/*
 * Each conclusion is two writes: the step into the ledger, then the item off or back onto the queue. A crash
 * before the first leaves the item to be claimed again, and its completion rows tell what was done. A crash
 * between the two leaves an item that the ledger says is settled: it is taken off when it is claimed next.
 */

/** The work is done; the outcome is durable before the item leaves the queue. */
export async function concludePerformed(
  job: Job,
  outcome: Outcome | undefined,
  status: number | undefined,
): Promise<void> {
  const { parts, claim } = job;
  if (!(await recorded(job, { type: 'performed', token: claim.token, outcome, ...readBy(job) }))) return;
  parts.tell({ type: 'performed', ...named(job), outcomeKnown: outcome !== undefined, status });
  if (isCompensation(job.deferral)) tellReversed(job);
  await parts.queue.settle(claim.id, claim.token);
}

function tellReversed(job: Job): void {
  const { id, ...item } = named(job);
  job.parts.tell({ type: 'reversed', ...item, id: job.deferral.parent ?? '', compensation: id });
}

/** It failed for good. Whoever calls has shut out stalled attempts before. */
export async function concludeFailed(
  job: Job,
  outcome: Outcome | undefined,
  error: PerformError,
): Promise<void> {
  const { parts, claim } = job;
  if (!(await recorded(job, { type: 'failed', token: claim.token, outcome, error, ...readBy(job) }))) return;
  parts.tell({ type: 'failed', ...named(job), error });
  await parts.queue.settle(claim.id, claim.token);
}

/** The attempt failed; another follows, after a while that grows with each unless another is given. */
export async function concludeRetry(
  job: Job,
  attempt: number,
  outcome: Outcome | undefined,
  error: PerformError,
  delayMs: number = retryMs(job, attempt),
): Promise<void> {
  const { parts, claim } = job;
  const retryAt = Math.ceil(parts.clock.wallNow() + delayMs);
  const step: Step = { type: 'failed', token: claim.token, outcome, error, retryAt, ...readBy(job) };
  if (!(await recorded(job, step))) return;
  parts.tell({ type: 'retrying', ...named(job), error, retryAt });
  await parts.queue.postpone(claim.id, claim.token, retryAt);
}

function readBy({ readFrom }: Job): { readonly readFrom?: readonly RecordName[] } {
  return readFrom === undefined ? {} : { readFrom };
}

function retryMs({ parts }: Job, attempt: number): number {
  const { retryBaseMs, retryCapMs } = parts.options;
  return retryDelayMs(attempt, retryBaseMs, retryCapMs, parts.random());
}

/** What is said of a parked one beside its error. */
export interface Parked {
  /** What the route answered last, where it did. */
  readonly outcome?: Outcome | undefined;
  /** Its item stays on the queue, and is looked at again after so many ms. */
  readonly againMs?: number;
}

/** A person has to look at it. */
export async function concludeParked(job: Job, error: PerformError, more: Parked = {}): Promise<void> {
  const { outcome, againMs } = more;
  const { parts, claim } = job;
  if (!(await recorded(job, { type: 'parked', token: claim.token, error, outcome }))) return;
  parts.tell({ type: 'parked', ...named(job), error });
  if (againMs === undefined) await parts.queue.deadLetter(claim.id, claim.token);
  else await putBack(job, againMs);
}

/** Not now: recorded, and left alone by all hosts for a while that doubles each time, unless another time is said. */
export async function concludePostponed(
  job: Job,
  reasons: readonly string[],
  aloneForMs: number = aloneMs(job),
): Promise<void> {
  const { parts, claim } = job;
  if (!(await recorded(job, { type: 'postponed', token: claim.token, reasons }))) return;
  parts.tell({ type: 'postponed', ...named(job), reasons });
  await putBack(job, aloneForMs);
}

function aloneMs({ parts, deferral }: Job): number {
  const { lookEveryMs, lookCapMs } = parts.options;
  return lookDelayMs(deferral.postponements, lookEveryMs, lookCapMs);
}

/** Back onto the queue as it was. */
export async function putBack(
  { parts, claim }: Pick<Job, 'parts' | 'claim'>,
  delayMs: number,
): Promise<void> {
  await parts.queue.postpone(claim.id, claim.token, Math.ceil(parts.clock.wallNow() + delayMs));
}

/**
 * Takes the step, and tries again where the engine has trouble, for what happened can't be made to happen
 * again. False where the deferral moved on without this attempt; its item is then brought in line.
 */
async function recorded(job: Job, step: Step): Promise<boolean> {
  for (let tries = 1; ; tries += 1) {
    try {
      if ((await job.parts.ledger.step(job.claim.id, step)) !== undefined) return true;
      await bringInLine(job);
      return false;
    } catch (error) {
      if (tries === recordTries) throw error;
      job.parts.tell({ type: 'trouble', doing: 'recording a step', error, ...whose(job) });
      await pause(job.parts.clock, recordRetryMs * 2 ** (tries - 1));
    }
  }
}

/** Makes the queue agree with the ledger about an item. Whoever has it by now keeps it. */
export async function bringInLine({ parts, claim }: Pick<Job, 'parts' | 'claim'>): Promise<void> {
  const deferral = await parts.ledger.find(claim.id);
  if (deferral?.phase === 'settled') await parts.queue.settle(claim.id, claim.token);
  else if (deferral?.phase === 'parked') await parts.queue.deadLetter(claim.id, claim.token);
  else
    await parts.queue.postpone(
      claim.id,
      claim.token,
      Math.ceil(parts.clock.wallNow() + parts.options.lookEveryMs),
    );
}

export function named({ claim, deferral }: Pick<Job, 'claim' | 'deferral'>): PerformedItem {
  return { id: claim.id, partition: claim.partition, workType: deferral.workType };
}

function whose({ claim }: Job): { id: string; partition: string } {
  return { id: claim.id, partition: claim.partition };
}
