/** What went wrong with one attempt, as far as it matters for sending it again. */
export type Failure =
  /** An answer that is an error. */
  | {
      readonly kind: 'answered';
      readonly status: number;
      /** The wait that the answer asks for. */
      readonly askedMs: number | undefined;
      /** Whether it is Slackwater's own "retry later". */
      readonly fromSlackwater: boolean;
      /** `code` of the problem document. */
      readonly code: string | undefined;
      /**
       * `recorded` of the problem document: false, it was not recorded; "unknown", it may have been, and the
       * route keeps keys; undefined, the document says nothing or could not be read.
       */
      readonly recorded: false | 'unknown' | undefined;
      /** The lane that the refusal is for, where it is about everybody in it and not about this call alone. */
      readonly lane: string | undefined;
    }
  /** The connection was refused: the request was not sent. */
  | { readonly kind: 'not-sent' }
  /** The request was sent, at least in part, and no whole answer came. */
  | { readonly kind: 'answer-lost' }
  /** Trying again changes nothing: a certificate, an unknown host, a bad option. */
  | { readonly kind: 'permanent' };

/** What the decision needs to know about the call. */
export interface RetryFacts {
  /** Upper case. */
  readonly method: string;
  /** The request carries an Idempotency-Key. */
  readonly keyed: boolean;
  /** The server is known to do keyed requests once: the caller says so, or an answer of this call showed it. */
  readonly serverKeepsKeys: boolean;
  /** An earlier attempt of this call was sent and its answer lost. */
  readonly answerLostBefore: boolean;
}

/** Why it is sent again, or not. */
export type RetryDecision =
  | { readonly action: 'retry'; readonly reason: RetryReason; readonly askedMs: number | undefined }
  | { readonly action: 'stop'; readonly reason: 'final' | 'unsafe-to-repeat' | 'performed-before' };

/** Why an attempt is repeated. */
export type RetryReason =
  | 'retry-later'
  | 'too-many-requests'
  | 'server-unavailable'
  | 'connection-refused'
  | 'answer-lost'
  | 'first-attempt-still-performing';

const idempotentMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'QUERY', 'TRACE']);
const unavailableStatuses = new Set([408, 425, 429, 502, 503, 504]);

/** Whether sending a call again does its work once, whatever became of it before. */
export function isRepeatableCall({ method, keyed, serverKeepsKeys }: RetryFacts): boolean {
  return idempotentMethods.has(method) || (keyed && serverKeepsKeys);
}

/** Decides whether an attempt that failed is sent again. Pure; knows nothing of deadlines and counts. */
export function decideRetry(failure: Failure, facts: RetryFacts): RetryDecision {
  const repeatable = isRepeatableCall(facts);
  switch (failure.kind) {
    case 'permanent':
      return { action: 'stop', reason: 'final' };
    case 'not-sent':
      return { action: 'retry', reason: 'connection-refused', askedMs: undefined };
    case 'answer-lost':
      if (!repeatable) return { action: 'stop', reason: 'unsafe-to-repeat' };
      return { action: 'retry', reason: 'answer-lost', askedMs: undefined };
    case 'answered':
      return decideAnswered(failure, facts, repeatable);
    default:
      return failure satisfies never;
  }
}

function decideAnswered(
  answer: Extract<Failure, { kind: 'answered' }>,
  facts: RetryFacts,
  repeatable: boolean,
): RetryDecision {
  const { status, askedMs } = answer;
  // Whatever a Slackwater gate left unsaid about the record, the same key makes a repetition harmless.
  const harmless = answer.recorded === false || facts.keyed || repeatable;
  if (status === 503 && answer.fromSlackwater && harmless) {
    return { action: 'retry', reason: 'retry-later', askedMs };
  }
  if (status === 409 && facts.keyed && facts.answerLostBefore) {
    if (answer.code === 'already-performed') return { action: 'stop', reason: 'performed-before' };
    if (answer.code === 'idempotency-key-in-use') {
      return { action: 'retry', reason: 'first-attempt-still-performing', askedMs };
    }
  }
  if (status === 429 && askedMs !== undefined)
    return { action: 'retry', reason: 'too-many-requests', askedMs };
  if (!unavailableStatuses.has(status)) return { action: 'stop', reason: 'final' };
  if (!repeatable) return { action: 'stop', reason: 'unsafe-to-repeat' };
  return { action: 'retry', reason: status === 429 ? 'too-many-requests' : 'server-unavailable', askedMs };
}
