import type { ServerResponse } from 'node:http';
import { createProblem, parsePrefer, type ReasonCode } from '@slackwater/shared';
import type { NextFunction, Request } from 'express';
import { type DeferResult, defer, type KeepHeaders } from './defer.ts';
import { deferralResource, deferralUrls } from './deferral-resource.ts';
import { sendDeferred, sendSuccessAhead } from './deferred.ts';
import type { GateParts, Recorder } from './gate-parts.ts';
import { alreadyPerformed, isDone, KeyedRequests, type KeyedState } from './keyed-requests.ts';
import { ledgerTrouble } from './ledger-trouble.ts';
import { isPromise } from './maybe-async.ts';
import { performNow } from './perform-now.ts';
import type { RequestFacts } from './request-facts.ts';
import { partitionTag, sendRetryLater } from './retry-later.ts';
import { sendProblem } from './send.ts';

/** One request and its answer. */
export interface Exchange {
  readonly req: Request;
  readonly res: ServerResponse;
  readonly next: NextFunction;
}

/** A request that is to be judged, with what its key and its requester say. */
interface Candidate extends Exchange {
  readonly facts: RequestFacts;
  readonly requester: string | undefined;
  readonly keyed: KeyedState;
}

const withoutKey: KeyedState = { kind: 'unkeyed' };

/**
 * Makes the function that answers for requests from outside: it lets them through, or answers in their place. It is
 * asynchronous only where something must be waited for; what is let through by latency alone is not.
 */
export function requestJudge(
  parts: GateParts,
  keep: KeepHeaders,
  baseUrlOf: (req: Request) => string,
): (exchange: Exchange) => void {
  const { options, admissions, recorder, trouble } = parts;
  const keyedRequests = new KeyedRequests();

  function judge(exchange: Exchange, facts: RequestFacts): void {
    if (!facts.claimed) {
      exchange.next();
      return;
    }
    const { workType } = facts;
    if (workType.exempt) tellAndPass(exchange, facts);
    else if (workType.whenOver === 'defer' && recorder !== undefined) {
      judgeDeferrable(recorder, exchange, facts).catch((error: unknown) => failed(exchange, error));
    } else judgeByLatency({ ...exchange, facts, requester: undefined, keyed: withoutKey });
  }

  function tellAndPass({ next }: Exchange, facts: RequestFacts): void {
    tell(facts, 'perform', ['exempt'], undefined);
    next();
  }

  /** Of a route that may be deferred more must be known: who asks, whether it was asked before, what it must come after. */
  async function judgeDeferrable(at: Recorder, exchange: Exchange, facts: RequestFacts): Promise<void> {
    const isKeyed = exchange.req.headers['idempotency-key'] !== undefined;
    if (!isKeyed && facts.orderKey === undefined) {
      judgeByLatency({ ...exchange, facts, requester: undefined, keyed: withoutKey });
      return;
    }
    const requester = await requesterOf(exchange.req);
    const keyed = await keyedRequests.look(parts, at, exchange.req, requester);
    const candidate: Candidate = { ...exchange, facts, requester, keyed };
    try {
      if (keyed.kind === 'refused') {
        sendProblem(exchange.res, createProblem(keyed.code, keyed.detail));
      } else if (keyed.kind === 'deferred-before') {
        await deferOrRetry(at, candidate, facts.partitions[0] ?? '', [], true);
      } else {
        await judgeInOrder(at, candidate);
      }
    } catch (error) {
      release(keyed);
      throw error;
    }
  }

  /** What must come after a deferral of the same order key does not overtake it. */
  async function judgeInOrder(at: Recorder, candidate: Candidate): Promise<void> {
    const { orderKey, partitions } = candidate.facts;
    if (orderKey !== undefined) {
      let waits: boolean;
      try {
        waits = await (await at.ledger()).holdsOrderKey(orderKey);
      } catch (error) {
        trouble('asking for the order of requests', error);
        retryLater(candidate, [ledgerTrouble(error)], partitions[0]);
        return;
      }
      if (waits) {
        await deferOrRetry(at, candidate, partitions[0] ?? '', ['order-key-waiting'], false);
        return;
      }
    }
    judgeByLatency(candidate);
  }

  function judgeByLatency(candidate: Candidate): void {
    const { facts, keyed } = candidate;
    const admitted = admissions.ask(facts.rank, facts.partitions);
    if (!admitted.perform) {
      if (facts.workType.whenOver === 'defer' && recorder !== undefined) {
        deferOrRetry(recorder, candidate, admitted.partition, [admitted.reason], false).catch(
          (error: unknown) => {
            release(keyed);
            failed(candidate, error);
          },
        );
      } else retryLater(candidate, [admitted.reason], admitted.partition);
      return;
    }
    const { reason, entry } = admitted;
    const completionKey = keyed.kind === 'new' ? keyed.completionKey : undefined;
    if (recorder === undefined || completionKey === undefined) {
      perform(candidate, reason, { entry });
      return;
    }
    isDone(parts, recorder, facts, completionKey).then(
      (done) => {
        if (!done) perform(candidate, reason, { entry, completionKey });
        else {
          entry.finished();
          release(keyed);
          sendProblem(candidate.res, alreadyPerformed);
        }
      },
      (error: unknown) => {
        entry.finished();
        trouble('asking for completion rows', error);
        retryLater(candidate, ['database-unreachable'], facts.partitions[0]);
      },
    );
  }

  function perform(
    candidate: Candidate,
    reason: ReasonCode,
    how: { readonly entry: Parameters<typeof performNow>[3]['entry']; readonly completionKey?: string },
  ): void {
    const { facts, keyed } = candidate;
    tell(facts, 'perform', [reason], undefined);
    performNow(parts, candidate, facts, { ...how, ended: () => release(keyed) });
  }

  async function deferOrRetry(
    at: Recorder,
    candidate: Candidate,
    partition: string,
    reasons: readonly ReasonCode[],
    before: boolean,
  ): Promise<void> {
    const { req, facts, keyed } = candidate;
    const requester = candidate.requester ?? (await requesterOf(req));
    const idempotencyKey = keyed.kind === 'new' || keyed.kind === 'deferred-before' ? keyed.key : undefined;
    const wish = { req, facts, partition, requester, idempotencyKey, reasons, before };
    const result = await defer(parts, at, wish, keep);
    release(keyed);
    await answerDeferral(at, candidate, partition, reasons, result);
  }

  async function answerDeferral(
    at: Recorder,
    candidate: Candidate,
    partition: string,
    reasons: readonly ReasonCode[],
    result: DeferResult,
  ): Promise<void> {
    const { res, facts } = candidate;
    switch (result.kind) {
      case 'gone':
        // Nobody is there to be answered.
        res.destroy();
        return;
      case 'key-reused':
        sendProblem(res, createProblem('idempotency-key-reused', keyReused));
        return;
      case 'invalid':
        sendProblem(res, createProblem('request-invalid', result.detail));
        return;
      case 'not-deferred':
        retryLater(candidate, [...reasons, result.reason], partition);
        return;
      case 'fate-unknown':
        retryLater(candidate, [...reasons, result.reason], partition, result.id);
        return;
      case 'deferred':
        tell(facts, 'defer', reasons, partition, { id: result.deferral.id });
        await sendRecorded(at, candidate, result);
    }
  }

  async function sendRecorded(
    at: Recorder,
    { req, res, facts }: Candidate,
    { deferral, capability, proof }: Extract<DeferResult, { readonly kind: 'deferred' }>,
  ): Promise<void> {
    const urls = deferralUrls(baseUrlOf(req), deferral.id, capability);
    const answer = {
      resource: deferralResource(at.home, deferral, proof, urls),
      urls,
      pollAfterMs: at.pollAfterMs(deferral.partition),
      asked: parsePrefer(req.headers['prefer']).respondAsync,
    };
    const { acknowledge, result } = facts.workType;
    if (acknowledge === 'succeeded' && result !== undefined) {
      try {
        sendSuccessAhead(res, answer, await result(req));
        return;
      } catch (error) {
        // It is recorded all the same, and a 202 is as true.
        trouble('making the result given ahead of the work', error);
      }
    }
    sendDeferred(res, answer);
  }

  function retryLater(
    { res, facts, keyed }: Candidate,
    reasons: readonly ReasonCode[],
    partition: string | undefined,
    unknownId?: string,
  ): void {
    release(keyed);
    const retryAfterMs = admissions.retryAfterMs(facts.rank, partition ?? '');
    tell(facts, 'retry-later', reasons, partition, { retryAfterMs });
    sendRetryLater(res, {
      reasons,
      retryAfterMs,
      workType: facts.workType.name,
      partition: partition === undefined ? undefined : partitionTag(options.application, partition),
      ...(unknownId === undefined ? {} : { unknownId }),
    });
  }

  async function requesterOf(req: Request): Promise<string | undefined> {
    try {
      const requester: unknown = await options.requester?.(req);
      if (requester === undefined || requester === null || requester === '') return undefined;
      if (typeof requester === 'string') return requester;
      throw new TypeError(`requester gave a ${typeof requester}; a string was expected`);
    } catch (error) {
      trouble('asking for the requester', error);
      return undefined;
    }
  }

  function tell(
    facts: RequestFacts,
    decision: 'perform' | 'retry-later' | 'defer',
    reasons: readonly ReasonCode[],
    partition: string | undefined,
    more: { readonly retryAfterMs?: number; readonly id?: string } = {},
  ): void {
    const { method, route, workType, partitions } = facts;
    parts.tellDecision?.({
      decision,
      method,
      route,
      workType: workType.name,
      partition: partition ?? partitions[0],
      reasons,
      ...more,
    });
  }

  /** Trouble of the gate's own: the request goes its way as if there were no gate. */
  function failed({ res, next }: Exchange, error: unknown): void {
    trouble('judging a request', error);
    if (!res.headersSent && !res.destroyed) next();
  }

  return (exchange) => {
    let facts: RequestFacts | Promise<RequestFacts>;
    try {
      facts = parts.factsOf(exchange.req);
    } catch (error) {
      failed(exchange, error);
      return;
    }
    if (isPromise(facts)) {
      facts.then(
        (known) => judge(exchange, known),
        (error: unknown) => failed(exchange, error),
      );
    } else judge(exchange, facts);
  };
}

const keyReused =
  'This Idempotency-Key came with another request before. Give each request a key of its own, and repeat it unchanged.';

function release(keyed: KeyedState): void {
  if (keyed.kind === 'new') keyed.release();
}
