import type { ServerResponse } from 'node:http';
import { type Because, createProblem, headerNames, keysKept, type ReasonCode } from '@slackwater/shared';
import type { NextFunction, Request } from 'express';
import type { Entry } from '../decide/entry.ts';
import { type Candidate, type Exchange, sharesPlaces, withSharer } from './candidate.ts';
import { defer, type KeepHeaders } from './defer.ts';
import { noteStance } from './explain.ts';
import { gateAnswers } from './gate-answers.ts';
import type { GateParts, Recorders, WhyNot } from './gate-parts.ts';
import { byCandidates, type Grounds } from './judge-candidate.ts';
import { lookedUpJudge, mustBeLookedUp, withoutKey } from './judge-looked-up.ts';
import {
  alreadyPerformed,
  doneBefore,
  interrupted,
  keepsKeys,
  release,
  wasDoneElsewhere,
} from './keyed-requests.ts';
import { isPromise } from './maybe-async.ts';
import { type PerformedOnce, performNow } from './perform-now.ts';
import type { RequestFacts } from './request-facts.ts';
import { requesterOf } from './requester.ts';
import { sendProblem } from './send.ts';
import { wouldBe } from './shadow.ts';

/** A request that may be performed now. */
type Granted = { readonly reason: ReasonCode; readonly entry: Entry };

/**
 * Makes the function that answers for requests from outside: it lets them through, or answers in their place. It is
 * asynchronous only where something must be waited for; what is let through by latency alone is not.
 */
export function requestJudge(
  parts: GateParts,
  keep: KeepHeaders,
  baseUrlOf: (req: Request) => string,
): (req: Request, res: ServerResponse, next: NextFunction) => void {
  const { admissions, candidates, recorders, trouble } = parts;
  const { countRequest } = candidates;
  const answers = gateAnswers(parts, baseUrlOf);
  const candidateJudge = byCandidates<Candidate>(parts, {
    perform: performAdmitted,
    postpone,
    failed,
  });
  const judgeLookedUp =
    recorders &&
    lookedUpJudge(parts, recorders, {
      judgeByLatency,
      retryLater,
      deferOrRetry: (candidate, partition, grounds) => deferOrRetry(recorders, candidate, partition, grounds),
      whyNeverDeferred: candidateJudge.whyNeverDeferred,
    });

  function judge(req: Request, res: ServerResponse, next: NextFunction, facts: RequestFacts): void {
    const { workType } = facts;
    countRequest?.(facts.partitions);
    parts.tellHandler(req, res, facts);
    if (!facts.claimed) next();
    else if (workType.exempt) {
      answers.performed({ req, res, facts }, 'exempt');
      next();
    } else if (workType.whenOver === 'defer' && judgeLookedUp && mustBeLookedUp(req, facts)) {
      const exchange = { req, res, next };
      judgeLookedUp(exchange, facts).catch((error: unknown) => failed(exchange, error));
    } else judgeByLatency({ req, res, next, facts, requester: undefined, keyed: withoutKey });
  }

  function judgeByLatency(candidate: Candidate): void {
    if (!sharesPlaces(parts, candidate)) judgeFor(candidate);
    else {
      withSharer(parts, candidate)
        .then(judgeFor)
        .catch((error: unknown) => failed(candidate, error));
    }
  }

  function judgeFor(candidate: Candidate): void {
    const { facts, sharer } = candidate;
    const { workType } = facts;
    if (workType.candidates !== undefined) {
      candidateJudge.judge(candidate, workType.candidates);
      return;
    }
    const admitted = admissions.ask(facts.rank, facts.partitions, sharer);
    if (admitted.perform) performAdmitted(candidate, admitted);
    else {
      const { partition, reason } = admitted;
      const because = candidates.becauseOfLatency(partition, admissions.thresholdOf(facts.rank, partition));
      postpone(candidate, partition, { reasons: [reason], because });
    }
  }

  /**
   * It is not to be performed now: it is deferred, or asked to come back. In shadow mode it is counted, and performed.
   *
   * @param how `never-defer`: it is asked to come back, whatever its work type says; or what to do where it can't be deferred
   */
  function postpone(
    candidate: Candidate,
    partition: string | undefined,
    grounds: Grounds,
    how?: 'never-defer' | ((why: WhyNot) => void),
  ): void {
    const { req, facts } = candidate;
    const { workType } = facts;
    noteStance(parts, candidate, partition);
    if (workType.shadow) {
      const shadow = how === 'never-defer' ? 'retry-later' : wouldBe(parts, req, facts);
      if (typeof how === 'function' && shadow === 'retry-later') {
        how('not-asked');
        return;
      }
      answers.performedInShadow(candidate, grounds, partition, shadow);
      performNow(parts, candidate, facts, { inShadow: true });
    } else if (
      workType.whenOver === 'defer' &&
      recorders !== undefined &&
      partition !== undefined &&
      how !== 'never-defer'
    ) {
      void deferOrRetry(recorders, candidate, partition, grounds, how);
    } else retryLater(candidate, grounds.reasons, partition, grounds.because);
  }

  function performAdmitted(candidate: Candidate, admitted: Granted, grounds?: Grounds): void {
    const { facts, keyed } = candidate;
    noteStance(parts, candidate, facts.partitions[0]);
    const once = keyed.kind === 'new' && keyed.completionKey !== undefined ? keyed : undefined;
    if (recorders === undefined || once?.completionKey === undefined) perform(candidate, admitted, grounds);
    else void performOnce(recorders, candidate, admitted, once.completionKey, once.foreignKeys, grounds);
  }

  /** Performs a keyed request, unless the database knows that it was performed. Never rejects. */
  async function performOnce(
    { completionsOf }: Recorders,
    candidate: Candidate,
    admitted: Granted,
    completionKey: string,
    foreignKeys: readonly string[],
    grounds: Grounds | undefined,
  ): Promise<void> {
    try {
      const done = await doneBefore(parts, { completionsOf }, candidate.facts, completionKey, foreignKeys);
      if (done.kind === 'to-do') {
        const { firstOrdinal } = done;
        if (await keepsKeys(parts, { completionsOf }, candidate.facts)) {
          candidate.res.setHeader(headerNames.keys, keysKept);
        }
        perform(candidate, admitted, grounds, { key: completionKey, firstOrdinal });
        return;
      }
      admitted.entry.finished();
      release(candidate.keyed);
      sendProblem(candidate.res, done.kind === 'done' ? alreadyPerformed : interrupted);
    } catch (error) {
      admitted.entry.finished();
      trouble('asking for completion rows', error);
      retryLater(candidate, ['database-unreachable'], candidate.facts.partitions[0]);
    }
  }

  function perform(
    candidate: Candidate,
    { reason, entry }: Granted,
    grounds: Grounds | undefined,
    once?: PerformedOnce,
  ): void {
    const { facts, keyed } = candidate;
    answers.performed(candidate, reason, grounds);
    const ended = keyed.kind === 'new' ? keyed.release : undefined;
    performNow(parts, candidate, facts, { entry, once, ended });
  }

  /** Never rejects: what may have been recorded is not let through as well. */
  async function deferOrRetry(
    at: Recorders,
    candidate: Candidate,
    partition: string,
    grounds: Grounds & { readonly before?: true },
    instead?: (why: WhyNot) => void,
  ): Promise<void> {
    const { req, res, facts, keyed, recorder } = candidate;
    const { reasons, because, before = false } = grounds;
    const wasRead = req.readableDidRead;
    let isHandedOn = false;
    try {
      const requester = candidate.requester ?? (await requesterOf(parts, req)).name;
      if (keyed.kind === 'new' && (await wasDoneElsewhere(parts, at, facts, keyed.foreignKeys))) {
        sendProblem(res, alreadyPerformed);
        return;
      }
      const idempotencyKey = 'key' in keyed ? keyed.key : undefined;
      const asked = { partition, requester, recorder, idempotencyKey };
      const wish = { req, res, facts, ...asked, reasons, because, before };
      const result = await defer(parts, at, wish, keep);
      const isWhole = req.readableDidRead === wasRead;
      if (instead !== undefined && isWhole && result.kind === 'not-deferred') {
        isHandedOn = true;
        instead(result.reason);
      } else await answers.deferred(candidate, reasons, partition, result, because);
    } catch (error) {
      trouble('deferring a request', error);
      sendProblem(res, createProblem('internal-error', 'The request could not be deferred.'));
    } finally {
      if (!isHandedOn) release(keyed);
    }
  }

  function retryLater(
    candidate: Candidate,
    reasons: readonly ReasonCode[],
    partition: string | undefined,
    because?: Because,
  ): void {
    release(candidate.keyed);
    answers.retryLater(candidate, reasons, partition, { because });
  }

  /** Trouble of the gate's own, before anything was done: the request goes its way as if there were no gate. */
  function failed({ res, next }: Omit<Exchange, 'req'>, error: unknown): void {
    trouble('judging a request', error);
    if (!res.headersSent && !res.destroyed) next();
  }

  return (req, res, next) => {
    let facts: RequestFacts | Promise<RequestFacts>;
    try {
      facts = parts.factsOf(req);
    } catch (error) {
      failed({ res, next }, error);
      return;
    }
    if (isPromise(facts)) {
      facts.then(
        (known) => judge(req, res, next, known),
        (error: unknown) => failed({ res, next }, error),
      );
    } else judge(req, res, next, facts);
  };
}
