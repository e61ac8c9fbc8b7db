import type { Clock } from '../clock.ts';
import type { CommitSource } from '../drivers/driver.ts';
import type { LatencyReading } from '../measure/latency-value.ts';
import type { AutoThresholdRules } from './auto-threshold.ts';
import type { Mode } from './mode.ts';
import type { WorkTypeRank } from './work-type.ts';

/** What admissions stand on. Durations in ms. */
export interface AdmissionsSetup {
  readonly clock: Clock;
  /** The most important first. */
  readonly ranks: readonly WorkTypeRank[];
  readonly measured: Measured;
  /** The latency of a partition by what other hosts say, ms; NaN where they say nothing that counts. Undefined where hosts do not share. */
  readonly othersOf: ((partition: string) => number) | undefined;
  /** The sources of a partition's commits. */
  readonly sourcesOf: (partition: string) => readonly CommitSource[];
  /** For thresholds that are `auto`. */
  readonly autoThreshold: AutoThresholdRules;
  readonly minSamples: number;
  readonly probeEveryMs: number;
  readonly probeTimeoutMs: number;
  /** Of so many that are let through while little is, one is of each work type that waits; 0: none. */
  readonly floorOneIn: number;
  readonly retryAfterCapMs: number;
  /** Beyond so many partitions, one that is clear is forgotten. */
  readonly maxPartitions: number;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  readonly onChange: (change: ModeChange) => void;
  /** A partition takes work again: what waits for it should ask. */
  readonly onOpening: (partition: string) => void;
  readonly onProbeFailed: (partition: string, error: unknown) => void;
}

/** What a partition has taught, where a threshold is `auto`. */
export interface LearnedThresholds {
  /** What its latency is while nothing is wrong, ms; absent before anything was learned. */
  readonly baselineMs?: number;
  /** The present thresholds, ms, by work type. */
  readonly thresholdsMs: Readonly<Record<string, number>>;
}

/** The latency of partitions. */
export interface Measured {
  valueOf(partition: string): number;
  /** Whether `valueOf` is surely not above `ms`, a whole number. */
  isWithin(partition: string, ms: number): boolean;
  read(partition: string, options?: { readonly since?: number }): LatencyReading;
}

/** A work type changed its state on a partition. */
export interface ModeChange {
  readonly partition: string;
  readonly workType: string;
  readonly from: Mode['kind'];
  readonly to: Mode['kind'];
  /** The latency that brought it about, ms: of the window, of one commit or probe, or of other hosts; undefined where none is known. */
  readonly valueMs: number | undefined;
}
