// the gate
export { slackwater } from './slackwater.ts';
export type {
  CountQuery,
  IndexCount,
  IndexCounts,
  IndexedDeferral,
  IndexFilter,
  IndexPage,
  IndexQuery,
} from './audit/index/contract.ts';
export type {
  Gate,
  GateAudit,
  GateDeferrals,
  GateGroup,
  GateLedger,
  RequesterErased,
} from './options/gate.ts';
export type {
  CorruptEvent,
  DecisionEvent,
  GateEvents,
  GateWarning,
  StateEvent,
  WorkTypeEvent,
} from './options/gate-events.ts';
export type { DecisionFilter, KeptDecision } from './answer/decision-ring.ts';
export type { ShadowCounts, ShadowReport } from './decide/shadow-tally.ts';
export type { GateQueue, PartitionQueue, QueueTerms, QueueView } from './options/gate-queue.ts';
export type { ChangeResult, ChangeTerms, GateWorkTypes, WorkTypeView } from './options/gate-work-types.ts';
export type { MetricRegistry, PrometheusOptions } from './options/prometheus-options.ts';
export type { WorkTypeChanges } from './options/change-work-type.ts';
export type { AuthOptions } from './options/auth-options.ts';
export type {
  DeferOptions,
  DeferredPart,
  PartName,
  PayloadOf,
  RequestParts,
  RequestReplay,
  RequestSlackwater,
  WithSlackwater,
} from './options/request-slackwater.ts';
export type { AutoThresholdOptions } from './options/auto-threshold-options.ts';
export type { LedgerOptions } from './options/ledger-options.ts';
export type { FailureAlertOptions } from './options/failure-alert-options.ts';
export type { MonitorOptions, WebhookDeliveryOptions, WebhookOptions } from './options/webhook-options.ts';
export type { ResourceGroupOptions } from './options/group-options.ts';
export type {
  AskRequest,
  LatencyOptions,
  OfRequest,
  RouteOptions,
  RouteRequest,
  SlackwaterOptions,
  WorkTypeOptions,
} from './options/options.ts';

// candidates for being deferred
export type {
  Candidates,
  Criterion,
  ForecastCriterion,
  ForecastOptions,
  MetricCriterion,
  MetricName,
  RequesterClassCriterion,
  ScorerCriterion,
  UnavailableCriterion,
} from './options/candidates.ts';
export { modelScorer } from './scorers/model-scorer.ts';
export type { ScorerFileOptions } from './scorers/scorer-options.ts';
export type { Scorer, ScorerAnswer, ScorerFacts } from './scorers/scorer.ts';

// measuring
export { commit, type CommitNote } from './drivers/commit.ts';
export type { LatencyTable, PartitionRow } from './measure/latency-table.ts';
export type { LatencyReading, Statistic } from './measure/latency-value.ts';

// the ledger and its engines
export type { Ledger } from './ledger/open-ledger.ts';
export type { RecordMapping } from './ledger/mapping.ts';
export type { ParameterValue } from './ledger/revealed-value.ts';
export type { RevealRequest } from './ledger/reveal.ts';
export { createKeyFile } from './ledger/keys.ts';
export { sqliteEngine, type SqliteEngineOptions } from './engines/sqlite/sqlite-engine.ts';
export type { Engine } from './engines/engine.ts';

// performing
export type { PerformerOptions } from './perform/performer-options.ts';
export type { WebhookDeferral, WebhookEvent, WebhookReport } from './perform/webhooks/webhook-types.ts';
export type { PerformerEvent } from './perform/performer-events.ts';
export { isReplay, skipOnReplay } from './perform/skip-on-replay.ts';
export { replayOf, type ReplayInfo } from './perform/replay-identity.ts';

// parts, and undoing
export { slackwaterOf } from './answer/parts/gate-request.ts';
export type {
  Compensate,
  CompensationContext,
  OwnContext,
  PartContext,
  PartOptions,
  PartPayloads,
  PayloadsOf,
} from './perform/parts/part-options.ts';

// batches
export type { Batch } from './perform/batches/batch.ts';
export type { BatchEvent } from './perform/batches/batch-events.ts';
export type { BatchOptions } from './perform/batches/batch-options.ts';
export type { BatchStatus } from './perform/batches/batch-status.ts';
export type {
  BatchContext,
  BatchFailures,
  BatchItem,
  BatchRun,
  BatchSource,
  ExcludedPartition,
  FailedItem,
  RunOutcome,
  RunTrigger,
  SourceAsked,
} from './perform/batches/batch-types.ts';
export type { BatchSchedule } from './perform/batches/schedule.ts';

// operations of dependent tasks
export { defineOperation } from './operations/define-operation.ts';
export type { OperationDefinition, TaskContext, TaskEnd, UndoFacts } from './operations/definition.ts';
export { type Declared, external, type ExternalInput, type } from './operations/labels.ts';
export type { Callable } from './operations/callable.ts';
export { nameFunction } from './operations/functions.ts';
export { operationFromData } from './operations/operation-data.ts';
export { fromSource, sourceDigest } from './operations/source.ts';
export type { Operation, Stage, Task } from './operations/operation.ts';
export type { TaskFailingEvent } from './operations/tell-failing.ts';
export type { OperationEvent } from './operations/operation-events.ts';
export type { OperationFailure, OperationStatus, StageStatus, TaskStatus } from './operations/status.ts';
export type {
  DefinedOperation,
  GateOperations,
  OperationTerms,
  StartedOperation,
} from './options/gate-operations.ts';
export type { StoredDefinition } from './operations/stored-definitions.ts';
export type {
  AnsweredRun,
  OperationChoice,
  OperationHandlerOptions,
  OperationNamed,
} from './options/operation-handler.ts';
export { equals, matches, type Rule, type Verdict } from './operations/rules.ts';
export type { StandardSchema } from './operations/standard-schema.ts';
