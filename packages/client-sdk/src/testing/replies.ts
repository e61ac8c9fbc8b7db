import { createProblem, type DeferralResource, formatRetryAfter, headerNames } from '@slackwater/shared';
import type { ScriptedReply } from './scripted-server.ts';

/** What a refusal may say besides the wait. */
export interface RetryLaterFacts {
  /** The opaque tag of the partition. */
  readonly partition?: string;
  readonly workType?: string;
  /** The deciding one first. */
  readonly reasons?: readonly string[];
}

/** Answers as a Slackwater gate gives them, and misfortunes. */
export const replies = {
  /** The route's own answer: a text, or a value that is sent as JSON. */
  answer(status: number, body: unknown = {}, headers: Readonly<Record<string, string>> = {}): ScriptedReply {
    return { kind: 'answer', status, body, headers };
  },
  /** 503, nothing recorded. */
  retryLater(waitMs: number, facts: RetryLaterFacts = {}): ScriptedReply {
    const problem = createProblem('retry-later', 'Nothing was done or recorded.');
    const headers: Record<string, string> = {
      [headerNames.retryAfter]: formatRetryAfter(waitMs),
      [headerNames.retryAfterMs]: String(waitMs),
    };
    if (facts.partition !== undefined) headers[headerNames.partition] = facts.partition;
    const body = { ...problem, recorded: false, retryable: true, retryAfterMs: waitMs, ...facts };
    return { kind: 'answer', status: 503, body, headers };
  },
  /** 202, with the resource of a `proofForger`. */
  deferred(resource: DeferralResource, waitMs = 1_000): ScriptedReply {
    const outcome = resource.resourceLocation;
    const headers = {
      [headerNames.operationLocation]: outcome.replace('/outcome', ''),
      [headerNames.location]: outcome,
      [headerNames.retryAfter]: formatRetryAfter(waitMs),
    };
    return { kind: 'answer', status: 202, body: resource, headers };
  },
  /** 200, a deferral resource; with `waitMs` it says when to ask again. */
  status(resource: DeferralResource, waitMs?: number): ScriptedReply {
    const headers = waitMs === undefined ? {} : { [headerNames.retryAfter]: formatRetryAfter(waitMs) };
    return { kind: 'answer', status: 200, body: resource, headers };
  },
  /** The route's own answer to a deferred request. */
  outcome(status: number, body: unknown = {}): ScriptedReply {
    return { kind: 'answer', status, body, headers: { [headerNames.outcome]: 'final' } };
  },
  /** The connection breaks after the request was sent: its answer is lost. */
  answerLost(): ScriptedReply {
    return { kind: 'broken', sent: true };
  },
  /** The connection is refused: nothing was sent. */
  connectionRefused(): ScriptedReply {
    return { kind: 'broken', sent: false };
  },
  /** No answer ever comes. */
  silence(): ScriptedReply {
    return { kind: 'silent' };
  },
} as const;
