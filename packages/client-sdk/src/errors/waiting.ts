import { ClientError, type ClientErrorFacts } from './client-error.ts';

/**
 * `deadline-exceeded`: the deadline passed, or the next wait would have passed it. In the second case
 * `retryAt` is when the server would have been asked again.
 */
export class DeadlineExceededError extends ClientError {
  constructor(message: string, facts: ClientErrorFacts) {
    super('deadline-exceeded', message, facts);
  }
}

/** `aborted`: the caller's signal fired. `axios.isCancel(error)` is true for it; `cause` is the signal's reason. */
export class AbortedError extends ClientError {
  /** Tells axios that it is a cancellation. */
  declare readonly __CANCEL__: true;

  constructor(facts: ClientErrorFacts) {
    super('aborted', 'The caller aborted the request.', facts);
    Object.defineProperty(this, '__CANCEL__', { value: true, enumerable: false });
  }
}

/** `retries-exhausted`: no answer came, and the retries or the retry budget are used up. `cause` is the last failure. */
export class RetriesExhaustedError extends ClientError {
  constructor(message: string, facts: ClientErrorFacts) {
    super('retries-exhausted', message, facts);
  }
}

/** `body-not-repeatable`: a retry was due, but the body is a stream that has been read. `cause` is the failure before. */
export class BodyNotRepeatableError extends ClientError {
  constructor(facts: ClientErrorFacts = {}) {
    super(
      'body-not-repeatable',
      'The request body is a stream, which can be sent once only. Give a factory (data: () => createReadStream(path)) to have it sent again.',
      facts,
    );
  }
}
