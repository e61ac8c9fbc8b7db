import { ClientError } from './client-error.ts';

/** `status-url-foreign`: the server pointed to a status URL of an origin that must not see the caller's credentials. */
export class StatusUrlForeignError extends ClientError {
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

/** `receipt-unverified`: the server's proof that it recorded the request does not hold. */
export class ReceiptMismatchError extends ClientError {
  readonly id: string;

  constructor(id: string, what: string, cause?: unknown) {
    super('receipt-unverified', `The receipt of deferral ${id} does not hold: ${what}.`, { cause });
    this.id = id;
  }
}

/** `receipt-store-failed`: the store given as `receipts` rejected, so nothing was proven by it. `cause` is what it rejected with. */
export class ReceiptStoreError extends ClientError {
  /** The store's method. */
  readonly method: 'get' | 'set';
  readonly key: string;

  constructor(method: 'get' | 'set', key: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(
      'receipt-store-failed',
      `The receipt store failed to ${method} ${key}: ${why}. That says nothing for or against the ledger: mend the store that the client was given as receipts, and ask again.`,
      { cause, retryable: true },
    );
    this.method = method;
    this.key = key;
  }
}

/** `response-malformed`: an answer is not what Slackwater answers, in this version of the wire or any that it understands. */
export class AnswerMalformedError extends ClientError {
  constructor(what: string) {
    super('response-malformed', `Not what Slackwater answers: ${what}.`);
  }
}

/** `parameter-invalid`: what a method of the client was given can't be used. */
export class ParameterRefusedError extends ClientError {
  constructor(what: string) {
    super('parameter-invalid', what);
  }
}
