import { headerNames, keysKept } from '@slackwater/shared';
import { type AxiosResponse, type InternalAxiosRequestConfig, isAxiosError } from 'axios';
import { isConsumed } from '../call/body.ts';
import { methodOf } from '../call/method.ts';
import { answeredDirectly, type SlackwaterResponse, settle, unknownOutcome } from '../call/settle.ts';
import { factsOf } from '../errors/facts.ts';
import { noteFailureFacts } from '../errors/guards.ts';
import { errorOfAnswer, type FailedAttempt, KeptFailure } from '../errors/last-failure.ts';
import { BodyNotRepeatableError } from '../errors/waiting.ts';
import { type StepFacts, traced } from '../telemetry.ts';
import { discard } from '../wire/discard.ts';
import { copyOf, headerOf } from '../wire/headers.ts';
import { Again } from './again.ts';
import { type Classified, classifyAnswer, classifySilence, wholeResponse } from './classify.ts';
import { credentialed } from './credentials.ts';
import { decideRetry, type Failure, isRepeatableCall, type RetryFacts } from './decide.ts';
import { timedAdapter } from './timed-adapter.ts';
import { laterBy, nextTurn } from './turn.ts';
import type { UnderWay } from './under-way.ts';

/**
 * One attempt of a call, at the end of a pass through axios. Resolves with an answer that is no error; an error that is final ends as axios would end
 * it.
 *
 * @throws Again where it is to be repeated; the typed errors of an ended wait; AxiosErrors.
 */
export async function attempt(
  call: UnderWay,
  passed: InternalAxiosRequestConfig<unknown>,
): Promise<AxiosResponse<unknown>> {
  const config = call.passage.shown(passed);
  begin(call, passed.data);
  let response: AxiosResponse<unknown> | undefined;
  let error: unknown;
  try {
    response = await sendOnce(call, config, passed.data);
  } catch (failure) {
    error = rehome(failure, config);
    response = wholeResponse(failure);
  }
  if (response !== undefined) {
    response.config = config;
    if (headerOf(response, headerNames.keys) === keysKept) call.sending.machinery.lanes.noteKeys(call.target);
  }
  if (response !== undefined && response.status < 400) {
    call.pass?.answered();
    return response;
  }
  return await failed(call, { passed, config, response, error });
}

interface Failed extends FailedAttempt {
  readonly passed: InternalAxiosRequestConfig<unknown>;
}

function begin(call: UnderWay, data: unknown): void {
  const { history } = call.limits;
  if (history.attempts === 0 && isConsumed(data)) throw new BodyNotRepeatableError();
  history.attempts += 1;
  call.redirected = false;
  const { notice } = call;
  call.notice = undefined;
  if (notice !== undefined) call.sending.options.onRetry?.({ retry: history.attempts - 1, ...notice });
}

/** Nothing that an adapter writes into its config is shared with another attempt or with the caller. */
function sendOnce(
  call: UnderWay,
  config: InternalAxiosRequestConfig<unknown>,
  data: unknown,
): Promise<AxiosResponse<unknown>> {
  const { limits, adapter, sending } = call;
  const { options } = sending;
  const timeout = config.timeout || options.attemptTimeoutMs;
  const own: InternalAxiosRequestConfig<unknown> = {
    ...config,
    data,
    headers: copyOf(config.headers),
    validateStatus: (status) => status < 400,
    // Our own limit holds for all but what follows the head of a stream; a second timer at the socket costs more than the rest of it.
    timeout: config.responseType === 'stream' ? timeout : (config.timeout ?? 0),
    beforeRedirect: (...redirect) => {
      call.redirected = true;
      config.beforeRedirect?.(...redirect);
    },
  };
  // A member that is deleted makes all that reads the others slower.
  if (own.cancelToken !== undefined) delete own.cancelToken;
  const named = credentialed(adapter, options.credentials);
  const send = timedAdapter(named, options.runtime, timeout, (end) => limits.onEnd(end, timeout));
  const facts = (): StepFacts => ({
    method: methodOf(config),
    url: config.url,
    attempt: limits.history.attempts,
  });
  return traced(options.onLog, 'attempt', facts, () => send(own));
}

async function failed(call: UnderWay, at: Failed): Promise<SlackwaterResponse> {
  const { limits } = call;
  const { options } = call.sending;
  const { history } = limits;
  const { config, response } = at;
  const ended = limits.endedBy({
    cause: history.last?.error ?? at.error,
    retryable: isRepeatableCall(factsFor(call, config)),
  });
  if (ended !== undefined) throw ended;
  const { failure, problem } = await classified(call, at);
  const wallMs = options.runtime.wallMs();
  if (failure.kind === 'answered' && failure.recorded === 'unknown') call.serverKeepsKeys = true;
  tellLane(call, failure);
  const decision = decideRetry(failure, factsFor(call, config));
  if (mayHaveBeenDone(failure)) call.answerLost = true;
  const before = history.last?.problem;
  const error = response === undefined ? at.error : (at.error ?? errorOfAnswer(config, response));
  history.last = { error, problem: problem ?? before };
  if (decision.action === 'retry') {
    const turn = nextTurn(call, decision, response !== undefined);
    if (turn.comes) {
      history.last = new KeptFailure({ config, response, error }, problem, call.passage, before);
      discard(response?.data);
      throw new Again(turn.inMs, decision.reason, response?.status, at.passed);
    }
    if (turn.end !== undefined) throw turn.end;
  }
  const askedMs = failure.kind === 'answered' ? failure.askedMs : undefined;
  const facts = factsOf(history, {
    retryable: decision.action === 'retry',
    retryAt: askedMs === undefined ? undefined : laterBy(wallMs, askedMs),
  });
  if (decision.action === 'stop' && decision.reason === 'performed-before') {
    return settle(
      config,
      unknownOutcome(),
      { ...answeredDirectly(history), outcomeKnown: false },
      () => facts,
    );
  }
  if (response !== undefined) return settle(config, response, answeredDirectly(history), () => facts);
  noteFailureFacts(at.error, facts);
  throw at.error;
}

async function classified(call: UnderWay, { response, error }: Failed): Promise<Classified> {
  if (response !== undefined) return await classifyAnswer(response, call.sending.options.runtime.wallMs());
  return { failure: classifySilence(error, call.redirected), problem: undefined };
}

function factsFor(call: UnderWay, config: InternalAxiosRequestConfig<unknown>): RetryFacts {
  return {
    method: methodOf(config),
    keyed: Boolean(config.headers.get(headerNames.idempotencyKey)),
    serverKeepsKeys: call.serverKeepsKeys || call.sending.machinery.lanes.keepsKeys(call.target),
    answerLostBefore: call.answerLost,
  };
}

function tellLane(call: UnderWay, failure: Failure): void {
  const { pass, sending, target } = call;
  if (pass === undefined) return;
  if (failure.kind !== 'answered') pass.lost();
  else if (failure.lane === undefined || failure.askedMs === undefined) pass.answered();
  else {
    const askedMs = Math.min(failure.askedMs, sending.options.retryAfterCapMs);
    sending.machinery.lanes.refused(target, failure.lane, pass, askedMs);
  }
}

/** A 502 or 504 of something in between hides what the server did as well as a lost connection does. */
function mayHaveBeenDone(failure: Failure): boolean {
  if (failure.kind === 'answer-lost') return true;
  if (failure.kind !== 'answered') return false;
  return failure.recorded === 'unknown' || (failure.status >= 500 && !failure.fromSlackwater);
}

/** Gives an error of an attempt the call's config back, so that sending that config again starts afresh. */
function rehome(error: unknown, config: InternalAxiosRequestConfig<unknown>): unknown {
  if (!isAxiosError(error)) return error;
  error.config = config;
  if (error.response !== undefined) error.response.config = config;
  return error;
}
