import { headerNames } from '@slackwater/shared';
import axios, {
  type AxiosError,
  type AxiosInstance,
  type AxiosRequestConfig,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
} from 'axios';
import axiosRetry from 'axios-retry';
import { type BodySource, isConsumed, isRepeatable } from '../call/body.ts';
import type { Limits } from '../call/limits.ts';
import { BodyNotRepeatableError, DeadlineExceededError, RetriesExhaustedError } from '../errors.ts';
import type { ResolvedOptions, RetryNotice } from '../options.ts';
import { wait } from '../runtime.ts';
import { discard } from '../wire/discard.ts';
import { attemptConfig, methodOf, rehome } from './attempt-config.ts';
import type { RetryBudget } from './budget.ts';
import { classifyFailure, wholeResponse } from './classify.ts';
import { decideRetry, type Failure, type RetryDecision } from './decide.ts';
import { retryWaitMs } from './delay.ts';

/** Everything that sending a request until it is answered takes. */
export interface AttemptPlan {
  /** An instance of {@link retryingInstance}. */
  readonly inner: AxiosInstance;
  /** The call's config, after the caller's interceptors and transformations. */
  readonly config: InternalAxiosRequestConfig<unknown>;
  /** The adapter that really sends. */
  readonly adapter: AxiosRequestConfig['adapter'];
  readonly body: BodySource;
  readonly options: ResolvedOptions;
  readonly budget: RetryBudget;
  readonly limits: Limits;
}

/** The last answer; `performed-before`: it says that an earlier attempt, whose answer was lost, has done the work. */
export interface Sent {
  readonly kind: 'answered' | 'performed-before';
  readonly response: AxiosResponse<unknown>;
  readonly attempts: number;
}

/** An instance without anybody's interceptors, on which axios-retry repeats what {@link sendUntilAnswered} sends. */
export function retryingInstance(): AxiosInstance {
  const instance = axios.create();
  instance.defaults.headers.common = {};
  axiosRetry(instance, { retries: 0 });
  return instance;
}

/** What is known of a call so far. */
interface Progress {
  attempts: number;
  unaskedRetries: number;
  answerLost: boolean;
  serverKeepsKeys: boolean;
  redirected: boolean;
  performedBefore: boolean;
  /** The error to end with instead of the last failure. */
  refusal: Error | undefined;
  notice: Omit<RetryNotice, 'retry'> | undefined;
}

type Repetition = Extract<RetryDecision, { action: 'retry' }>;

/**
 * Sends a request until it is answered or must not be sent again. Resolves with the last answer, whatever its
 * status.
 *
 * @throws the typed errors of an ended wait; the AxiosError of an attempt that got no answer and is not repeated.
 */
export async function sendUntilAnswered(plan: AttemptPlan): Promise<Sent> {
  if (isConsumed(plan.config.data)) throw new BodyNotRepeatableError();
  const progress: Progress = {
    attempts: 1,
    unaskedRetries: 0,
    answerLost: false,
    serverKeepsKeys: plan.options.serverKeepsKeys,
    redirected: false,
    performedBefore: false,
    refusal: undefined,
    notice: undefined,
  };
  plan.budget.deposit();
  try {
    const response = await plan.inner.request<unknown, AxiosResponse<unknown>>({
      ...nextAttempt(plan, progress, plan.config.data),
      'axios-retry': loopOptions(plan, progress),
    });
    return { kind: 'answered', response, attempts: progress.attempts };
  } catch (error) {
    return endOf(plan, progress, error);
  }
}

/**
 * axios-retry as the loop and nothing else: decision, wait and count are ours, because its own ignore
 * Retry-After, overflow timers and go on after an abort. The wait happens inside the condition, so that an
 * abort ends it without another attempt, and `onRetry` is called for attempts that are really made.
 */
function loopOptions(plan: AttemptPlan, progress: Progress): NonNullable<AxiosRequestConfig['axios-retry']> {
  return {
    retries: Number.POSITIVE_INFINITY,
    shouldResetTimeout: true,
    retryDelay: () => 0,
    retryCondition: (error) => shouldRepeat(plan, progress, error),
    onRetry: (_count, _error, config) => {
      progress.attempts += 1;
      progress.redirected = false;
      const { data } = plan.config;
      Object.assign(config, nextAttempt(plan, progress, isRepeatable(data) ? data : plan.body.remake?.()));
      if (progress.notice !== undefined)
        plan.options.onRetry?.({ retry: progress.attempts - 1, ...progress.notice });
    },
  };
}

function nextAttempt(plan: AttemptPlan, progress: Progress, data: unknown): AxiosRequestConfig<unknown> {
  return attemptConfig(plan.config, {
    data,
    adapter: plan.adapter,
    signal: plan.limits.signal,
    timeoutMs: plan.options.attemptTimeoutMs,
    onRedirect: () => {
      progress.redirected = true;
    },
  });
}

async function shouldRepeat(plan: AttemptPlan, progress: Progress, error: AxiosError): Promise<boolean> {
  if (plan.limits.signal.aborted) return false;
  const failure = await classifyFailure(error, progress.redirected, plan.options.runtime.wallMs());
  if (failure.kind === 'answered' && failure.recorded === 'unknown') progress.serverKeepsKeys = true;
  const decision = decideRetry(failure, {
    method: methodOf(plan.config),
    keyed: Boolean(plan.config.headers.get(headerNames.idempotencyKey)),
    serverKeepsKeys: progress.serverKeepsKeys,
    answerLostBefore: progress.answerLost,
  });
  if (mayHaveBeenDone(failure)) progress.answerLost = true;
  if (decision.action === 'stop') {
    progress.performedBefore = decision.reason === 'performed-before';
    return false;
  }
  if (!isRepeatable(plan.config.data) && plan.body.remake === undefined) {
    progress.refusal = new BodyNotRepeatableError(rehome(error, plan.config));
    return false;
  }
  return (
    mayRetryUnasked(plan, progress, decision, error) && (await waitForTurn(plan, progress, decision, error))
  );
}

/** A 502 or 504 of something in between hides what the server did as well as a lost connection does. */
function mayHaveBeenDone(failure: Failure): boolean {
  if (failure.kind === 'answer-lost') return true;
  if (failure.kind !== 'answered') return false;
  return failure.recorded === 'unknown' || (failure.status >= 500 && !failure.fromSlackwater);
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
  if (counted && plan.budget.withdraw(runtime.steadyMs())) {
    progress.unaskedRetries += 1;
    return true;
  }
  // An answer that came is the caller's to read. Without one, only this tells why it ended.
  if (wholeResponse(error) === undefined) {
    const limit = counted ? 'the retry budget of this client is used up' : `maxRetries is ${maxRetries}`;
    const message = `No answer in ${progress.attempts} attempts, and ${limit}: ${error.message}`;
    progress.refusal = new RetriesExhaustedError(message, progress.attempts, rehome(error, plan.config));
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
  const { runtime } = options;
  const waitMs = retryWaitMs(options, progress.attempts, decision.askedMs, runtime.random());
  if (waitMs >= limits.remainingMs()) {
    progress.refusal = new DeadlineExceededError(
      `The next attempt (${decision.reason}) would come in ${Math.ceil(waitMs)} ms, after the deadline of ${options.deadlineMs} ms.`,
      {
        retryAt: laterBy(runtime.wallMs(), Math.max(waitMs, decision.askedMs ?? 0)),
        cause: rehome(error, plan.config),
      },
    );
    return false;
  }
  discard(error.response?.data);
  progress.notice = { reason: decision.reason, waitedMs: waitMs, status: error.response?.status };
  return await wait(runtime, waitMs, limits.signal);
}

const latestDateMs = 8.64e15;

/** That many milliseconds later, at most the last instant that a Date can hold. */
function laterBy(wallMs: number, waitMs: number): Date {
  return new Date(Math.min(latestDateMs, wallMs + waitMs));
}

function endOf(plan: AttemptPlan, progress: Progress, error: unknown): Sent {
  const failure = rehome(error, plan.config);
  const ended = plan.limits.endedBy({ cause: failure });
  if (ended !== undefined) throw ended;
  if (progress.refusal !== undefined) throw progress.refusal;
  const response = wholeResponse(error);
  if (response === undefined) throw failure;
  const kind = progress.performedBefore ? 'performed-before' : 'answered';
  return { kind, response, attempts: progress.attempts };
}
