// headers
export {
  exposedHeaderNames,
  headerNames,
  keysKept,
  type OutcomeState,
  outcomeStates,
  parseOutcomeState,
} from './header-names.ts';
export { formatPrefer, type Preferences, parsePrefer } from './prefer.ts';
export { formatIdempotencyKey, IdempotencyKeyError, parseIdempotencyKey } from './idempotency-key.ts';
export { formatRetryAfter, parseRetryAfter, parseRetryAfterMs } from './retry-after.ts';
export { parseHttpDate } from './http-date.ts';
export {
  type DeferredHeader,
  type DeferredPortion,
  formatDeferredHeader,
  parseDeferredHeader,
} from './deferred-header.ts';
export { type DecisionHeader, formatDecisionHeader } from './decision-header.ts';

// bodies
export {
  createProblem,
  isProblem,
  isRetryLaterProblem,
  type Problem,
  type ProblemCode,
  parseProblem,
  problemContentType,
  problemKinds,
  problemType,
  type RetryLaterProblem,
} from './problem.ts';
export type {
  DeferralPhase,
  DeferralResource,
  DeferralStatus,
  Durability,
  Reversal,
} from './deferral.ts';
export {
  deferralPhases,
  deferralStatuses,
  isDeferralResource,
  parseDeferralResource,
  ResponseMalformedError,
} from './deferral-check.ts';
export type { Because, ForecastBecause, ScoreBecause } from './because.ts';
export {
  isOperationReport,
  type OperationReport,
  type ReportedAttempt,
  type ReportedCheck,
  type ReportedFailure,
  type ReportedStage,
  type ReportedTask,
  type ReportedValue,
} from './operation-report.ts';
export {
  isOperationProgress,
  type OperationFailurePlace,
  type OperationProgress,
  type OperationRunStatus,
  operationRunStatuses,
  type StageProgress,
  type TaskProgress,
  taskProgressPhases,
} from './operation-progress.ts';

// codes and errors
export { type ErrorCode, errorCodes, type ReasonCode, reasonCodes } from './codes.ts';
export { isSlackwaterError, SlackwaterError } from './errors.ts';
export { ParameterError } from './parameter-error.ts';
export {
  BlockMalformedError,
  CanonicalJsonError,
  CheckpointMalformedError,
  EntryMalformedError,
  NoteMalformedError,
  NoteUnverifiedError,
  ReceiptMalformedError,
  ReceiptUnverifiedError,
  TileMalformedError,
  VerifierKeyError,
} from './verification-errors.ts';

// the ledger's entries and blocks
export {
  type EntryType,
  entryTypes,
  type JsonValue,
  type LedgerBlock,
  type LedgerEntry,
  ownMethods,
  type WorkTypeChange,
  type WorkTypeValues,
} from './entry.ts';
export { encodeEntry, maxEntryBytes, parseEntry } from './entry-codec.ts';
export {
  type BlockCheck,
  type BlockInput,
  type BlockTask,
  type FunctionPointer,
  type OperationBlock,
  type OperationEntryType,
  type OperationStep,
  operationEntryTypes,
  type StepEnd,
  stepEnds,
} from './operation-entry.ts';
export type { TaskFailing, TaskFailure } from './task-failing.ts';
export { blockHash, encodeBlock, maxBlockLength, parseBlock } from './block-codec.ts';
export { outcomeDigest, payloadDigest, type RecordedRequest } from './payload-digest.ts';
export { canonicalJson } from './canonical-json.ts';
export { fromBase64, toBase64 } from './base64.ts';

// the ledger's tree
export { emptyRoot, leafHash, nodeHash } from './merkle-hash.ts';
export type { HashOptions } from './hash.ts';
export { consistencyProof, inclusionProof, merkleRoot } from './merkle-tree.ts';
export {
  consistencyPath,
  foldSubtrees,
  inclusionPath,
  type LeafRange,
  type Subtree,
  subtreesOf,
} from './merkle-path.ts';
export {
  type ConsistencyClaim,
  type InclusionClaim,
  verifyConsistency,
  verifyInclusion,
} from './merkle-verify.ts';
export { GrowingTree } from './growing-tree.ts';

// signed heads and receipts
export { formatNote, type NewNoteSignature, type NoteSignature, type OpenedNote, openNote } from './note.ts';
export {
  formatVerifierKey,
  noteKeyId,
  parseVerifierKey,
  type VerifierKey,
} from './verifier-key.ts';
export type { VerifyOptions } from './ed25519.ts';
export { type Checkpoint, formatCheckpoint, parseCheckpoint } from './checkpoint.ts';
export { type VerifiedCheckpoint, verifyCheckpoint } from './checkpoint-verify.ts';
export { formatReceipt, parseReceipt, type Receipt } from './receipt.ts';
export { type VerifiedReceipt, verifyReceipt } from './receipt-verify.ts';
export { judgePromise, type PromiseEvidence, type PromiseState, type ProvenEntry } from './promise.ts';
export {
  decodeRotations,
  encodeRotations,
  formatRotation,
  type KeyRotation,
  verifyRotation,
  walkRotations,
} from './rotation.ts';

// tiles
export { formatTilePath, parseTilePath, type TileName, tilesOf, tileWidth } from './tile-path.ts';
export { formatEntryBundle, parseEntryBundle, parseHashTile } from './tile-bytes.ts';

// the whole ledger
export { type LedgerBytes, verifyLedger } from './verify-ledger.ts';
export { type LedgerTrust, LedgerVerifier } from './ledger-verifier.ts';
export {
  type LedgerFault,
  type LedgerRefused,
  type LedgerReport,
  type LedgerVerified,
  ledgerFaults,
} from './ledger-report.ts';
export type { LifeCounts } from './ledger-lives.ts';
export { type LifeFault, lifeFaults } from './life-rules.ts';
export { type RunFault, runFaults } from './run-rules.ts';

// webhooks
export {
  signWebhook,
  verifyWebhook,
  type WebhookMessage,
  type WebhookToSign,
  type WebhookTrust,
  webhookHeaders,
  webhookKey,
  webhookToleranceMs,
} from './webhook.ts';
