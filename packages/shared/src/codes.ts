/**
 * Every code that Slackwater gives to a machine: one closed union for errors, one for the reasons of a
 * decision. `docs/reference/errors.md` has a line for each, and a test holds the two together.
 */

/** Codes of problem documents, of a deferral's `error`, and of the errors that the packages throw. */
export const errorCodes = [
  // answers to a request
  'retry-later',
  'record-fate-unknown',
  'idempotency-key-invalid',
  'idempotency-key-reused',
  'idempotency-key-in-use',
  'already-performed',
  'request-invalid',
  'not-found',
  'not-cancelable',
  'not-redrivable',
  'parameter-invalid',
  'change-refused',
  'precondition-failed',
  'method-not-allowed',
  'internal-error',
  'timed-out',
  // what became of a deferral
  'route-refused',
  'route-failed',
  'route-missing',
  'attempt-timed-out',
  'attempts-exhausted',
  'record-corrupt',
  'requester-erased',
  'interrupted-between-transactions',
  'transaction-in-one-string',
  'statement-outside-transaction',
  'identity-not-restored',
  'postponed-too-long',
  'outcome-too-large',
  'outcome-lost',
  'canceled-by-requester',
  // parts and compensations
  'part-unknown',
  'part-refused',
  'part-not-deferred',
  'handler-missing',
  'request-failed',
  'compensation-not-needed',
  // batches
  'batch-busy',
  'batch-closed',
  'batch-source-failed',
  'batch-item-invalid',
  'batch-perform-failed',
  'batch-interrupted',
  'batch-postponed-too-long',
  // operations
  'operation-invalid',
  'operation-closed',
  'operation-canceled',
  'operation-unknown',
  'operation-elsewhere',
  'task-failed',
  'task-timed-out',
  'task-aborted',
  'task-interrupted',
  'task-answer-invalid',
  'task-outputs-lost',
  'task-undo-failed',
  'stage-invalid',
  'function-missing',
  'function-refused',
  // set-up
  'option-invalid',
  'option-unknown',
  'option-missing',
  'peer-missing',
  'completion-table-missing',
  'key-file-unreadable',
  // the ledger and its engine
  'engine-full',
  'engine-unavailable',
  'engine-corrupt',
  'engine-timeout',
  'engine-closed',
  'index-behind',
  'ledger-corrupt',
  'ledger-truncated',
  'ledger-keys-differ',
  'ledger-copy-unfinished',
  // verification
  'note-malformed',
  'note-unverified',
  'checkpoint-malformed',
  'receipt-malformed',
  'receipt-unverified',
  'verifier-key-malformed',
  'canonical-json-refused',
  'entry-malformed',
  'block-malformed',
  'tile-malformed',
  // the client SDK
  'deadline-exceeded',
  'aborted',
  'retries-exhausted',
  'body-not-repeatable',
  'status-url-foreign',
  'status-refused',
  'deferral-failed',
  'deferral-canceled',
  'response-malformed',
] as const;

/** One of {@link errorCodes}. */
export type ErrorCode = (typeof errorCodes)[number];

/** Why a request was performed, asked to retry later, or deferred. The first reason of a list decided. */
export const reasonCodes = [
  // perform
  'clear',
  'exempt',
  'unclaimed-safe-method',
  'partition-unknown',
  'recovered-share',
  'probe',
  'floor',
  'replay',
  // postpone
  'over-threshold',
  'others-over-threshold',
  'recovering',
  'more-important-first',
  'requester-share',
  'majority-over',
  'one-over',
  'order-key-waiting',
  'always-defer',
  'database-unreachable',
  'requester-class',
  'metric-over',
  'workload-predicted',
  'scored',
  // deferred by the application itself
  'part',
  'compensation',
  // retry later although the work type may be deferred
  'not-asked',
  'requester-unknown',
  'identity-not-captured',
  'body-not-capturable',
  'body-too-large',
  'completion-table-missing',
  'ledger-full',
  'ledger-unavailable',
  'ledger-timeout',
  'queue-full',
  'group-unknown',
  'never-defer-class',
  // what could not be asked
  'work-type-unknown',
  'requester-class-unknown',
  'metric-unavailable',
  'scorer-unavailable',
  // the gate's own trouble
  'option-function-failed',
  'index-behind',
] as const;

/** One of {@link reasonCodes}. */
export type ReasonCode = (typeof reasonCodes)[number];
