import { type ErrorCode, SlackwaterError } from '@slackwater/shared';

/** Hides every capability in a text, so that it can stand in a message or a log. */
export function redact(text: string): string {
  return text.replace(/(capability=)[^&#\s"'<>]*/gi, '$1[redacted]');
}

/** What an error of a deferral lets its caller do next, kept out of `JSON.stringify` and of logs. */
interface Resumable {
  /**
   * What `client.deferral(...)` takes to go on waiting, also in another process; undefined where nothing was
   * deferred. It carries the capability: keep it like a password.
   */
  readonly resume: string | undefined;
}

/** Facts shared by the errors that end a wait. */
export interface WaitErrorFacts {
  readonly resume?: string | undefined;
  readonly cause?: unknown;
}

class WaitError extends SlackwaterError implements Resumable {
  declare readonly resume: string | undefined;

  constructor(code: ErrorCode, message: string, facts: WaitErrorFacts) {
    super(code, redact(message), facts.cause === undefined ? undefined : { cause: facts.cause });
    Object.defineProperty(this, 'resume', { value: facts.resume, enumerable: false });
  }
}

/**
 * `deadline-exceeded`: the deadline passed, or the next wait would have passed it. In the second case
 * `retryAt` is when the server would have been asked again.
 */
export class DeadlineExceededError extends WaitError {
  readonly retryAt: Date | undefined;

  constructor(message: string, facts: WaitErrorFacts & { readonly retryAt?: Date | undefined }) {
    super('deadline-exceeded', message, facts);
    this.retryAt = facts.retryAt;
  }
}

/** `aborted`: the caller's signal fired. `axios.isCancel(error)` is true for it; `cause` is the signal's reason. */
export class AbortedError extends WaitError {
  /** Tells axios that it is a cancellation. */
  declare readonly __CANCEL__: true;

  constructor(facts: WaitErrorFacts) {
    super('aborted', 'The caller aborted the request.', facts);
    Object.defineProperty(this, '__CANCEL__', { value: true, enumerable: false });
  }
}

/** `retries-exhausted`: no answer came, and the retries or the retry budget are used up. `cause` is the last failure. */
export class RetriesExhaustedError extends SlackwaterError {
  readonly attempts: number;

  constructor(message: string, attempts: number, cause: unknown) {
    super('retries-exhausted', redact(message), { cause });
    this.attempts = attempts;
  }
}

/** `body-not-repeatable`: a retry was due, but the body is a stream that has been read. `cause` is the failure before. */
export class BodyNotRepeatableError extends SlackwaterError {
  constructor(cause?: unknown) {
    super(
      'body-not-repeatable',
      'The request body is a stream, which can be sent once only. Give a factory (data: () => createReadStream(path)) to have it sent again.',
      cause === undefined ? undefined : { cause },
    );
  }
}

/** `status-url-foreign`: the server pointed to a status URL of an origin that must not see the caller's credentials. */
export class StatusUrlForeignError extends SlackwaterError {
  /** The origin that was pointed to. */
  readonly origin: string;

  constructor(origin: string, allowed: readonly string[]) {
    super(
      'status-url-foreign',
      `The status URL is on ${origin}, which is none of ${allowed.join(', ')}. If you trust it, name it in allowedOrigins.`,
    );
    this.origin = origin;
  }
}

/** `deferral-failed`: the work failed for good and left no outcome. `reason` is the deferral's own error. */
export class DeferralFailedError extends SlackwaterError {
  readonly id: string;
  readonly reason: { readonly code: ErrorCode; readonly message: string } | undefined;

  constructor(id: string, reason: { readonly code: ErrorCode; readonly message: string } | undefined) {
    super(
      'deferral-failed',
      redact(`Deferral ${id} failed: ${reason?.code ?? 'unknown'}, ${reason?.message ?? 'no reason given'}`),
    );
    this.id = id;
    this.reason = reason;
  }
}

/** `deferral-canceled`: it was canceled before it was performed; the work was not done. */
export class DeferralCanceledError extends SlackwaterError {
  readonly id: string;

  constructor(id: string) {
    super('deferral-canceled', `Deferral ${id} was canceled before it was performed.`);
    this.id = id;
  }
}

/** `receipt-unverified`: the server's proof that it recorded the request does not hold. */
export class ReceiptMismatchError extends SlackwaterError {
  readonly id: string;

  constructor(id: string, what: string, cause?: unknown) {
    super(
      'receipt-unverified',
      redact(`The receipt of deferral ${id} does not hold: ${what}.`),
      cause === undefined ? undefined : { cause },
    );
    this.id = id;
  }
}

/** A status resource refused its caller for good: `not-found`, `not-cancelable` or `status-refused`. */
export class StatusRefusedError extends SlackwaterError {
  /** The HTTP status. */
  readonly status: number;

  constructor(code: 'not-found' | 'not-cancelable' | 'status-refused', message: string, status: number) {
    super(code, redact(message));
    this.status = status;
  }
}
