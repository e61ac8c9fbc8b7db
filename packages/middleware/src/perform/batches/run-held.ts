import type { Clock } from '../../clock.ts';
import { afterRun, isTooLong } from './after-run.ts';
import { BatchTroubleError } from './batch-error.ts';
import type { BatchEvent } from './batch-events.ts';
import type { HeldBatch } from './batch-lease.ts';
import { type BatchState, withoutHolder } from './batch-state.ts';
import { timeOf } from './batch-status.ts';
import type { BatchRun, RunOutcome, RunTrigger } from './batch-types.ts';
import { type RunEnd, runBatch } from './run-batch.ts';
import type { RunParts } from './run-parts.ts';

/** What running a batch that is held goes by. */
export interface HeldRunSetup {
  readonly parts: RunParts;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly tell: (event: BatchEvent) => void;
  readonly trouble: (doing: string, error: unknown) => void;
  /** Whether anything may be begun, besides holding the batch. */
  readonly mayGoOn: () => boolean;
  /** Aborted where calls are to end at once. */
  readonly stop: AbortSignal;
  /** Since when the batch was postponed as its being overdue was told of last; changed here. */
  readonly overdue: { since: number | undefined };
}

/** Runs a batch that is held, tells of it, and gives it back with what is known then. Never rejects. */
export async function runHeld(
  setup: HeldRunSetup,
  held: HeldBatch,
  trigger: RunTrigger,
): Promise<{ readonly run: BatchRun; readonly known: BatchState }> {
  const { parts, clock, tell, mayGoOn, stop } = setup;
  const { options } = parts;
  const { name, workType } = options;
  const { postponements, postponedSince, token } = held.state;
  const id = setup.newId();
  const beganAt = clock.wallNow();
  const isForced = options.whenPostponedTooLong === 'perform' && isTooLong(postponedSince, beganAt, options);
  tell({ type: 'started', batch: name, workType, run: id, trigger });
  if (isForced) tellOverdue(setup, held.state);
  const ending = new AbortController();
  const abort = (): void => ending.abort();
  for (const signal of [stop, held.lost]) {
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  }
  const end = await runBatch(parts, {
    id,
    fencingToken: token,
    postponements,
    // At first sight nothing is sent where it is over.
    probes: postponements > 0,
    isForced,
    // By hand it is run although it is paused.
    mayGoOn: () => mayGoOn() && (held.state.paused || !held.isPaused()) && held.isHeld(),
    stop: ending.signal,
  });
  stop.removeEventListener('abort', abort);
  const endedAt = clock.wallNow();
  const next = (state: BatchState): BatchState => afterRun(state, end.outcome, beganAt, endedAt, options);
  const known = (await giveBack(setup, held, end, next)) ?? withoutHolder(next(held.state));
  const isGivenUp = isHeldBack(end.outcome) && known.retryAt === undefined;
  const { isLoose, ...counts } = end;
  const run: BatchRun = {
    batch: name,
    id,
    trigger,
    startedAt: timeOf(beganAt),
    endedAt: timeOf(endedAt),
    ...counts,
    ...(isGivenUp && { outcome: 'failed', error: givenUp(setup) }),
    postponements: isHeldBack(end.outcome) ? postponements + 1 : 0,
  };
  if (isGivenUp) tellOverdue(setup, { ...held.state, postponedSince: postponedSince ?? beganAt });
  else if (isTooLong(known.postponedSince, endedAt, options)) tellOverdue(setup, known);
  else if (known.postponedSince === undefined) setup.overdue.since = undefined;
  tellTrouble(setup, run);
  tell({ type: 'ended', batch: name, workType, run });
  return { run, known };
}

function isHeldBack(outcome: RunOutcome): boolean {
  return outcome === 'postponed' || outcome === 'partly-performed';
}

/** What is known from then on. Where it can't be given back the lease runs out. So it does where calls go on that were told to end: they are given that time. */
async function giveBack(
  { trouble, parts }: HeldRunSetup,
  held: HeldBatch,
  { isLoose, outcome }: RunEnd,
  next: (state: BatchState) => BatchState,
): Promise<BatchState | undefined> {
  if (isLoose && outcome === 'interrupted') {
    held.abandon();
    return undefined;
  }
  const doing = `giving back the batch ${parts.options.name}`;
  try {
    const known = await held.giveBack(next);
    if (known !== undefined) return known;
    const message = `Another host took over the batch ${parts.options.name} while this one ran it: it did not say that it was alive for leaseMs (${parts.options.leaseMs} ms). What both performed may have been done twice, unless the database compares fencing tokens`;
    trouble(doing, new BatchTroubleError('batch-interrupted', message));
  } catch (error) {
    trouble(doing, error);
  }
  return undefined;
}

function tellOverdue(
  { parts: { options }, tell, overdue }: HeldRunSetup,
  { postponedSince, postponements }: BatchState,
): void {
  if (postponedSince === undefined || overdue.since === postponedSince) return;
  overdue.since = postponedSince;
  const { name, workType, whenPostponedTooLong } = options;
  tell({
    type: 'overdue',
    batch: name,
    workType,
    postponedSince: timeOf(postponedSince),
    postponements,
    act: whenPostponedTooLong,
  });
}

function givenUp({ parts: { options } }: HeldRunSetup): NonNullable<BatchRun['error']> {
  return {
    code: 'batch-postponed-too-long',
    message: `The batch ${options.name} was postponed for longer than maxPostponeMs (${options.maxPostponeMs} ms), and is left until it is due the next time; run() runs it before`,
  };
}

function tellTrouble({ parts: { options }, trouble }: HeldRunSetup, { hasMore, error }: BatchRun): void {
  const doing = `running the batch ${options.name}`;
  if (error !== undefined) trouble(doing, new BatchTroubleError(error.code, error.message));
  if (!hasMore) return;
  const message = `The source of the batch ${options.name} has more items than maxItems (${options.maxItems}): the others wait for its next run. Raise maxItems, or let the source come to an end`;
  trouble(doing, new BatchTroubleError('batch-source-failed', message));
}
