import type { ErrorCode } from './codes.ts';

const brand = Symbol.for('slackwater.error');

/**
 * The base of every error that Slackwater throws. `code` is stable, one of `errorCodes`; the message states
 * the facts and the way out and may change between versions.
 */
export class SlackwaterError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    Object.defineProperty(this, brand, { value: true });
  }
}

/** True for every error of Slackwater, also one that another copy of the package threw. */
export function isSlackwaterError(value: unknown): value is SlackwaterError {
  return value instanceof Error && brand in value;
}
