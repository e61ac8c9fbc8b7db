import { createProblem, type ReasonCode } from '@slackwater/shared';
import type { Request } from 'express';
import type { Candidate, Exchange } from './candidate.ts';
import type { GateParts, Recorder, Recorders } from './gate-parts.ts';
import type { Grounds } from './judge-candidate.ts';
import { groupDiffers, KeyedRequests, type KeyedState } from './keyed-requests.ts';
import { ledgerTrouble } from './ledger-trouble.ts';
import { OtherGroups } from './other-groups.ts';
import type { RequestFacts } from './request-facts.ts';
import { requesterOf } from './requester.ts';
import { sendProblem } from './send.ts';
import { promisedBefore } from './shadow.ts';

/** What may be done with a request once its group, its key and its order are known. */
export interface LookedUpActs {
  judgeByLatency(candidate: Candidate): void;
  retryLater(candidate: Candidate, reasons: readonly ReasonCode[], partition: string | undefined): void;
  /** Never rejects. */
  deferOrRetry(
    candidate: Candidate,
    partition: string,
    grounds: Grounds & { readonly before?: true },
  ): Promise<void>;
  /** Why it must not be deferred for any reason. Never rejects. */
  whyNeverDeferred(candidate: Candidate): Promise<ReasonCode | undefined>;
}

/** Nothing is decided anew of what was deferred before. */
const before: Grounds & { readonly before: true } = { reasons: [], because: {}, before: true };

/** A request without an Idempotency-Key. */
export const withoutKey: KeyedState = { kind: 'unkeyed' };

/** Whether a request may have been asked before, or must come after something. */
export function mustBeLookedUp(
  { headers }: Pick<Request, 'headers'>,
  { orderKey, orderUnknown }: Pick<RequestFacts, 'orderKey' | 'orderUnknown'>,
): boolean {
  return orderKey !== undefined || orderUnknown || headers['idempotency-key'] !== undefined;
}

/** Makes the function that judges requests for which {@link mustBeLookedUp}. */
export function lookedUpJudge(
  parts: GateParts,
  recorders: Recorders,
  acts: LookedUpActs,
): (exchange: Exchange, facts: RequestFacts) => Promise<void> {
  const { clock, trouble } = parts;
  const others = new OtherGroups(clock, trouble);
  const keyedRequests = new KeyedRequests(parts, others);

  async function judge(exchange: Exchange, facts: RequestFacts): Promise<void> {
    const [partition = ''] = facts.partitions;
    const unlooked: Candidate = { ...exchange, facts, requester: undefined, keyed: withoutKey };
    const recorder = await recorders.of(exchange.req);
    if (typeof recorder === 'string') {
      // Its key, or its order, may stand in any of them.
      acts.retryLater(unlooked, [recorder], facts.partitions[0]);
      return;
    }
    const { name: requester, failed: isUnknown } = await requesterOf(parts, exchange.req);
    if (isUnknown && exchange.req.headers['idempotency-key'] !== undefined) {
      // Its key may stand for a deferral, and the request would be performed a second time.
      acts.retryLater(unlooked, ['option-function-failed'], facts.partitions[0]);
      return;
    }
    const keyed = await keyedRequests.look(recorder, recorders.others(recorder), exchange.req, requester);
    const candidate: Candidate = { ...exchange, facts, requester, keyed, recorder };
    if (keyed.kind === 'refused') sendProblem(exchange.res, createProblem(keyed.code, keyed.detail));
    else if (keyed.kind === 'deferred-before') {
      await acts.deferOrRetry({ ...candidate, recorder: keyed.at }, keyed.partition, before);
    } else await judgeInOrder(recorder, candidate, partition);
  }

  /** In shadow mode only what was promised before it binds a request: its key is left to the route. */
  async function judgeShadowed(exchange: Exchange, facts: RequestFacts): Promise<void> {
    const promised = await promisedBefore(parts, recorders, keyedRequests, exchange.req, facts);
    const candidate: Candidate = { ...exchange, facts, requester: undefined, keyed: withoutKey };
    const [partition = ''] = facts.partitions;
    if (promised.kind === 'deferred-before') {
      const repeated = { ...candidate, keyed: promised, recorder: promised.at };
      await acts.deferOrRetry(repeated, promised.partition, before);
    } else if (promised.kind === 'order-waits') {
      await waitInOrder({ ...candidate, recorder: promised.at }, partition);
    } else acts.judgeByLatency(candidate);
  }

  /** What must come after a deferral of the same order key does not overtake it. */
  async function judgeInOrder(at: Recorder, candidate: Candidate, partition: string): Promise<void> {
    const { orderKey } = candidate.facts;
    if (orderKey === undefined && !candidate.facts.orderUnknown) {
      acts.judgeByLatency(candidate);
      return;
    }
    if (orderKey === undefined) {
      // Performed now, it might overtake what it must come after.
      acts.retryLater(candidate, ['option-function-failed'], partition);
      return;
    }
    let waits: boolean;
    try {
      waits = await (await at.ledger()).holdsOrderKey(orderKey);
    } catch (error) {
      trouble('asking for the order of requests', error);
      acts.retryLater(candidate, [ledgerTrouble(error)], partition);
      return;
    }
    if (waits) await waitInOrder(candidate, partition);
    else if (await waitsElsewhere(at, orderKey)) {
      // Order holds within a group: deferred here, it could overtake what waits there.
      acts.retryLater(candidate, ['order-key-waiting'], partition);
    } else acts.judgeByLatency(candidate);
  }

  async function waitsElsewhere(at: Recorder, orderKey: string): Promise<boolean> {
    const elsewhere = recorders.others(at);
    if (elsewhere.length === 0) return false;
    const found = await others.firstOf(elsewhere, 'asking for the order of requests', async (ledger) =>
      (await ledger.holdsOrderKey(orderKey)) ? true : undefined,
    );
    if (found === undefined) return false;
    parts.warn('group-differs', groupDiffers('order key'));
    return true;
  }

  /** An earlier one of its order key waits. Whom nothing is deferred for comes back. */
  async function waitInOrder(candidate: Candidate, partition: string): Promise<void> {
    const why = await acts.whyNeverDeferred(candidate);
    if (why !== undefined) acts.retryLater(candidate, ['order-key-waiting', why], partition);
    else await acts.deferOrRetry(candidate, partition, { reasons: ['order-key-waiting'], because: {} });
  }

  return (exchange, facts) => (facts.workType.shadow ? judgeShadowed : judge)(exchange, facts);
}
