import { isSlackwaterError } from '@slackwater/shared';
import type { CompletionRow } from '../drivers/driver.ts';
import type { CapturedRequest, ReadRequest } from '../ledger/deferral.ts';
import type { CompletionScope } from '../request-context.ts';
import { type CompletionsOrNone, rowsOf, shutOut } from './completion-rows.ts';
import {
  bringInLine,
  concludeFailed,
  concludeParked,
  concludePerformed,
  concludePostponed,
  concludeRetry,
  type Job,
  named,
  putBack,
} from './conclude.ts';
import { eitherSignal } from './either-signal.ts';
import { judgeResult, type Verdict } from './judge-result.ts';
import { learnFrom } from './learn-from.ts';
import { afterTransactions } from './left-open.ts';
import { isCompensation } from './parts/own-work.ts';
import type { PerformError } from './performer-events.ts';
import { type AttemptPlan, planAttempt } from './plan-attempt.ts';

/**
 * How an attempt went, for the partition's pace. `idle`: the route was not tried, or not to an end. Held: the
 * partition is to be left alone for so long.
 */
export type AttemptEnd = 'well' | 'badly' | 'idle' | { readonly heldForMs: number };

/** What an admitted item is attempted with. */
export interface AttemptMeans {
  /** Aborted where the item's lease is lost. */
  readonly lost: AbortSignal;
  /** Aborted where the performer closes without waiting any longer. */
  readonly stop: AbortSignal;
  readonly wrote: (partition: string) => void;
  /** The route was tried, and did what it was to do: what is left to be done is the ledger's. */
  readonly wentWell: () => void;
}

/** What is known beside the deferral itself. */
interface Known {
  readonly completions: CompletionsOrNone;
  readonly transactions: number | undefined;
}

/** What an item's request was found to be. */
export type ItemRequest = ReadRequest | 'erased';

/**
 * Performs one admitted item as far as it goes now. Rejects where the engine has trouble; the item's lease or
 * the next attempt then decides what becomes of it.
 */
export async function attemptItem(job: Job, read: ItemRequest, means: AttemptMeans): Promise<AttemptEnd> {
  if (read === 'erased') {
    await concludeErased(job, job.parts.completionsOf(job.deferral.partition));
    return 'idle';
  }
  return attemptRead({ ...job, readFrom: read.readFrom }, means, read.request);
}

async function attemptRead(job: Job, means: AttemptMeans, request: CapturedRequest): Promise<AttemptEnd> {
  const { parts, deferral } = job;
  const completions = parts.completionsOf(deferral.partition);
  if (completions === undefined) {
    await concludePostponed(job, ['completion-table-missing']);
    return 'idle';
  }
  const rows = await rowsOf(job, completions);
  if (typeof rows === 'string') {
    await concludePostponed(job, [rows]);
    return { heldForMs: parts.options.lookEveryMs };
  }
  const known: Known = { completions, transactions: await parts.knownTransactions(deferral) };
  const plan = planNow(job, rows, known.transactions, deferral.attempts);
  if (plan.do !== 'perform') return conclude(job, known, plan, undefined, exhausted(deferral.attempts));
  return perform(job, means, request, known, plan.firstOrdinal);
}

/** Reads an item's request, before its turn comes. Undefined where it can't be meant any more: then it is parked. */
export async function readItem(job: Job): Promise<ItemRequest | undefined> {
  try {
    return await job.parts.ledger.readRequest(job.claim.id);
  } catch (error) {
    if (isSlackwaterError(error) && error.code === 'requester-erased') return 'erased';
    if (!isSlackwaterError(error) || error.code !== 'record-corrupt') throw error;
    await concludeParked(job, { code: 'record-corrupt', message: error.message });
    return undefined;
  }
}

/** Nobody can read it any more. What an attempt before that did, its completion rows tell. */
async function concludeErased(job: Job, completions: CompletionsOrNone | undefined): Promise<void> {
  const wasTried = job.deferral.attempts > 0;
  const answer = wasTried ? completions && (await shutOut(job, completions)) : 'shut-out';
  if (answer === undefined) await concludePostponed(job, ['database-unreachable']);
  else if (answer === 'completed') await concludePerformed(job, undefined, undefined);
  else await concludeFailed(job, undefined, erased);
}

const erased: PerformError = {
  code: 'requester-erased',
  message: 'Its requester was erased before it could be performed.',
};

/** From here on a crash counts as an attempt, and its completion rows tell how far it came. */
async function perform(
  job: Job,
  means: AttemptMeans,
  request: CapturedRequest,
  known: Known,
  firstOrdinal: number,
): Promise<AttemptEnd> {
  const { parts, claim, deferral } = job;
  const started = await parts.ledger.step(claim.id, { type: 'performing', token: claim.token });
  if (started === undefined) {
    await bringInLine(job);
    return 'idle';
  }
  const scope: CompletionScope = {
    key: deferral.completionKey,
    nextOrdinal: firstOrdinal,
    duplicate: false,
  };
  const either = eitherSignal(means.lost, means.stop);
  const result = await parts.replay({
    deferral,
    attempt: started.attempts,
    request,
    context: { postponable: true, completion: scope, wrote: means.wrote },
    timeoutMs: parts.options.attemptTimeoutMs,
    maxOutcomeBytes: parts.options.maxOutcomeBytes,
    signal: either.signal,
  });
  either.release();
  const begun = scope.nextOrdinal - firstOrdinal;
  const verdict = await afterTransactions(job, scope, judgeResult(result, scope.duplicate));
  if (verdict.is === 'performed') means.wentWell();
  return carryOut(job, means, known, verdict, { attempts: started.attempts, begun, scope });
}

/** What is known of an attempt that has ended. */
interface Tried {
  /** How many there were, it included. */
  readonly attempts: number;
  /** How many transactions it began. */
  readonly begun: number;
  readonly scope: CompletionScope;
}

async function carryOut(
  job: Job,
  means: AttemptMeans,
  known: Known,
  verdict: Verdict,
  tried: Tried,
): Promise<AttemptEnd> {
  switch (verdict.is) {
    case 'performed':
      await concludePerformed(job, verdict.outcome, verdict.status);
      await learnFrom(job, known.completions, tried.scope);
      return 'well';
    case 'refused':
      if (isCompensation(job.deferral)) {
        // What is to be undone stays to be undone, until a person has seen to it.
        await concludeParked(job, verdict.error);
        return 'idle';
      }
      if (!(await shutOut(job, known.completions))) {
        // Not failed for good before it is certain that nothing comes after.
        await concludeRetry(job, tried.attempts, verdict.outcome, verdict.error);
        return 'badly';
      }
      await concludeFailed(job, verdict.outcome, verdict.error);
      return 'well';
    case 'elsewhere':
      await leaveToOthers(job, tried.attempts, verdict.error);
      return 'idle';
    case 'parked':
      await concludeParked(job, verdict.error);
      return 'idle';
    case 'left-to-run':
      await concludeRetry(job, tried.attempts, undefined, verdict.error, job.parts.options.lookCapMs);
      return 'idle';
    case 'left':
      await leave(job, means);
      return 'idle';
    case 'uncertain':
      return lookAgain(job, known, verdict, tried);
    default:
      return verdict satisfies never;
  }
}

async function leaveToOthers(job: Job, attempts: number, error: PerformError): Promise<void> {
  const delayMs = job.parts.missingRoutes.missedForMs(job.claim.id);
  if (delayMs === undefined) await concludeParked(job, error);
  else await concludeRetry(job, attempts, undefined, error, delayMs);
}

/** The attempt had no good answer: what it did or did not do is in the rows. */
async function lookAgain(
  job: Job,
  known: Known,
  verdict: Extract<Verdict, { is: 'uncertain' }>,
  { attempts, begun }: Tried,
): Promise<AttemptEnd> {
  const rows = await rowsOf(job, known.completions);
  // Without them: tried later, when they are looked at first.
  const plan: AttemptPlan =
    typeof rows === 'string'
      ? { do: 'perform', firstOrdinal: 0 }
      : planNow(job, rows, Math.max(known.transactions ?? 1, begun), attempts, verdict.metRow);
  if (plan.do === 'perform') {
    await concludeRetry(job, attempts, verdict.outcome, verdict.error);
    return 'badly';
  }
  const error = plan.do === 'give-up' ? exhausted(attempts, verdict.error) : verdict.error;
  return conclude(job, known, plan, verdict.outcome, error);
}

function planNow(
  { parts, deferral }: Job,
  rows: readonly CompletionRow[],
  knownTransactions: number | undefined,
  attempts: number,
  metRow = false,
): AttemptPlan {
  const { maxAttempts } = parts.options;
  const counted = attempts - (deferral.redriven?.attempts ?? 0);
  return planAttempt({
    // An attempt that found no route was none of the route's: hosts of an older version must not use them up.
    attempts: deferral.error?.code === 'route-missing' ? Math.min(counted, maxAttempts - 1) : counted,
    maxAttempts,
    rows,
    metRow,
    knownTransactions,
    repeatable: deferral.redriven?.repeat === true || parts.repeatable(deferral),
  });
}

/** Carries out a plan that is not another attempt. */
async function conclude(
  job: Job,
  known: Known,
  plan: Exclude<AttemptPlan, { do: 'perform' }>,
  outcome: Parameters<typeof concludeFailed>[1],
  error: PerformError,
): Promise<AttemptEnd> {
  switch (plan.do) {
    case 'settle-as-done':
      await concludePerformed(job, undefined, undefined);
      return 'idle';
    case 'settle-as-shut-out':
      await concludeFailed(job, outcome, shutOutEarlier);
      return 'idle';
    case 'park':
      await concludeParked(job, plan.error);
      return 'idle';
    case 'give-up': {
      const { whenExhausted } = job.parts.options;
      // What is to be undone stays to be undone, until a person has seen to it.
      if (whenExhausted === 'park' || isCompensation(job.deferral)) {
        await concludeParked(job, error, { outcome });
        return 'badly';
      }
      const answer = await shutOut(job, known.completions);
      if (answer === undefined) await concludePostponed(job, ['database-unreachable']);
      else if (answer === 'completed') await concludePerformed(job, undefined, undefined);
      else await concludeFailed(job, outcome, error);
      return 'badly';
    }
    default:
      return plan satisfies never;
  }
}

const shutOutEarlier: PerformError = {
  code: 'outcome-lost',
  message: 'It was shut out from being performed, and the process that did so ended before it said why.',
};

function exhausted(attempts: number, last?: PerformError): PerformError {
  const ending = last === undefined ? '' : ` The last one: ${last.message}`;
  return { code: 'attempts-exhausted', message: `None of ${attempts} attempts succeeded.${ending}` };
}

async function leave(job: Job, means: AttemptMeans): Promise<void> {
  if (means.lost.aborted) job.parts.tell({ type: 'lease-lost', ...named(job) });
  else await putBack(job, 0);
}
