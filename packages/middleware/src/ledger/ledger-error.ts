import { type ErrorCode, SlackwaterError } from '@slackwater/shared';
import { EngineError } from '../engines/engine-error.ts';

/** The codes that the ledger itself throws; what its engine throws is an `EngineError`. */
export type LedgerErrorCode = Extract<
  ErrorCode,
  | `ledger-${string}`
  | 'record-corrupt'
  | 'requester-erased'
  | 'key-file-unreadable'
  | 'not-found'
  | 'parameter-invalid'
  | 'option-invalid'
>;

/**
 * What the ledger throws. `ledger-corrupt`, `ledger-truncated` and `ledger-keys-differ` end the group: nothing is
 * accepted and no step is taken from then on. `record-corrupt` and `requester-erased` are about some
 * deferrals alone.
 */
export class LedgerError extends SlackwaterError {
  declare readonly code: LedgerErrorCode;

  constructor(code: LedgerErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** An acceptance whose entry may be recorded. It is to be repeated only with the same Idempotency-Key. */
export class FateUnknownError extends EngineError {
  /** The deferral's id, should it have been recorded. */
  readonly deferralId: string;

  constructor(deferralId: string, cause: EngineError) {
    super(
      cause.code,
      'unknown',
      `Whether deferral ${deferralId} is recorded is not known: ${cause.message}`,
      { cause },
    );
    this.deferralId = deferralId;
  }
}
