import type { AutoThresholdOptions } from '../../packages/middleware/src/options/auto-threshold-options.ts';
import type { LatencyOptions, WorkTypeOptions } from '../../packages/middleware/src/options/options.ts';

/** What is simulated: a file of JSON, as docs/simulator.md describes it. Times are ms from the beginning. */
export interface Scenario {
  /** All chance comes from it. */
  readonly seed: number;
  readonly durationMs: number;
  /** How many hosts there are; the load is spread over them evenly, by chance. */
  readonly hosts: number;
  /** As the gate's option of that name. */
  readonly workTypes: Readonly<Record<string, WorkTypeOptions>>;
  readonly partitions: Readonly<Record<string, PartitionModel>>;
  readonly load: readonly Load[];
  readonly reportWindowMs: number;
  /** As the gate's option of that name. Default `{}`. */
  readonly latency?: LatencyOptions;
  /** As the gate's option of that name. Default `{}`. */
  readonly autoThreshold?: AutoThresholdOptions;
  /** As the gate's option of that name. Default 30,000. */
  readonly retryAfterCapMs?: number;
}

/** How a partition commits. */
export interface PartitionModel {
  /** How long a commit takes by itself, on average: each takes between half and one and a half of it. */
  readonly serviceMs: number;
  /** How many commits it works at at once, of all hosts; the others wait in order. */
  readonly parallel: number;
  /** Default none. */
  readonly faults?: readonly Fault[];
  /** How many connections each host has to it. Work that may be postponed leaves the last one free. Default 10. */
  readonly connections?: number;
  /** The entry stands for so many partitions, which share nothing; each request goes to one of them. Default 1. */
  readonly count?: number;
}

/** What is wrong for a time; exactly one of `factor`, `latencyMs` and `refuse`. */
export interface Fault {
  readonly fromMs: number;
  readonly toMs: number;
  /** Commits proceed so many times more slowly, those under way too. */
  readonly factor?: number;
  /** Commits begun meanwhile hang for so long before they are worked at, at most to the end of the fault. */
  readonly latencyMs?: number;
  /** Connections are refused: no commit can be begun, and requests that are let through fail. */
  readonly refuse?: boolean;
  /** How many of the hosts feel it, the first ones; default all. Not with `factor`, which is the partition's own. */
  readonly hosts?: number;
  /** The drivers' own probes do not feel it: what is slow is in the application's commits, as a trigger is. Not with `refuse`. Default false. */
  readonly sparesProbes?: boolean;
}

/** Requests that come on their own, at random instants. */
export interface Load {
  readonly workType: string;
  readonly partition: string;
  /** On average, at all hosts together. */
  readonly ratePerSecond: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly caller: CallerKind;
  /** The work fails before it commits, each time. Default false. */
  readonly fails?: boolean;
}

/** `sdk`: the client SDK. `obedient`: keeps to Retry-After, and knows nothing else. `naive`: repeats at once, then each second. */
export type CallerKind = (typeof callerKinds)[number];

/** All of {@link CallerKind}. */
export const callerKinds = ['sdk', 'obedient', 'naive'] as const;

/** What is meant where a member is left out. */
export const scenarioDefaults = { connections: 10, count: 1 } as const;
