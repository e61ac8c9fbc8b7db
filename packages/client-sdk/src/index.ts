// the client
export { type CreateClientOptions, createClient, type SlackwaterClient, slackwater } from './client.ts';
export type { CallOptions, ClientOptions, DeferralNotice, RetryNotice } from './options.ts';
export type { SlackwaterRequestConfig } from './call/prepare.ts';
export type { PartsSaid, Provenance, SlackwaterResponse } from './call/settle.ts';
export type { Credentials, CredentialsNeed } from './retry/credentials.ts';
export type { RetryReason } from './retry/decide.ts';
// deferrals
export type { Poller, PollOptions, RecordedProof } from './deferral/poller.ts';
// the ledger
export type { AuditClient } from './audit/audit-client.ts';
export type { Page } from './audit/pages.ts';
export type {
  AuditCheckpoint,
  AuditCount,
  AuditDeferral,
  AuditDimension,
  AuditEntry,
  AuditFilters,
  AuditListFilters,
  AuditMapping,
  AuditReceipt,
  MappedBy,
  RevealedParameter,
  RevealQuery,
} from './audit/types.ts';
// proof
export type { SeenCheckpoint } from './proof/receipt-book.ts';
export { memoryStore, type ReceiptStore, webStore } from './proof/store.ts';
export type { Verification } from './proof/verify-deferral.ts';
// watching
export type { ClientLog, ClientLogEntry, ClientStep, StepFacts } from './telemetry.ts';
// errors
export { ClientError, type ClientErrorFacts } from './errors/client-error.ts';
export {
  DeferralCanceledError,
  DeferralFailedError,
  DeferralNotFoundError,
  InputNotTakenError,
  NotCancelableError,
  StatusRefusedError,
} from './errors/deferrals.ts';
export { type CheckpointEvidence, LedgerForkError } from './errors/fork.ts';
export type { FailureFacts } from './errors/facts.ts';
export { type ClientErrorsByCode, failureFactsOf, isClientError } from './errors/guards.ts';
export {
  OptionInvalidError,
  OptionMissingError,
  OptionUnknownError,
  VerifierKeyShapeError,
} from './errors/set-up.ts';
export {
  AnswerMalformedError,
  ParameterRefusedError,
  ReceiptMismatchError,
  ReceiptStoreError,
  StatusUrlForeignError,
} from './errors/trust.ts';
export {
  AbortedError,
  BodyNotRepeatableError,
  DeadlineExceededError,
  RetriesExhaustedError,
} from './errors/waiting.ts';
