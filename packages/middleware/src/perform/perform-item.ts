import type { Claim } from '../engines/queue.ts';
import type { Deferral } from '../ledger/deferral.ts';
import { type AttemptEnd, attemptItem, type ItemRequest, readItem } from './attempt.ts';
import { trouble } from './completion-rows.ts';
import { bringInLine, concludePostponed, type Job, putBack } from './conclude.ts';
import { keepLease } from './lease.ts';
import { isParkedForHandler, mayBeAttempted } from './parts/before-attempt.ts';
import { isCompensation, isOwn } from './parts/own-work.ts';
import type { PerformerParts } from './performer-parts.ts';
import { isLeftToRun } from './run-ends.ts';
import { settledWithRun } from './settle-with-run.ts';

/** An item's turn at the partition. */
export interface ItemTurn {
  /** Resolves when it may be at work there. */
  enter(): Promise<void>;
  /** It was, and it went well; all that is left is to record it. `strain` as in {@link ItemEnd}. Called at most once. */
  wentWell(strain: number): void;
}

/** What a partition's lane says about the item. */
export interface ItemMeans {
  /** Aborted where the performer closes without waiting any longer. */
  readonly stop: AbortSignal;
  /** Whether being turned away now is to be recorded; asked at most once. */
  readonly mayRecordLook: (deferral: Deferral) => boolean;
  readonly turn: ItemTurn;
}

/** How an item ended, for the partition's pace. */
export interface ItemEnd {
  readonly end: AttemptEnd;
  /** How near the partition is to postponing work, as admission says it. */
  readonly strain: number;
}

/**
 * Does what is to be done with a claimed item now. The state of the partition is looked at anew, whatever it
 * was when the request was deferred. Rejects where the engine has trouble.
 */
export async function performItem(parts: PerformerParts, claim: Claim, means: ItemMeans): Promise<ItemEnd> {
  const { clock, options, queue } = parts;
  const onTrouble = (error: unknown): void => trouble({ parts, claim }, 'prolonging a lease', error);
  const lease = keepLease(queue, clock, claim, options.leaseMs, onTrouble);
  try {
    const deferral = await parts.ledger.find(claim.id);
    if (deferral === undefined) {
      // The log decides what exists. What it does not know by now it may know after it was read again.
      trouble({ parts, claim }, 'looking for a deferral', new Error(`the ledger does not know ${claim.id}`));
      await putBack({ parts, claim }, options.lookCapMs);
      return { end: 'idle', strain: 0 };
    }
    const job = { parts, claim, deferral };
    if (deferral.phase === 'settled' || (deferral.phase === 'parked' && !isParkedForHandler(job))) {
      await bringInLine({ parts, claim });
      return { end: 'idle', strain: 0 };
    }
    const leaveForMs = parts.missingRoutes.leaveForMs(claim.id);
    if (leaveForMs !== undefined) {
      await putBack({ parts, claim }, leaveForMs);
      return { end: 'idle', strain: 0 };
    }
    if (isLeftToRun(deferral) && (await settledWithRun(job))) return { end: 'idle', strain: 0 };
    if (isOwn(deferral) && !(await mayBeAttempted(job))) return { end: 'idle', strain: 0 };
    const read = await readItem(job);
    if (read === undefined) return { end: 'idle', strain: 0 };
    // The partition is looked at when its turn has come, and not before. Undoing takes no turn of the others.
    if (!isCompensation(deferral)) await means.turn.enter();
    return await ifAdmitted(job, read, lease.lost, means);
  } finally {
    lease.end();
  }
}

async function ifAdmitted(
  job: Job,
  read: ItemRequest,
  lost: AbortSignal,
  means: ItemMeans,
): Promise<ItemEnd> {
  const { partition, workType, priority } = job.deferral;
  if (isCompensation(job.deferral)) {
    // Undoing is never postponed.
    const end = await attemptItem(job, read, { lost, stop: means.stop, wrote() {}, wentWell() {} });
    return { end, strain: 0 };
  }
  const answer = job.parts.admission.admit({ partition, workType, priority });
  if (!answer.admitted) {
    if (!means.mayRecordLook(job.deferral)) await putBack(job, 0);
    else if (answer.closed === true) await concludePostponed(job, answer.reasons, 0);
    else await concludePostponed(job, answer.reasons);
    return { end: { heldForMs: answer.askAgainInMs }, strain: 0 };
  }
  let isFinished = false;
  const finish = (): void => {
    if (!isFinished) answer.finished();
    isFinished = true;
  };
  const wentWell = (): void => {
    const strain = answer.strain?.() ?? 0;
    finish();
    means.turn.wentWell(strain);
  };
  try {
    const wrote = (to: string): void => answer.wrote?.(to);
    const end = await attemptItem(job, read, { lost, stop: means.stop, wrote, wentWell });
    return { end, strain: answer.strain?.() ?? 0 };
  } finally {
    finish();
  }
}
