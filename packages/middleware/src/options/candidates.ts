import type { SourceContact } from '../drivers/driver.ts';

/**
 * What makes the requests of a work type candidates for being postponed: `always`, or criteria of which one is enough (`any`) or
 * all are needed (`all`).
 */
export type Candidates =
  | 'always'
  | { readonly any: readonly Criterion[] }
  | { readonly all: readonly Criterion[] };

/** One thing that speaks for postponing a request: plain data, so that it can stand in a file. */
export type Criterion =
  | RequesterClassCriterion
  | MetricCriterion
  | ForecastCriterion
  | UnavailableCriterion
  | ScorerCriterion;

/** The requester is of one of these classes; the gate's `requesterClass` says of which. */
export interface RequesterClassCriterion {
  readonly requesterClass: readonly string[];
}

/** A measured metric is over a figure; equal is not over. */
export interface MetricCriterion {
  /** One of {@link metricNames}, or of the gate's `metrics`. */
  readonly metric: string;
  /** Left out for `commitLatencyMs` it is the work type's threshold, with states and recovery; required for all others. */
  readonly over?: number;
}

/** A level of workload is predicted for the partition. */
export interface ForecastCriterion {
  /** What is counted: requests that arrive, or commits that finish. */
  readonly forecast: 'requests' | 'commits';
  /** The level, per second; it must be exceeded. */
  readonly over: number;
  /** How far to look ahead, ms. */
  readonly withinMs: number;
  /** From which probability on it counts, 0 to 1. Default 0.5. */
  readonly probability?: number;
}

/** The partition's database can't be reached: it refuses connections, loses them, or does not answer in time. */
export interface UnavailableCriterion {
  readonly unavailable: true;
}

/** A scorer says so. */
export interface ScorerCriterion {
  /** One of the gate's `scorers`. */
  readonly scorer: string;
  /** For scorers that give a number: it must be exceeded. */
  readonly over?: number;
  /** For scorers that give a word: one of these. */
  readonly labels?: readonly string[];
}

/** The metrics that the gate measures by itself; the last part of a name is its unit, and a share is 0 to 1. */
export const metricNames = [
  'commitLatencyMs',
  'poolWaiters',
  'eventLoopUtilization',
  'eventLoopDelayMs',
  'rssBytes',
  'rssShare',
  'heapShare',
] as const;

/** One of {@link metricNames}. */
export type MetricName = (typeof metricNames)[number];

/** How a work type's candidates are found, checked. Where latency alone decides there is none. */
export interface CandidatePolicy {
  readonly mode: 'always' | 'any' | 'all';
  readonly criteria: readonly Criterion[];
  readonly neverDeferFor: readonly string[];
}

/** Why a database can't be reached. */
export type Unreachable = Exclude<SourceContact['outcome'], 'reached'>;

/** How the workload of partitions is predicted. */
export interface ForecastOptions {
  /** After so long the workload repeats itself, ms; a multiple of `bucketMs`. Default 24 hours. */
  readonly periodMs?: number;
  /** How finely it is looked at, ms. Default 300,000. */
  readonly bucketMs?: number;
  /** Of how many partitions; beyond that, the one that was quiet for longest is forgotten. Default 100. */
  readonly maxPartitions?: number;
}

/** What {@link ForecastOptions} are where they are left out. */
export const forecastDefaults = {
  periodMs: 24 * 3_600_000,
  bucketMs: 300_000,
  maxPartitions: 100,
} as const satisfies Required<ForecastOptions>;
