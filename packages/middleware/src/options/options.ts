import type { Request } from 'express';
import type { Engine } from '../engines/engine.ts';
import type { Statistic } from '../measure/latency-value.ts';
import type { Compensate, PartOptions } from '../perform/parts/part-options.ts';
import type { PerformerOptions } from '../perform/performer-options.ts';
import type { Scorer } from '../scorers/scorer.ts';
import type { AuthOptions } from './auth-options.ts';
import type { AutoThresholdOptions } from './auto-threshold-options.ts';
import type { Candidates, ForecastOptions } from './candidates.ts';
import type { FailureAlertOptions } from './failure-alert-options.ts';
import type { ResourceGroupOptions } from './group-options.ts';
import type { LedgerOptions } from './ledger-options.ts';
import type { PrometheusOptions } from './prometheus-options.ts';
import type { MonitorOptions, WebhookDeliveryOptions, WebhookOptions } from './webhook-options.ts';

/** A request on a route of the table: `params` are those of its pattern; a wildcard's parts are joined by `/`. */
export type RouteRequest = Request & { readonly params: Readonly<Record<string, string>> };

/** A value, or a function of the request that gives it, at once or as a promise. */
export type OfRequest<Value, Req = Request> = Value | AskRequest<Value, Req>;

/** A function of the request. Written as a method so that it may ask for a narrower request type. */
export type AskRequest<Value, Req = Request> = { ask(req: Req): Value | Promise<Value> }['ask'];

/** What {@link slackwater} takes; every option may be left out. */
export interface SlackwaterOptions {
  /**
   * Name of the application, in entries and on disk: 1 to 64 letters, digits, dots, hyphens or underscores, beginning
   * with a letter or digit. Default `app`.
   */
  readonly application?: string;
  /**
   * The ledger's resource group; named like an application. With `groups`: the one of them that requests have for which
   * `groupFor` says nothing. Default `main`.
   */
  readonly group?: string;
  /** Several ledgers by the name of their group, each with keys, store and queue of its own. Default none; then there is one. */
  readonly groups?: Readonly<Record<string, ResourceGroupOptions>>;
  /** The group of a request, one of `groups`; undefined for `group`, where that is given. Default none. */
  readonly groupFor?: OfRequest<string | undefined>;
  /** Work types by name; named like an application. Default `{ default: { priority: 1 } }`. */
  readonly workTypes?: Readonly<Record<string, WorkTypeOptions>>;
  /** The work type of requests that no rule matches; one of `workTypes`. Default none; then the least important one. */
  readonly defaultWorkType?: string;
  /**
   * Threshold of work types that name none, ms, above 0 up to an hour; fractions count. `auto`: each partition teaches its own, by
   * `autoThreshold`. Default 250.
   */
  readonly thresholdMs?: number | 'auto';
  /** How thresholds that are `auto` follow what is usual on a partition. Default `{}`. */
  readonly autoThreshold?: AutoThresholdOptions;
  /** Shadow mode of work types that do not say: what would be postponed is counted and let through. Default false. */
  readonly shadow?: boolean;
  /**
   * Rules by method and path pattern (path-to-regexp 8): `POST /orders/:id`. Paths are matched whole, as the caller
   * sent them; the first rule that matches counts. `* /path` is any method. Default none.
   */
  readonly routes?: Readonly<Record<string, RouteOptions>>;
  /** The work type of a request whose rule names none; undefined for the default work type. Default none. */
  readonly classify?: AskRequest<string | undefined>;
  /**
   * The partition, or several, of a request whose rule names none; it is judged by the worst. Names have 1 to 200
   * characters. Default none; then it is learned, by route, from observed commits.
   */
  readonly partition?: OfRequest<string | readonly string[] | undefined>;
  /** Who the request is made for; undefined where nobody is known. Needed for deferring. Default none. */
  readonly requester?: AskRequest<string | undefined>;
  /**
   * The class of clients that a request comes from, such as `free`; undefined for none. For `candidates` and
   * `neverDeferFor`; it stands in the ledger as it is. Default none.
   */
  readonly requesterClass?: AskRequest<string | undefined>;
  /** Further metrics for `candidates`, by name; each is asked every `metricEveryMs`. Default none. */
  readonly metrics?: Readonly<Record<string, () => number | Promise<number>>>;
  /** How often metrics are measured, ms. Default 500. */
  readonly metricEveryMs?: number;
  /** How the workload of partitions is predicted. Default `{}`. */
  readonly forecast?: ForecastOptions;
  /** Scorers for `candidates`, by name. Default none. */
  readonly scorers?: Readonly<Record<string, Scorer>>;
  /** How long a scorer is waited for, ms. Default 50. */
  readonly scorerTimeoutMs?: number;
  /** What scorers are told of a request besides the usual. Default none. */
  readonly scorerFacts?: AskRequest<Readonly<Record<string, unknown>>>;
  /**
   * The authenticated identity to carry to the replay, as JSON values. Requests that came with credentials are
   * deferred only where it gives something. Needs `restore`. Default none.
   */
  readonly capture?: AskRequest<unknown>;
  /** Puts back on a replayed request what `capture` gave. Where it throws, the deferral is parked. Needs `capture`. Default none. */
  readonly restore?: { ask(req: Request, captured: unknown): void | Promise<void> }['ask'];
  /** Names of request headers that replays keep besides the allow-listed ones; never credentials. Default none. */
  readonly captureHeaders?: readonly string[];
  /** Parts of requests that handlers can defer, by name. Needs `engine` and `requester`. Default none. */
  readonly parts?: Readonly<Record<string, PartOptions<never>>>;
  /** Where the ledger lives. Without one nothing is deferred. Default none. */
  readonly engine?: Engine;
  /**
   * Tells other hosts the latency values of this one through the engine, and where this host has none for a partition,
   * goes by the others' median. Needs `engine`. Default false.
   */
  readonly shareLatency?: boolean;
  /** How latency is measured and probed. Default `{}`. */
  readonly latency?: LatencyOptions;
  /** What the ledger keeps, and for how long. Default `{}`. */
  readonly ledger?: LedgerOptions;
  /** How deferrals are performed. Default `{}`. */
  readonly perform?: Partial<PerformerOptions>;
  /** To whom webhooks may go, and how often they are sent. Default none; then no work type has a `webhook`. */
  readonly webhooks?: WebhookDeliveryOptions;
  /**
   * How often tasks of operations may fail before that is recorded and told; an empty list for never. Default none; then more than 10 times
   * in 5 minutes, and more than 100 times in one, of any type of task.
   */
  readonly failureAlerts?: readonly FailureAlertOptions[];
  /**
   * Who is told, by signed webhooks, that tasks of a type fail too often: by type of task, `*` for all others. Needs `webhooks` and `engine`.
   * Default none.
   */
  readonly monitors?: Readonly<Record<string, MonitorOptions>>;
  /** What Prometheus reads of the gate, and who may read it. Default none; then `{}` where `auth` is there, else there are none. */
  readonly prometheus?: PrometheusOptions;
  /** Who may audit and administer. Without it those resources do not exist. Default none. */
  readonly auth?: AuthOptions;
  /**
   * Says on answers how they were decided, in the header `Slackwater-Decision`: on none (`off`), all (`on`), or those to requests
   * whose token has the scope `audit:read` or `admin` (`scope`, which needs `auth`). Default `off`.
   */
  readonly explain?: 'off' | 'on' | 'scope';
  /** How many decisions are kept to be read; 0 for none. Default none; then 1,000 where `auth` is there, else 0. */
  readonly keepDecisions?: number;
  /** Where the gate serves its own resources, under the path it is mounted on. Default `/slackwater`. */
  readonly basePath?: string;
  /** Origin, and path of the mount if any, with which URLs are given out: `https://shop.example`. Default none; then URLs are relative. */
  readonly publicUrl?: string;
  /** The longest body that is deferred, bytes; up to 3 MiB. Default 1 MiB. */
  readonly maxBodyBytes?: number;
  /** The longest wait that a caller is asked for, ms. Default 30,000. */
  readonly retryAfterCapMs?: number;
  /** How many routes are remembered with the partitions they commit to. Default 1,000. */
  readonly maxLearnedRoutes?: number;
  /** How long a route is remembered to commit to a partition after it was last seen to, ms; not counted while it is held back. Default 3,600,000. */
  readonly maxLearnedRouteAgeMs?: number;
}

/** What {@link SlackwaterOptions} are where they are left out. */
export const gateDefaults = {
  application: 'app',
  group: 'main',
  thresholdMs: 250,
  shadow: false,
  captureHeaders: [],
  shareLatency: false,
  metricEveryMs: 500,
  scorerTimeoutMs: 50,
  explain: 'off',
  basePath: '/slackwater',
  maxBodyBytes: 1024 * 1024,
  retryAfterCapMs: 30_000,
  maxLearnedRoutes: 1_000,
  maxLearnedRouteAgeMs: 3_600_000,
} as const satisfies SlackwaterOptions;

/** One category of work. */
export interface WorkTypeOptions {
  /** 1 is the most important; a whole number up to 1,000. Required. */
  readonly priority: number;
  /** Never postponed, whatever the latency; then it has no threshold. Default false. */
  readonly exempt?: boolean;
  /**
   * Latency value above which it is postponed, ms, above 0 up to an hour; fractions count. `auto`: each partition teaches its own,
   * by the gate's `autoThreshold`. An exempt work type has none, which `null` says too. Default 250, unless the gate's
   * `thresholdMs` says otherwise.
   */
  readonly thresholdMs?: number | 'auto' | null;
  /** What its requests are answered while they are postponed: `defer` or `retry-later`. Default `retry-later`. */
  readonly whenOver?: 'defer' | 'retry-later';
  /**
   * What makes its requests candidates for being postponed. Default none; then commit latency does, and nothing else.
   */
  readonly candidates?: Candidates;
  /** Requesters of these classes are never deferred, whatever speaks for it. Needs `requesterClass`. Default none. */
  readonly neverDeferFor?: readonly string[];
  /**
   * Promises with each deferral, in its signed receipt, that it is performed or reported within this time, ms: 1,000 to 30 days.
   * Default none.
   */
  readonly maxDelayMs?: number;
  /**
   * For how long its deferrals may be postponed, ms, from their acceptance: 1,000 to 366 days. Then `whenPostponedTooLong` counts. Default
   * none.
   */
  readonly maxPostponeMs?: number;
  /**
   * What is done about a deferral that was postponed for longer: `alert` tells of it and goes on as before, `perform` performs it all
   * the same, `fail` fails it for good. Needs `maxPostponeMs`. Default `alert`.
   */
  readonly whenPostponedTooLong?: 'alert' | 'perform' | 'fail';
  /** Defers also for callers that do not say `Prefer: respond-async`. Default false. */
  readonly deferWithoutAsking?: boolean;
  /** Answers deferred requests with 202 (`deferred`) or with the success that `result` gives (`succeeded`). Default `deferred`. */
  readonly acknowledge?: 'deferred' | 'succeeded';
  /** The success given ahead of the work, for `acknowledge: 'succeeded'`; its body is sent as JSON. Default none. */
  readonly result?: AskRequest<{ readonly status?: number; readonly body?: unknown }>;
  /** Undoes what fails or is canceled after its success was told, for `acknowledge: 'succeeded'`. Default none. */
  readonly compensate?: Compensate;
  /** Refuses before acceptance what the route would refuse later: gives the reason, or undefined. Default none. */
  readonly validate?: AskRequest<string | undefined>;
  /** Its routes may be repeated from their start after a crash between two of their transactions. Default false. */
  readonly repeatable?: boolean;
  /** Who is told what became of its deferrals, by signed webhooks. Needs `webhooks`. Default none. */
  readonly webhook?: WebhookOptions;
  /**
   * Shadow mode: decides, counts and tells, and lets everything through. Exempt work has none. Default false, unless the
   * gate's `shadow` says otherwise.
   */
  readonly shadow?: boolean;
}

/** What {@link WorkTypeOptions} are where they are left out. */
export const workTypeDefaults = {
  exempt: false,
  whenOver: 'retry-later',
  deferWithoutAsking: false,
  acknowledge: 'deferred',
  whenPostponedTooLong: 'alert',
  repeatable: false,
} as const satisfies Partial<WorkTypeOptions>;

/** What is said of one route. */
export interface RouteOptions {
  /** One of `workTypes`. Default none; then what `classify` gives. */
  readonly workType?: OfRequest<string | undefined, RouteRequest>;
  /** What it commits to; one, or several. Default none; then what the gate's `partition` gives. */
  readonly partition?: OfRequest<string | readonly string[] | undefined, RouteRequest>;
  /** Deferrals of one key are performed in their order, and later requests do not overtake them. Default none. */
  readonly orderKey?: OfRequest<string | undefined, RouteRequest>;
}

/** How latency is measured and probed. */
export interface LatencyOptions {
  /** How many of the most recent commits of a partition count. Default 64. */
  readonly window?: number;
  /** Below so many known commits a partition is not over any threshold. Default 5. */
  readonly minSamples?: number;
  /** A commit counts for so long after it finished, ms. Default 30,000. */
  readonly maxSampleAgeMs?: number;
  /** What a commit whose answer never came counts as, ms. Default 30,000. */
  readonly commitTimeoutMs?: number;
  /** `median`, `mean`, `{ quantile: 0.9 }`, or a function of the samples, oldest first. Default `median`. */
  readonly statistic?: Statistic;
  /** How often a partition that is over is tried with one request or commit, ms. Default 200. */
  readonly probeEveryMs?: number;
  /** A probe without an end makes way for the next after this time, ms. Default 2,000. */
  readonly probeTimeoutMs?: number;
  /**
   * Of so many requests that a partition lets through while it is over or recovering, one is of each work type that waits; 0: none.
   * Default 20.
   */
  readonly floorOneIn?: number;
  /** How many partitions are remembered. Default 10,000. */
  readonly maxPartitions?: number;
}

/** What {@link LatencyOptions} are where they are left out. */
export const latencyDefaults = {
  window: 64,
  minSamples: 5,
  maxSampleAgeMs: 30_000,
  commitTimeoutMs: 30_000,
  statistic: 'median',
  probeEveryMs: 200,
  probeTimeoutMs: 2_000,
  floorOneIn: 20,
  maxPartitions: 10_000,
} as const satisfies Required<LatencyOptions>;
