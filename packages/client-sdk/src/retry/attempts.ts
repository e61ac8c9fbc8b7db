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
import { type FailureFacts, factsOf } from '../errors/facts.ts';
import { isClientError, noteFailureFacts } from '../errors/guards.ts';
import { BodyNotRepeatableError } from '../errors/waiting.ts';
import type { ResolvedOptions } from '../options.ts';
import { attemptConfig, methodOf, rehome } from './attempt-config.ts';
import { classifyFailure, wholeResponse } from './classify.ts';
import { decideRetry, type Failure, isRepeatableCall, type RetryFacts } from './decide.ts';
import type { Lanes } from './lanes.ts';
import { newProgress, type Progress } from './progress.ts';
import { laterBy, turnComes } from './turn.ts';

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
  readonly lanes: Lanes;
  /** What lanes are found by: see `targetOf`. */
  readonly target: string;
  readonly limits: Limits;
}

/** The last answer; `performed-before`: it says that an earlier attempt, whose answer was lost, has done the work. */
export interface Sent {
  readonly kind: 'answered' | 'performed-before';
  readonly response: AxiosResponse<unknown>;
  /** Whether a redirect was followed on the way to it. */
  readonly redirected: boolean;
  /** What is known of it, should it be an error. */
  readonly facts: FailureFacts;
}

/** An instance without anybody's interceptors, on which axios-retry repeats what {@link sendUntilAnswered} sends. */
export function retryingInstance(): AxiosInstance {
  const instance = axios.create();
  instance.defaults.headers.common = {};
  axiosRetry(instance, { retries: 0 });
  return instance;
}

/**
 * Sends a request until it is answered or must not be sent again. Resolves with the last answer, whatever its
 * status.
 *
 * @throws the typed errors of an ended wait; the AxiosError of an attempt that got no answer and is not repeated.
 */
export async function sendUntilAnswered(plan: AttemptPlan): Promise<Sent> {
  if (isConsumed(plan.config.data)) throw new BodyNotRepeatableError();
  const { history } = plan.limits;
  const progress = newProgress(plan.options.serverKeepsKeys);
  plan.lanes.budgetOf(plan.target).deposit();
  try {
    const pass = plan.lanes.enter(plan.target, plan.limits);
    progress.pass = pass instanceof Promise ? await pass : pass;
    history.attempts += 1;
    progress.underWay = true;
    const response = await plan.inner.request<unknown, AxiosResponse<unknown>>({
      ...nextAttempt(plan, progress, plan.config.data),
      'axios-retry': loopOptions(plan, progress),
    });
    progress.pass.answered();
    return { kind: 'answered', response, redirected: progress.redirected, facts: factsOf(history) };
  } catch (error) {
    return endOf(plan, progress, error);
  } finally {
    progress.pass?.lost();
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
      const { history } = plan.limits;
      history.attempts += 1;
      progress.underWay = true;
      progress.redirected = false;
      const { data } = plan.config;
      Object.assign(config, nextAttempt(plan, progress, isRepeatable(data) ? data : plan.body.remake?.()));
      if (progress.notice !== undefined)
        plan.options.onRetry?.({ retry: history.attempts - 1, ...progress.notice });
    },
  };
}

function nextAttempt(plan: AttemptPlan, progress: Progress, data: unknown): AxiosRequestConfig<unknown> {
  return attemptConfig(plan.config, {
    data,
    adapter: plan.adapter,
    signal: plan.limits.signal,
    runtime: plan.options.runtime,
    log: plan.options.onLog,
    nth: plan.limits.history.attempts,
    timeoutMs: plan.options.attemptTimeoutMs,
    onRedirect: () => {
      progress.redirected = true;
    },
  });
}

async function shouldRepeat(plan: AttemptPlan, progress: Progress, error: AxiosError): Promise<boolean> {
  if (plan.limits.signal.aborted) return false;
  progress.underWay = false;
  const { runtime } = plan.options;
  const { failure, problem } = await classifyFailure(error, progress.redirected, runtime.wallMs());
  if (problem !== undefined) plan.limits.history.problem = problem;
  plan.limits.history.lastError = rehome(error, plan.config);
  if (failure.kind === 'answered' && failure.recorded === 'unknown') progress.serverKeepsKeys = true;
  tellLane(plan, progress, failure);
  const decision = decideRetry(failure, factsFor(plan, progress));
  progress.retryable = decision.action === 'retry';
  const askedMs = failure.kind === 'answered' ? failure.askedMs : undefined;
  progress.retryAt = askedMs === undefined ? undefined : laterBy(runtime.wallMs(), askedMs);
  if (mayHaveBeenDone(failure)) progress.answerLost = true;
  if (decision.action === 'stop') {
    progress.performedBefore = decision.reason === 'performed-before';
    return false;
  }
  return await turnComes(plan, progress, decision, error);
}

function factsFor(plan: AttemptPlan, progress: Progress): RetryFacts {
  return {
    method: methodOf(plan.config),
    keyed: Boolean(plan.config.headers.get(headerNames.idempotencyKey)),
    serverKeepsKeys: progress.serverKeepsKeys,
    answerLostBefore: progress.answerLost,
  };
}

function tellLane({ lanes, target, options }: AttemptPlan, { pass }: Progress, failure: Failure): void {
  if (pass === undefined) return;
  if (failure.kind !== 'answered') pass.lost();
  else if (failure.lane === undefined || failure.askedMs === undefined) pass.answered();
  else lanes.refused(target, failure.lane, pass, Math.min(failure.askedMs, options.retryAfterCapMs));
}

/** A 502 or 504 of something in between hides what the server did as well as a lost connection does. */
function mayHaveBeenDone(failure: Failure): boolean {
  if (failure.kind === 'answer-lost') return true;
  if (failure.kind !== 'answered') return false;
  return failure.recorded === 'unknown' || (failure.status >= 500 && !failure.fromSlackwater);
}

function endOf(plan: AttemptPlan, progress: Progress, error: unknown): Sent {
  // What ended the wait in line, before or between attempts.
  if (isClientError(error)) throw error;
  if (progress.refusal !== undefined) throw progress.refusal;
  const failure = rehome(error, plan.config);
  const { limits } = plan;
  // What is under way may be done although nobody waits for its answer.
  const retryable = progress.underWay ? isRepeatableCall(factsFor(plan, progress)) : progress.retryable;
  const ended = limits.endedBy({ cause: limits.history.lastError ?? failure, retryable });
  if (ended !== undefined) throw ended;
  const facts = factsOf(limits.history, { retryable, retryAt: progress.retryAt });
  noteFailureFacts(failure, facts);
  const response = wholeResponse(error);
  if (response === undefined) throw failure;
  const kind = progress.performedBefore ? 'performed-before' : 'answered';
  return { kind, response, redirected: progress.redirected, facts };
}
