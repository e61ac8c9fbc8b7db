import type { ServerResponse } from 'node:http';
import { type Because, createProblem, parsePrefer, type ReasonCode } from '@slackwater/shared';
import type { Request } from 'express';
import type { Stance } from '../decide/stance.ts';
import type { DecisionEvent } from '../options/gate-events.ts';
import type { DeferResult } from './defer.ts';
import { deferralResource, deferralUrls } from './deferral-resource.ts';
import { sendDeferred, sendSuccessAhead } from './deferred.ts';
import { explainOn, stanceOf } from './explain.ts';
import type { GateParts } from './gate-parts.ts';
import type { Grounds } from './judge-candidate.ts';
import { type RequestFacts, withNotes } from './request-facts.ts';
import { partitionTag, sendRetryLater } from './retry-later.ts';
import { nameOfCaller, noteArrival } from './returning.ts';
import { sendProblem } from './send.ts';

/** A judged request and where its answer goes. */
export interface Judged {
  readonly req: Request;
  readonly res: ServerResponse;
  readonly facts: RequestFacts;
}

/** What is said of a request that is not let through; each decision is told to those who listen. */
export interface GateAnswers {
  /** It was let through. */
  performed(judged: Judged, reason: ReasonCode, grounds?: Grounds): void;
  /** It was let through in shadow mode, and would have been postponed for these reasons. */
  performedInShadow(
    judged: Judged,
    grounds: Grounds,
    partition: string | undefined,
    wouldBe: 'retry-later' | 'defer',
  ): void;
  retryLater(
    judged: Judged,
    reasons: readonly ReasonCode[],
    partition: string | undefined,
    more?: {
      readonly because?: Because | undefined;
      /** The deferral's id, where it may have been recorded. */
      readonly unknownId?: string;
    },
  ): void;
  /** What became of the wish to defer, `reasons` being why it was not performed. */
  deferred(
    judged: Judged,
    reasons: readonly ReasonCode[],
    partition: string,
    result: DeferResult,
    because: Because,
  ): Promise<void>;
}

const keyReused =
  'This Idempotency-Key came with another request before. Give each request a key of its own, and repeat it unchanged.';

const nothingMore = {} as const;
const unknownStance: Partial<Stance> = {};

function asReturned(returned: boolean): Pick<DecisionEvent, 'returned'> {
  return returned ? { returned } : {};
}

/** Makes the answers of one gate. */
export function gateAnswers(parts: GateParts, baseUrlOf: (req: Request) => string): GateAnswers {
  const { options, admissions, shadow, meter, tellDecision } = parts;

  function tell(
    { req, res, facts }: Judged,
    decision: 'perform' | 'retry-later' | 'defer',
    found: readonly ReasonCode[],
    partition: string | undefined = facts.partitions[0],
    more: Pick<DecisionEvent, 'retryAfterMs' | 'id' | 'group' | 'returned' | 'wouldBe'> & {
      readonly because?: Because | undefined;
    } = nothingMore,
  ): void {
    const [decisive] = found;
    if (decisive !== undefined) meter?.decided(facts.rank, decision, decisive, more.returned === true);
    if (!parts.decisionsAreHeard()) return;
    const { method, route, workType } = facts;
    const { because, ...rest } = more;
    const reasons = withNotes(facts, found);
    const isEmpty = because === undefined || Object.keys(because).length === 0;
    const { valueMs, thresholdMs, state, ahead } = stanceOf(req) ?? unknownStance;
    const event = {
      decision,
      method,
      route,
      workType: workType.name,
      partition,
      reasons,
      valueMs,
      thresholdMs,
      state,
      ahead,
    };
    // One object without spreading for what is told by far most often.
    if (!isEmpty) Object.assign(event, { because });
    if (more !== nothingMore) Object.assign(event, rest);
    tellDecision(event);
    if (parts.explainsTo(req)) explainOn(res, options.application, event);
  }

  const retryLater: GateAnswers['retryLater'] = (judged, reasons, partition, more = {}) => {
    const { req, res, facts } = judged;
    const { because, unknownId } = more;
    const returned = asReturned(noteArrival(admissions, judged, false));
    const retryAfterMs = admissions.retryAfterMs(facts.rank, partition ?? '', nameOfCaller(req, facts));
    tell(judged, 'retry-later', reasons, partition, { retryAfterMs, because, ...returned });
    meter?.retryAfter(facts.workType.name, retryAfterMs);
    sendRetryLater(res, {
      reasons: withNotes(facts, reasons),
      retryAfterMs,
      workType: facts.workType.name,
      partition: partition === undefined ? undefined : partitionTag(options.application, partition),
      ...(unknownId === undefined ? {} : { unknownId }),
    });
  };

  function sendRecorded(
    { req, res }: Judged,
    { at, deferral, capability, proof, ahead }: Extract<DeferResult, { readonly kind: 'deferred' }>,
  ): void {
    const urls = deferralUrls(baseUrlOf(req), deferral.id, capability);
    const answer = {
      resource: deferralResource(at.home, deferral, proof, urls),
      urls,
      pollAfterMs: at.pollAfterMs(deferral.partition),
      asked: parsePrefer(req.headers['prefer']).respondAsync,
    };
    if (ahead !== undefined) sendSuccessAhead(res, answer, ahead);
    else sendDeferred(res, answer);
  }

  return {
    performed(judged, reason, grounds) {
      const { rank, workType, partitions } = judged.facts;
      const returned = reason !== 'exempt' && noteArrival(admissions, judged, true);
      if (workType.shadow) shadow.performed(workType.name);
      if (!parts.decisionsAreHeard()) {
        meter?.decided(rank, 'perform', grounds?.reasons[0] ?? reason, returned);
        return;
      }
      const more =
        grounds === undefined && !returned
          ? nothingMore
          : { because: grounds?.because, ...asReturned(returned) };
      tell(judged, 'perform', grounds?.reasons ?? [reason], partitions[0], more);
    },
    performedInShadow(judged, { reasons, because }, partition, wouldBe) {
      shadow.postponed(judged.facts.workType.name, wouldBe, reasons[0]);
      tell(judged, 'perform', reasons, partition, { wouldBe, because });
    },
    retryLater,
    async deferred(judged, reasons, partition, result, because) {
      const { res } = judged;
      switch (result.kind) {
        case 'gone':
          // Nobody is there to be answered.
          if (!res.headersSent) res.destroy();
          return;
        case 'key-reused':
          return sendProblem(res, createProblem('idempotency-key-reused', keyReused));
        case 'invalid':
          return sendProblem(res, createProblem('request-invalid', result.detail));
        case 'not-deferred':
          return retryLater(judged, [...reasons, result.reason], partition, { because });
        case 'fate-unknown':
          return retryLater(judged, [...reasons, result.reason], partition, {
            because,
            unknownId: result.id,
          });
        case 'deferred':
          tell(judged, 'defer', reasons, partition, {
            ...{ id: result.deferral.id, group: result.at.home.group, because },
            ...asReturned(noteArrival(admissions, judged, true)),
          });
          sendRecorded(judged, result);
      }
    },
  };
}
