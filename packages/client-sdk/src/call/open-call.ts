import type { DeferralResource } from '@slackwater/shared';
import {
  type AxiosInstance,
  type AxiosRequestConfig,
  type InternalAxiosRequestConfig,
  isCancel,
} from 'axios';
import { canStream } from '../deferral/can-stream.ts';
import { detectDeferral } from '../deferral/detect.ts';
import type { DeferralSession } from '../deferral/session.ts';
import type { Settlement } from '../deferral/settlement.ts';
import { statusSender } from '../deferral/status-request.ts';
import { absoluteUrl } from '../deferral/status-url.ts';
import { type CallHistory, factsOf } from '../errors/facts.ts';
import { isClientError } from '../errors/guards.ts';
import { redact } from '../errors/redact.ts';
import type { ResolvedOptions } from '../options.ts';
import { loadProver } from '../proof/load-prover.ts';
import type { ReceiptBook } from '../proof/receipt-book.ts';
import { Again, Deferred } from '../retry/again.ts';
import { attempt, methodOf } from '../retry/attempt.ts';
import { nextEntered, repeatWithin, startWait, type Turn, throwIfEnded } from '../retry/attempts.ts';
import type { Lanes } from '../retry/lanes.ts';
import type { UnderWay } from '../retry/under-way.ts';
import { discard } from '../wire/discard.ts';
import { type Limits, type SignalLike, startLimits } from './limits.ts';
import { sentRequests } from './sent-request.ts';
import {
  answeredDirectly,
  type Provenance,
  type SlackwaterResponse,
  settle,
  unknownOutcome,
} from './settle.ts';

/** The instances and the lanes that all calls of a client share. */
export interface Machinery {
  /** The caller's instance: its defaults, interceptors and adapter. */
  readonly instance: AxiosInstance;
  /** Repeats attempts of calls that run through the caller's instance. */
  readonly inner: AxiosInstance;
  /** The same by the caller's defaults, for calls that need not run through the instance as it has no interceptors; undefined where somebody else made it. */
  readonly direct: AxiosInstance | undefined;
  /** Asks for status and outcome. */
  readonly bare: AxiosInstance;
  readonly lanes: Lanes;
  /** What is kept of proofs. */
  readonly book: ReceiptBook;
}

/** Waits for a deferral in the name of a call. */
export type Finish = (
  session: DeferralSession,
  limits: Limits,
  signals: readonly (SignalLike | undefined)[],
) => Promise<Settlement>;

/** What calls are sent with. */
export interface Sending {
  readonly machinery: Machinery;
  readonly options: ResolvedOptions;
  readonly finish: Finish;
  /** What makes a config that goes back to its caller a whole call again. */
  readonly makeWhole: (
    sending: Sending,
    request: AxiosRequestConfig<unknown>,
    adapter: AxiosRequestConfig['adapter'],
  ) => Partial<AxiosRequestConfig<unknown>>;
}

/** Sends a call until it is answered, and follows it where it is deferred. Resolves with what axios makes of the final response. */
export async function performCall(call: UnderWay): Promise<unknown> {
  const { limits } = call;
  const { lanes } = call.sending.machinery;
  lanes.budgetOf(call.target).deposit();
  try {
    const entered = lanes.enter(call.target, limits);
    call.pass = entered instanceof Promise ? await entered : entered;
    for (;;) {
      const end = await onePass(call);
      if (end.kind === 'done') return end.response;
      if (end.kind === 'deferred')
        return await followed(call, end.session, await settlementOf(call, end.session));
      // Here calls wait by the thousand: one more function that waits costs each of them a third more.
      await startWait(call, end);
      throwIfEnded(call);
      await nextEntered(call, end);
    }
  } catch (error) {
    throw failureFor(call, error);
  } finally {
    call.pass?.lost();
    limits.release();
  }
}

/** axios's own words for a cancellation don't say what was tried. */
function failureFor({ limits, passage }: UnderWay, error: unknown): unknown {
  const ended = isCancel(error) && !isClientError(error) ? limits.endedBy({ cause: error }) : undefined;
  return passage.failure(ended ?? error);
}

type PassEnd =
  | { readonly kind: 'done'; readonly response: unknown }
  | ({ readonly kind: 'again' } & Turn)
  | { readonly kind: 'deferred'; readonly session: DeferralSession };

/** What comes of it holds nothing of axios, but for a response. */
async function onePass(call: UnderWay): Promise<PassEnd> {
  try {
    const response = await call.passage.through((passed) => answered(call, passed), repeatWithin(call));
    return { kind: 'done', response };
  } catch (error) {
    if (error instanceof Deferred) return { kind: 'deferred', session: error.session };
    if (!(error instanceof Again)) throw error;
    if (error.end !== undefined) throw error.end;
    const { waitMs, reason, status } = error;
    return { kind: 'again', waitMs, reason, status };
  }
}

/** The end of a pass: an answer that is the final response, or else what it is instead. */
async function answered(
  call: UnderWay,
  passed: InternalAxiosRequestConfig<unknown>,
): Promise<SlackwaterResponse> {
  const response = await attempt(call, passed);
  if ('slackwater' in response) return given(call, response as SlackwaterResponse);
  const { limits, passage } = call;
  const { machinery, options } = call.sending;
  const { config } = response;
  const requestUrl = (): URL => absoluteUrl(machinery.instance.getUri(config));
  const sighting = await detectDeferral(response, requestUrl, options);
  if (sighting.kind === 'none')
    return given(call, settle(config, response, answeredDirectly(limits.history), factsOf(limits.history)));
  const { id, statusUrl, outcomeUrl } = sighting;
  const prover = await loadProver();
  const session = new prover.DeferralSession({
    id,
    statusUrl: statusUrl.href,
    outcomeUrl: outcomeUrl?.href,
    method: methodOf(config),
    sent: call.redirected ? [] : sentRequests(config, requestUrl()),
    send: statusSender(machinery.bare, passage, call.adapter, options),
    streams: canStream(call.adapter),
    prover,
    book: machinery.book,
    options,
  });
  if (sighting.kind === 'acknowledged') {
    followReversal(session, options, limits.signals);
    const provenance = { ...answeredDirectly(limits.history), resume: session.resume };
    return given(call, settle(config, response, provenance, factsOf(limits.history)));
  }
  discard(response.data);
  if (sighting.resource !== undefined) session.accept(sighting.resource, sighting.askedMs);
  throw new Deferred(session);
}

function settlementOf({ limits, sending }: UnderWay, session: DeferralSession): Promise<Settlement> {
  const { options, finish } = sending;
  options.onDeferred?.({ id: session.id, resume: session.resume });
  return finish(session, limits, limits.signals);
}

async function followed(call: UnderWay, session: DeferralSession, settlement: Settlement): Promise<unknown> {
  const { limits, passage } = call;
  await session.isKept;
  return await passage.deliver(async (passed) =>
    given(call, settleDeferral(passage.shown(passed), session, settlement, limits.history)),
  );
}

function given({ passage }: UnderWay, response: SlackwaterResponse): SlackwaterResponse {
  passage.clear(response.config);
  return response;
}

/** Follows a deferral whose success was told, for those who want to know when it is undone. Trouble ends that quietly. */
function followReversal(
  session: DeferralSession,
  { onReversed, runtime }: ResolvedOptions,
  signals: readonly (SignalLike | undefined)[],
): void {
  if (onReversed === undefined) return;
  const limits = startLimits(runtime, Number.POSITIVE_INFINITY, signals);
  session
    .untilOver(limits)
    .then((end) => (end.reversal?.reversed === true ? onReversed(end) : undefined))
    .catch(() => {})
    .finally(() => limits.release());
}

/** Ends a call by what became of its deferral. */
export function settleDeferral(
  config: InternalAxiosRequestConfig<unknown>,
  session: DeferralSession,
  settlement: Settlement,
  history: CallHistory,
): SlackwaterResponse {
  const provenance: Provenance = {
    attempts: history.attempts,
    waitsMs: [...history.waitsMs],
    outcomeKnown: settlement.kind === 'outcome',
    deferral: session.resource === undefined ? undefined : withoutCapability(session.resource),
    receipt: session.resource?.receipt,
    receiptVerified: session.receiptVerified,
    resume: undefined,
  };
  if (settlement.kind === 'outcome-unknown')
    return settle(config, unknownOutcome(), provenance, factsOf(history));
  // The request object of the outcome's GET would show the capability to whoever logs the response.
  return settle(config, { ...settlement.response, request: undefined }, provenance, factsOf(history));
}

/** Responses are logged, and the capability of a settled deferral still opens its outcome. */
function withoutCapability(resource: DeferralResource): DeferralResource {
  return { ...resource, resourceLocation: redact(resource.resourceLocation) };
}

/** The caller's signals in a config: axios's `signal` and its older `cancelToken`. */
export function signalsOf(
  config: Pick<AxiosRequestConfig<unknown>, 'signal' | 'cancelToken'>,
): readonly (SignalLike | undefined)[] {
  const { signal, cancelToken } = config;
  if (signal === undefined && cancelToken === undefined) return none;
  // axios's type of the method is absent from older ones.
  return [signal as SignalLike | undefined, cancelToken?.toAbortSignal()];
}

const none: readonly undefined[] = [];
