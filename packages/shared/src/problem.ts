/** Problem documents (RFC 9457, `application/problem+json`): what Slackwater answers when it has no better answer. */
import type { ErrorCode } from './codes.ts';
import {
  faultOf,
  filledText,
  integerFrom,
  isObject,
  oneOf,
  optional,
  type Shape,
  text,
  texts,
} from './json-shape.ts';

/** The media type of problem documents. */
export const problemContentType = 'application/problem+json';

const typePrefix = 'urn:slackwater:problem:';

/** Status and title of every problem that a request can be answered with. The title is the same on each occurrence. */
export const problemKinds = {
  'retry-later': { status: 503, title: 'Retry later' },
  'record-fate-unknown': { status: 503, title: 'It is not known whether the request was recorded' },
  'idempotency-key-invalid': { status: 400, title: 'The Idempotency-Key is invalid' },
  'idempotency-key-reused': { status: 422, title: 'The Idempotency-Key was used for another request' },
  'idempotency-key-in-use': { status: 409, title: 'A request with this Idempotency-Key is being performed' },
  'already-performed': { status: 409, title: 'A request with this Idempotency-Key was performed' },
  'interrupted-between-transactions': {
    status: 409,
    title: 'A request with this Idempotency-Key was performed in part',
  },
  'request-invalid': { status: 422, title: 'The request is invalid' },
  'not-found': { status: 404, title: 'Not found' },
  'requester-erased': {
    status: 410,
    title: 'The requester was erased, and with it what was recorded for it',
  },
  'not-redrivable': { status: 409, title: 'The deferral is not parked' },
  'not-cancelable': { status: 409, title: 'The deferral can no longer be canceled' },
  'operation-undone': { status: 422, title: 'The operation failed, and was undone' },
  'operation-canceled': { status: 409, title: 'The operation was canceled, and was undone' },
  'operation-settled': { status: 409, title: 'The operation has ended' },
  'input-refused': { status: 422, title: 'The input of the operation is not valid' },
  'input-differs': { status: 409, title: 'The operation was given another value before' },
  'function-missing': { status: 503, title: 'This process does not have the operation' },
  'requester-unknown': { status: 403, title: 'It is not known for whom the request is made' },
  'parameter-invalid': { status: 400, title: 'A parameter is invalid' },
  'change-refused': { status: 422, title: 'The change was refused' },
  'precondition-failed': { status: 412, title: 'It was changed meanwhile' },
  'method-not-allowed': { status: 405, title: 'Method not allowed' },
  'internal-error': { status: 500, title: 'Internal error' },
} as const satisfies { readonly [code in ErrorCode]?: { readonly status: number; readonly title: string } };

/** The codes of problem documents. */
export type ProblemCode = keyof typeof problemKinds;

/** A problem document. */
export interface Problem {
  /** `urn:slackwater:problem:<code>`: an identifier, nothing to be fetched. */
  readonly type: string;
  readonly title: string;
  /** The status code of the response. */
  readonly status: number;
  /** About this occurrence, for people. */
  readonly detail: string;
  /** Stable; see {@link ProblemCode}. A newer server may know more codes than this version. */
  readonly code: string;
}

/** The body of a 503 that asks to come back. */
export interface RetryLaterProblem extends Problem {
  readonly code: 'retry-later' | 'record-fate-unknown';
  /** `'unknown'`: it may have been recorded; repeat it only with the same Idempotency-Key. */
  readonly recorded: false | 'unknown';
  readonly retryable: true;
  /** Milliseconds, a whole number. */
  readonly retryAfterMs: number;
  /** The opaque tag of the partition. */
  readonly partition?: string;
  readonly workType?: string;
  /** The deferral's id, where `recorded` is `'unknown'`. */
  readonly id?: string;
  /** Reason codes, the deciding one first. */
  readonly reasons?: readonly string[];
}

const problemShape: Shape = {
  type: filledText,
  title: text,
  status: {
    check: (value) => typeof value === 'number' && Number.isInteger(value) && value >= 100 && value <= 599,
    expected: 'a status code',
  },
  detail: text,
  code: filledText,
};

const retryLaterShape: Shape = {
  ...problemShape,
  code: oneOf(['retry-later', 'record-fate-unknown']),
  recorded: oneOf([false, 'unknown']),
  retryable: oneOf([true]),
  retryAfterMs: integerFrom(0),
  partition: optional(text),
  workType: optional(text),
  id: optional(filledText),
  reasons: optional(texts),
};

/** The `type` of problem documents with this code. */
export function problemType(code: ProblemCode): string {
  return `${typePrefix}${code}`;
}

/** A problem document of a kind, with its type, title and status. */
export function createProblem<Code extends ProblemCode>(
  code: Code,
  detail: string,
): Problem & { readonly code: Code } {
  return { type: problemType(code), ...problemKinds[code], detail, code };
}

/** Whether untrusted JSON is a problem document of Slackwater. Never throws. */
export function isProblem(value: unknown): value is Problem {
  return faultOf(value, problemShape) === undefined && typeFitsCode(value);
}

/** Whether untrusted JSON asks to retry later, with everything such a document must have. Never throws. */
export function isRetryLaterProblem(value: unknown): value is RetryLaterProblem {
  return isProblem(value) && faultOf(value, retryLaterShape) === undefined;
}

/**
 * The problem document in untrusted JSON, given as its text or parsed; undefined where there is none. Never throws.
 * Narrow it with {@link isRetryLaterProblem}.
 */
export function parseProblem(json: unknown): Problem | undefined {
  const value = typeof json === 'string' ? parsedJson(json) : json;
  return isProblem(value) ? value : undefined;
}

function typeFitsCode(value: unknown): boolean {
  try {
    return isObject(value) && value['type'] === `${typePrefix}${value['code']}`;
  } catch {
    return false;
  }
}

function parsedJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
