import type { DeferralResource } from '@slackwater/shared';
import type { AxiosAdapter, AxiosInstance, AxiosRequestConfig, InternalAxiosRequestConfig } from 'axios';
import { detectDeferral } from '../deferral/detect.ts';
import { canStream } from '../deferral/follow.ts';
import { DeferralSession } from '../deferral/session.ts';
import type { Settlement } from '../deferral/settlement.ts';
import { statusSender } from '../deferral/status-request.ts';
import { absoluteUrl } from '../deferral/status-url.ts';
import { type CallHistory, factsOf } from '../errors/facts.ts';
import { redact } from '../errors/redact.ts';
import type { ResolvedOptions } from '../options.ts';
import { loadProver } from '../proof/load-prover.ts';
import type { ReceiptBook } from '../proof/receipt-book.ts';
import { methodOf } from '../retry/attempt-config.ts';
import { sendUntilAnswered } from '../retry/attempts.ts';
import { targetOf } from '../retry/lane-name.ts';
import type { Lanes } from '../retry/lanes.ts';
import { discard } from '../wire/discard.ts';
import { type BodySource, isRepeatable, isSourceRepeatable } from './body.ts';
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
  /** Repeats attempts. */
  readonly inner: AxiosInstance;
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

/** What a call's adapter needs. */
export interface CallPlan {
  readonly machinery: Machinery;
  readonly options: ResolvedOptions;
  /** The adapter that really sends. */
  readonly adapter: AxiosRequestConfig['adapter'];
  /** How the body came about; asked when the body is needed again. */
  readonly body: (config: InternalAxiosRequestConfig<unknown>) => BodySource;
  readonly finish: Finish;
}

/**
 * The adapter under which a call runs through the caller's instance. To axios the whole call, with its retries and its
 * deferral, is one request with one response: interceptors and transformations run once, on what the caller means.
 */
export function callAdapter(plan: CallPlan): AxiosAdapter {
  return async (config: InternalAxiosRequestConfig<unknown>) => {
    const limits = startLimits(plan.options.runtime, plan.options.deadlineMs, signalsOf(config));
    const body = plan.body(config);
    try {
      return await perform(plan, config, body, limits);
    } catch (error) {
      // Whoever sends `error.config` again sends what the caller gave, not a stream that has been read.
      if (!isRepeatable(config.data) && body.remake !== undefined) config.data = body.given;
      throw error;
    } finally {
      limits.release();
    }
  };
}

async function perform(
  plan: CallPlan,
  config: InternalAxiosRequestConfig<unknown>,
  body: BodySource,
  limits: Limits,
): Promise<SlackwaterResponse> {
  const { machinery, options, adapter } = plan;
  const { inner, lanes } = machinery;
  const { kind, response, facts, redirected } = await sendUntilAnswered({
    inner,
    config,
    adapter,
    body,
    options,
    lanes,
    target: targetOf(config, options.route),
    limits,
  });
  const { history } = limits;
  if (kind === 'performed-before') {
    return settle(config, unknownOutcome(), { ...answeredDirectly(history), outcomeKnown: false }, facts);
  }
  const requestUrl = (): URL => absoluteUrl(machinery.instance.getUri(config));
  const sighting = await detectDeferral(response, requestUrl, options);
  if (sighting.kind === 'none') return settle(config, response, answeredDirectly(history), facts);
  const { id, statusUrl, outcomeUrl } = sighting;
  const send = statusSender(machinery.bare, config, adapter, options.runtime);
  const session = new DeferralSession({
    id,
    statusUrl,
    outcomeUrl,
    method: methodOf(config),
    sent: redirected ? [] : sentRequests(config, requestUrl()),
    send,
    streams: canStream(adapter),
    prover: await loadProver(),
    book: machinery.book,
    options,
  });
  if (sighting.kind === 'acknowledged') {
    followReversal(session, options, signalsOf(config));
    return settle(config, response, { ...answeredDirectly(history), resume: session.resume }, facts);
  }
  discard(response.data);
  if (sighting.resource !== undefined) session.accept(sighting.resource, sighting.askedMs);
  options.onDeferred?.({ id, resume: session.resume });
  return await settleDeferral(
    config,
    session,
    await plan.finish(session, limits, signalsOf(config)),
    history,
  );
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
export async function settleDeferral(
  config: InternalAxiosRequestConfig<unknown>,
  session: DeferralSession,
  settlement: Settlement,
  history: CallHistory,
): Promise<SlackwaterResponse> {
  await session.isKept;
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
export function signalsOf(config: InternalAxiosRequestConfig<unknown>): readonly (SignalLike | undefined)[] {
  return [config.signal, config.cancelToken?.toAbortSignal()];
}

/** Where the body can be made again from what the caller gave, how. */
export function bodySource(given: unknown, remake: () => unknown): BodySource {
  return { given, remake: isSourceRepeatable(given) ? remake : undefined };
}
