import { type InternalAxiosRequestConfig, isCancel } from 'axios';
import { detectDeferral } from '../deferral/detect.ts';
import type { DeferralSession } from '../deferral/session.ts';
import type { Settlement } from '../deferral/settlement.ts';
import { absoluteUrl } from '../deferral/status-url.ts';
import { settlingTurn, type TurnEnd, untilOver } from '../deferral/until.ts';
import { factsOf } from '../errors/facts.ts';
import { isClientError } from '../errors/guards.ts';
import type { ResolvedOptions } from '../options.ts';
import { loadProver } from '../proof/load-prover.ts';
import { Again, Deferred } from '../retry/again.ts';
import { attempt } from '../retry/attempt.ts';
import { nextEntered, repeatWithin, startWait, type Turn, throwIfEnded } from '../retry/attempts.ts';
import type { Pass } from '../retry/lane.ts';
import type { UnderWay } from '../retry/under-way.ts';
import { discard } from '../wire/discard.ts';
import { type SignalLike, startLimits } from './limits.ts';
import { methodOf } from './method.ts';
import { sentRequests } from './sent-request.ts';
import { answeredDirectly, type SlackwaterResponse, settle } from './settle.ts';
import { settleDeferral } from './settle-deferral.ts';

/** Sends a call until it is answered, and follows it where it is deferred. Resolves with what axios makes of the final response. */
export async function performCall(call: UnderWay): Promise<unknown> {
  const { limits } = call;
  try {
    const entered = enterFirst(call);
    call.pass = entered instanceof Promise ? await entered : entered;
    for (;;) {
      const end = await onePass(call);
      if (end.kind === 'done') return over(call, end.response);
      if (end.kind === 'deferred') {
        let turn = begunTurn(call, end);
        // Here too: untilSettled does the same, and is one more function that waits.
        while (!('end' in turn)) {
          if (turn.waitMs > 0) {
            await end.startPause(limits, turn);
            end.throwIfEnded(limits);
          }
          turn = await nextTurn(call, end);
        }
        return over(call, await followed(call, end, turn.end));
      }
      // Here calls wait by the thousand: one more function that waits costs each of them a third more.
      await startWait(call, end);
      throwIfEnded(call);
      await nextEntered(call, end);
    }
  } catch (error) {
    throw failureFor(call, over(call, error));
  }
}

function enterFirst({ sending, target, limits }: UnderWay): Promise<Pass> | Pass {
  const { lanes } = sending.machinery;
  lanes.budgetOf(target).deposit();
  return lanes.enter(target, limits);
}

/** Gives back what a call holds. A `finally` would have it hold more while it waits. */
function over(call: UnderWay, end: unknown): unknown {
  call.pass?.lost();
  call.limits.release();
  return end;
}

/** axios's own words for a cancellation don't say what was tried. */
function failureFor({ limits, passage }: UnderWay, error: unknown): unknown {
  const ended = isCancel(error) && !isClientError(error) ? limits.endedBy({ cause: error }) : undefined;
  return passage.failure(ended ?? error);
}

type PassEnd =
  | { readonly kind: 'done'; readonly response: unknown }
  | ({ readonly kind: 'again' } & Turn)
  | DeferralSession;

/** What comes of it holds nothing of axios, but for a response. */
async function onePass(call: UnderWay): Promise<PassEnd> {
  try {
    const response = await call.passage.through((passed) => answered(call, passed), repeatWithin(call));
    return { kind: 'done', response };
  } catch (error) {
    if (error instanceof Deferred) return error.session;
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
  const { limits } = call;
  const { machinery, options } = call.sending;
  const { config } = response;
  const requestUrl = (): URL => absoluteUrl(machinery.instance.getUri(config));
  const sighting = await detectDeferral(response, requestUrl, options);
  if (sighting.kind === 'none')
    return given(
      call,
      settle(config, response, answeredDirectly(limits.history), () => factsOf(limits.history)),
    );
  const { id, statusUrl, outcomeUrl } = sighting;
  const { DeferralSession } = await loadProver();
  const session = new DeferralSession({
    call,
    id,
    statusUrl: statusUrl.href,
    outcomeUrl: outcomeUrl?.href,
    method: methodOf(config),
    sent: call.redirected ? [] : sentRequests(config, requestUrl()),
    isWatched: call.sending.finish !== undefined || sighting.kind === 'acknowledged',
  });
  if (sighting.kind === 'acknowledged') {
    followReversal(session, options, limits.signals);
    const provenance = { ...answeredDirectly(limits.history), resume: session.resume };
    return given(
      call,
      settle(config, response, provenance, () => factsOf(limits.history)),
    );
  }
  discard(response.data);
  if (sighting.resource !== undefined) session.accept(sighting.resource, sighting.askedMs);
  throw new Deferred(session);
}

/** What is to be waited for before a deferral is asked for the first time. */
function begunTurn({ sending }: UnderWay, session: DeferralSession): TurnEnd<Settlement> {
  const { options, finish } = sending;
  options.onDeferred?.({ id: session.id, resume: session.resume });
  return finish === undefined ? session.firstPause() : atOnce;
}

const atOnce = { waitMs: 0, why: '' } as const;

function nextTurn({ limits, sending }: UnderWay, session: DeferralSession): Promise<TurnEnd<Settlement>> {
  const { options, finish } = sending;
  if (finish === undefined) return settlingTurn(session, limits, options.pollWaitMs);
  return finish(session, limits, limits.signals).then(asEnd);
}

const asEnd = (end: Settlement): TurnEnd<Settlement> => ({ end });

async function followed(call: UnderWay, session: DeferralSession, settlement: Settlement): Promise<unknown> {
  const { limits, passage } = call;
  await session.proofKept();
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
  { onReversed, runtime, pollWaitMs }: ResolvedOptions,
  signals: readonly (SignalLike | undefined)[],
): void {
  if (onReversed === undefined) return;
  const limits = startLimits(runtime, Number.POSITIVE_INFINITY, signals);
  untilOver(session, limits, pollWaitMs)
    .then((end) => (end.reversal?.reversed === true ? onReversed(end) : undefined))
    .catch(() => {})
    .finally(() => limits.release());
}
