import type { ErrorCode } from '@slackwater/shared';
import type { Mode } from '../decide/mode.ts';
import type { ShadowReport } from '../decide/shadow-tally.ts';
import type { DecisionTally } from './decision-tally.ts';

/** What metrics are read from when somebody asks for them. */
export interface MetricSources {
  /** Names of work types, the most important first. */
  readonly workTypes: readonly { readonly name: string; readonly exempt: boolean }[];
  readonly decisions: Pick<DecisionTally, 'list' | 'returns'>;
  readonly shadow: () => ShadowReport;
  readonly partitions: () => Iterable<MeasuredPartition>;
  readonly stateOf: (rank: number, partition: string) => Mode['kind'];
  /** Ms; infinite where there is none. */
  readonly thresholdOf: (rank: number, partition: string) => number;
  /** The share of those who return that succeeds there, 0 to 1; undefined where nobody was asked to. */
  readonly returnShareOf: (partition: string) => number | undefined;
  /** Of each resource group; undefined without an engine. */
  readonly ledgers: (() => readonly LedgerReading[]) | undefined;
  readonly batches: () => readonly MeasuredBatch[];
  /** How many deferrals are on the queues; a queue that can't be asked in time is rejected by itself. */
  readonly queued: () => Promise<readonly PromiseSettledResult<QueuedReading>[]>;
}

/** What the latency table knows of a partition. */
export interface MeasuredPartition {
  readonly partition: string;
  readonly valueMs: number | undefined;
  readonly samples: number;
  readonly unfinished: number;
}

/** How many deferrals are on the queue of a resource group. */
export interface QueuedReading {
  readonly group: string;
  readonly items: number;
  readonly partitions: readonly QueuedPartition[];
}

/** What of it is of one partition. */
export interface QueuedPartition {
  readonly partition: string;
  readonly items: number;
  readonly paused: boolean;
  /** For how long the one has waited that has waited longest; undefined where none waits. */
  readonly oldestMs: number | undefined;
}

/** How a gate stands with the ledger of a resource group. */
export interface LedgerReading {
  readonly group: string;
  readonly ready: boolean;
  readonly performing: number;
  /** Undefined for engines without servers, and before it is open. */
  readonly engine: { readonly connected: boolean; readonly behind: number } | undefined;
  /** Undefined while there is no index for audits. */
  readonly index:
    | {
        readonly entries: number;
        readonly behind: number;
        readonly corrupt: number;
        readonly parked: number;
      }
    | undefined;
}

/** How a batch stands. */
export interface MeasuredBatch {
  readonly name: string;
  readonly state: string;
  readonly postponements: number;
  /** RFC 3339. */
  readonly nextDueAt?: string;
}

/** What is counted as it happens. */
export interface MetricCounts {
  /** By work type, and the state it came to. */
  readonly stateChanges: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** By work type: from recovering to over. */
  readonly retrips: ReadonlyMap<string, number>;
  /** By resource group, and event. */
  readonly deferrals: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** By resource group, and what became of them. */
  readonly webhooks: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** By batch, and how its runs ended. */
  readonly batchRuns: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** By batch, and what became of its items. */
  readonly batchItems: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly troubles: ReadonlyMap<ErrorCode | 'other', number>;
}

/** One value with the values of the metric's labels, in their order. */
export type LabeledValue = readonly [value: number, ...labels: string[]];
