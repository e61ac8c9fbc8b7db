import type { Engine } from '../engines/engine.ts';
import type { FailureRule } from '../operations/failure-rule.ts';
import type { PartOptions } from '../perform/parts/part-options.ts';
import type { PerformerOptions } from '../perform/performer-options.ts';
import type { MonitorTarget, WebhookPolicy, WebhookTarget } from '../perform/webhooks/webhook-types.ts';
import type { Scorer } from '../scorers/scorer.ts';
import type { AuthOptions } from './auth-options.ts';
import type { AutoThresholdOptions } from './auto-threshold-options.ts';
import type { CandidatePolicy, ForecastOptions } from './candidates.ts';
import type { LedgerOptions } from './ledger-options.ts';
import type {
  AskRequest,
  LatencyOptions,
  OfRequest,
  RouteRequest,
  SlackwaterOptions,
  WorkTypeOptions,
} from './options.ts';
import type { ResolvedPrometheus } from './prometheus-options.ts';
import type { Threshold } from './read-threshold.ts';

/** A work type with everything said. */
export interface WorkTypePolicy {
  readonly name: string;
  /** 1 is the most important. */
  readonly priority: number;
  /** Never postponed. */
  readonly exempt: boolean;
  /**
   * Latency value above which it is postponed, in ms, not rounded; `auto` where each partition teaches its own; undefined where it
   * is exempt.
   */
  readonly thresholdMs: Threshold | undefined;
  readonly whenOver: 'defer' | 'retry-later';
  /** Undefined where commit latency alone decides. */
  readonly candidates: CandidatePolicy | undefined;
  /** Undefined where nothing is promised. */
  readonly maxDelayMs: number | undefined;
  /** Undefined where it may be postponed for any time. */
  readonly maxPostponeMs: number | undefined;
  readonly whenPostponedTooLong: 'alert' | 'perform' | 'fail';
  readonly deferWithoutAsking: boolean;
  readonly acknowledge: 'deferred' | 'succeeded';
  /** There wherever `acknowledge` is `succeeded`. */
  readonly result: WorkTypeOptions['result'] | undefined;
  /** Undefined where nothing is undone. */
  readonly compensate: WorkTypeOptions['compensate'] | undefined;
  readonly validate: WorkTypeOptions['validate'] | undefined;
  readonly repeatable: boolean;
  /** Undefined where nobody is told. */
  readonly webhook: WebhookTarget | undefined;
  /** What would be postponed is let through. */
  readonly shadow: boolean;
}

/** One rule of the table of routes. */
export interface RouteRule {
  /** Upper case, or `*` for any. */
  readonly method: string;
  /** A pattern that path-to-regexp 8 reads. */
  readonly pattern: string;
  /** Where it is a name, a work type of that name exists. */
  readonly workType: OfRequest<string | undefined, RouteRequest>;
  readonly partition: OfRequest<string | readonly string[] | undefined, RouteRequest>;
  readonly orderKey: OfRequest<string | undefined, RouteRequest>;
}

/** The ledger's options; its origin is made by the ledger where none is given. */
export type ResolvedLedger = Required<Omit<LedgerOptions, 'origin' | 'indexDirectory'>> & {
  readonly origin: string | undefined;
  readonly indexDirectory: string | undefined;
};

/** A resource group with everything said. */
export interface GroupPolicy {
  readonly name: string;
  readonly engine: Engine;
  readonly ledger: ResolvedLedger;
}

/** What the gate was told, checked, with every default filled in. Later changes of what was given do not reach it. */
export interface ResolvedOptions {
  readonly application: string;
  /** The home group: where what belongs to no request is kept, such as changes of work types. */
  readonly group: string;
  /** At least one where there is an engine, the home group among them; none where there is none. */
  readonly groups: readonly GroupPolicy[];
  /** Of requests for which `groupFor` says nothing; undefined where it must say. */
  readonly defaultGroup: string | undefined;
  readonly groupFor: OfRequest<string | undefined>;
  /** The most important first, those of one priority in the order they were given; at least one. */
  readonly workTypes: readonly WorkTypePolicy[];
  /** The name of one of `workTypes`. */
  readonly defaultWorkType: string;
  /** In the order in which they are tried. */
  readonly routes: readonly RouteRule[];
  readonly classify: AskRequest<string | undefined> | undefined;
  readonly partition: OfRequest<string | readonly string[] | undefined>;
  readonly requester: AskRequest<string | undefined> | undefined;
  readonly requesterClass: AskRequest<string | undefined> | undefined;
  readonly metrics: ReadonlyMap<string, () => number | Promise<number>>;
  readonly metricEveryMs: number;
  readonly forecast: Required<ForecastOptions>;
  readonly scorers: ReadonlyMap<string, Scorer>;
  readonly scorerTimeoutMs: number;
  readonly scorerFacts: AskRequest<Readonly<Record<string, unknown>>> | undefined;
  readonly capture: AskRequest<unknown> | undefined;
  readonly restore: SlackwaterOptions['restore'] | undefined;
  /** Lower case, each once. */
  readonly captureHeaders: readonly string[];
  readonly parts: ReadonlyMap<string, PartOptions>;
  readonly engine: SlackwaterOptions['engine'] | undefined;
  readonly shareLatency: boolean;
  readonly latency: Required<LatencyOptions>;
  readonly autoThreshold: Required<AutoThresholdOptions>;
  readonly ledger: ResolvedLedger;
  readonly perform: PerformerOptions;
  /** Undefined where no webhook is ever sent. */
  readonly webhooks: WebhookPolicy | undefined;
  readonly failureAlerts: readonly FailureRule[];
  /** By type of task; `*` for those that have none of their own. */
  readonly monitors: ReadonlyMap<string, MonitorTarget>;
  readonly auth: AuthOptions | undefined;
  readonly prometheus: ResolvedPrometheus | undefined;
  readonly explain: 'off' | 'on' | 'scope';
  readonly keepDecisions: number;
  /** Begins with a slash and does not end with one. */
  readonly basePath: string;
  /** Absolute, without a slash at its end; undefined for relative URLs. */
  readonly publicUrl: string | undefined;
  readonly maxBodyBytes: number;
  readonly retryAfterCapMs: number;
  readonly maxLearnedRoutes: number;
  readonly maxLearnedRouteAgeMs: number;
}
