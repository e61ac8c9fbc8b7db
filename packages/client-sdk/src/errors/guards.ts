import { isSlackwaterError } from '@slackwater/shared';
import { isAxiosError } from 'axios';
import type { ClientError } from './client-error.ts';
import type {
  DeferralCanceledError,
  DeferralFailedError,
  DeferralNotFoundError,
  InputNotTakenError,
  NotCancelableError,
  StatusRefusedError,
} from './deferrals.ts';
import type { FailureFacts } from './facts.ts';
import type { LedgerForkError } from './fork.ts';
import type {
  OptionInvalidError,
  OptionMissingError,
  OptionUnknownError,
  VerifierKeyShapeError,
} from './set-up.ts';
import type {
  AnswerMalformedError,
  ParameterRefusedError,
  ReceiptMismatchError,
  ReceiptStoreError,
  StatusUrlForeignError,
} from './trust.ts';
import type {
  AbortedError,
  BodyNotRepeatableError,
  DeadlineExceededError,
  RetriesExhaustedError,
} from './waiting.ts';

/** The class of each code that this client throws. */
export interface ClientErrorsByCode {
  readonly 'deadline-exceeded': DeadlineExceededError;
  readonly aborted: AbortedError;
  readonly 'retries-exhausted': RetriesExhaustedError;
  readonly 'body-not-repeatable': BodyNotRepeatableError;
  readonly 'status-url-foreign': StatusUrlForeignError;
  readonly 'receipt-unverified': ReceiptMismatchError;
  readonly 'receipt-store-failed': ReceiptStoreError;
  readonly 'ledger-forked': LedgerForkError;
  readonly 'response-malformed': AnswerMalformedError;
  readonly 'parameter-invalid': ParameterRefusedError;
  readonly 'deferral-failed': DeferralFailedError;
  readonly 'deferral-canceled': DeferralCanceledError;
  readonly 'not-found': DeferralNotFoundError;
  readonly 'not-cancelable': NotCancelableError;
  readonly 'input-refused': InputNotTakenError;
  readonly 'status-refused': StatusRefusedError;
  readonly 'verifier-key-malformed': VerifierKeyShapeError;
  readonly 'option-invalid': OptionInvalidError;
  readonly 'option-unknown': OptionUnknownError;
  readonly 'option-missing': OptionMissingError;
}

/**
 * Whether an error is one that this client threw by itself, and of that code where one is given. It goes by mark and code and not by
 * class, so it also knows errors of another copy of the package.
 */
export function isClientError(error: unknown): error is ClientError;
export function isClientError<Code extends keyof ClientErrorsByCode>(
  error: unknown,
  code: Code,
): error is ClientErrorsByCode[Code];
export function isClientError(error: unknown, code?: string): boolean {
  return isSlackwaterError(error) && 'attempts' in error && (code === undefined || error.code === code);
}

/**
 * What is known of a failed call, whatever it was rejected with: an error of this client, or an AxiosError of a call of it. Undefined for
 * anything else.
 */
export function failureFactsOf(error: unknown): FailureFacts | undefined {
  if (isClientError(error)) return error;
  if (!isAxiosError(error)) return undefined;
  return factsByError.get(error);
}

const shared = Symbol.for('slackwater.failure-facts');

/** Facts of AxiosErrors, which are left as axios made them. One map for all copies of the package. */
const factsByError: WeakMap<object, FailureFacts> = sharedMap();

function sharedMap(): WeakMap<object, FailureFacts> {
  const known: unknown = Reflect.get(globalThis, shared);
  if (known instanceof WeakMap) return known as WeakMap<object, FailureFacts>;
  const made = new WeakMap<object, FailureFacts>();
  Reflect.set(globalThis, shared, made);
  return made;
}

/** Notes what is known of a call that ends with an AxiosError. */
export function noteFailureFacts(error: unknown, facts: FailureFacts): void {
  if (isAxiosError(error)) factsByError.set(error, facts);
}
