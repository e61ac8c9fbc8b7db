import type { AxiosError } from 'axios';
import { isRepeatable } from '../call/body.ts';
import { factsOf, noteWait } from '../errors/facts.ts';
import { BodyNotRepeatableError, DeadlineExceededError, RetriesExhaustedError } from '../errors/waiting.ts';
import { wait } from '../runtime.ts';
import { type StepFacts, traced } from '../telemetry.ts';
import { discard } from '../wire/discard.ts';
import { rehome } from './attempt-config.ts';
import type { AttemptPlan } from './attempts.ts';
import { wholeResponse } from './classify.ts';
import type { RetryDecision } from './decide.ts';
import { retryWaitMs } from './delay.ts';
import type { Progress } from './progress.ts';

/** The decision to repeat an attempt. */
export type Repetition = Extract<RetryDecision, { action: 'retry' }>;

/**
 * Waits until the next attempt may be sent: as long as the server asked, or backing off, and then in line. False where it may not be sent;
 * `progress.refusal` is then what to end with, if it is not the last failure.
 */
export async function turnComes(
  plan: AttemptPlan,
  progress: Progress,
  decision: Repetition,
  error: AxiosError,
): Promise<boolean> {
  if (!isRepeatable(plan.config.data) && plan.body.remake === undefined) {
    const cause = rehome(error, plan.config);
    progress.refusal = new BodyNotRepeatableError({ ...factsOf(plan.limits.history), cause });
    return false;
  }
  return (
    mayRetryUnasked(plan, progress, decision, error) && (await waitForTurn(plan, progress, decision, error))
  );
}

/** A retry that the server asked for is limited by the deadline only; others are counted, and budgeted. */
function mayRetryUnasked(
  plan: AttemptPlan,
  progress: Progress,
  decision: Repetition,
  error: AxiosError,
): boolean {
  if (decision.askedMs !== undefined) return true;
  const { maxRetries, runtime } = plan.options;
  const counted = progress.unaskedRetries < maxRetries;
  if (counted && plan.lanes.budgetOf(plan.target).withdraw(runtime.steadyMs())) {
    progress.unaskedRetries += 1;
    return true;
  }
  // An answer that came is the caller's to read. Without one, only this tells why it ended.
  if (wholeResponse(error) === undefined) {
    const { history } = plan.limits;
    const limit = counted ? 'the retry budget of this client is used up' : `maxRetries is ${maxRetries}`;
    const message = `No answer in ${history.attempts} attempts, and ${limit}: ${error.message}`;
    progress.refusal = new RetriesExhaustedError(message, {
      ...factsOf(history),
      retryable: true,
      cause: rehome(error, plan.config),
    });
  }
  return false;
}

async function waitForTurn(
  plan: AttemptPlan,
  progress: Progress,
  decision: Repetition,
  error: AxiosError,
): Promise<boolean> {
  const { limits, options } = plan;
  const { history } = limits;
  const { runtime } = options;
  const waitMs = retryWaitMs(options, history.attempts, decision.askedMs, runtime.random());
  if (waitMs >= limits.remainingMs()) {
    progress.refusal = new DeadlineExceededError(
      `The next attempt (${decision.reason}) would come in ${Math.ceil(waitMs)} ms, after the deadline of ${options.deadlineMs} ms.`,
      {
        ...factsOf(history),
        retryable: true,
        retryAt: laterBy(runtime.wallMs(), Math.max(waitMs, decision.askedMs ?? 0)),
        cause: rehome(error, plan.config),
      },
    );
    return false;
  }
  discard(error.response?.data);
  const startedAtMs = runtime.steadyMs();
  const { status } = error.response ?? {};
  const why = (): StepFacts => ({ why: decision.reason, waitMs: Math.round(waitMs), target: plan.target });
  if (!(await traced(options.onLog, 'wait', why, () => wait(runtime, waitMs, limits.signal)))) return false;
  try {
    progress.pass = await plan.lanes.enter(plan.target, limits);
  } catch (refusal) {
    progress.refusal = refusal instanceof Error ? refusal : undefined;
    return false;
  }
  const inLineMs = runtime.steadyMs() - startedAtMs - waitMs;
  const waitedMs = progress.pass.hadToWait ? waitMs + Math.max(0, inLineMs) : waitMs;
  noteWait(history, waitedMs);
  progress.notice = { reason: decision.reason, waitedMs, status };
  return true;
}

const latestDateMs = 8.64e15;

/** That many milliseconds later, at most the last instant that a Date can hold. */
export function laterBy(wallMs: number, waitMs: number): Date {
  return new Date(Math.min(latestDateMs, wallMs + waitMs));
}
