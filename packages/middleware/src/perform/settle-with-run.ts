import { bringInLine, concludeFailed, concludePerformed, type Job, named, putBack } from './conclude.ts';
import { type RunEnd, runOf } from './run-ends.ts';

/** However soon its run ends, what waits for it is not looked at again sooner, ms. */
const leastWaitMs = 20;

/**
 * Settles a claimed deferral as the run is settled that its answer comes from; while that goes on, its item is put back for as long again
 * as it has waited by now. False where it is left to no run, or nobody knows which: then its route is tried. Rejects where the engine has trouble.
 *
 * The steps are those of an attempt, each durable before the next: released, begun, ended. A crash between leaves an item that is claimed again, and a
 * run that ended as it ended.
 */
export async function settledWithRun(job: Job): Promise<boolean> {
  const { parts, deferral } = job;
  const run = await runOf(parts.runs, deferral);
  if (run === undefined) return false;
  const end = await parts.runs.endOf(run);
  if (end === undefined) {
    const waitedMs = Math.max(0, parts.clock.wallNow() - deferral.createdAt);
    await putBack(job, Math.min(Math.max(waitedMs, leastWaitMs), parts.options.lookCapMs));
  } else if (end.is === 'canceled') await cancelWith(job, end);
  else await conclude(job, end);
  return true;
}

async function conclude(job: Job, end: Exclude<RunEnd, { readonly is: 'canceled' }>): Promise<void> {
  const { parts, claim, deferral } = job;
  if (deferral.held) await parts.ledger.step(claim.id, { type: 'released' });
  const begun = await parts.ledger.step(claim.id, { type: 'performing', token: claim.token });
  if (begun === undefined) await bringInLine(job);
  else if (end.is === 'performed') await concludePerformed(job, end.outcome, end.status);
  else await concludeFailed(job, end.outcome, end.error);
}

async function cancelWith(job: Job, { error }: Extract<RunEnd, { readonly is: 'canceled' }>): Promise<void> {
  const { parts, claim, deferral } = job;
  const { attempts } = deferral;
  const canceled = await parts.ledger.step(claim.id, { type: 'canceled', error, attempts });
  if (canceled !== undefined) parts.tell({ type: 'canceled', ...named(job) });
  await parts.queue.settle(claim.id, claim.token);
}
