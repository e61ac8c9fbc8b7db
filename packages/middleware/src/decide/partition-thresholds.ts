import { type AutoBounds, type AutoThresholdRules, autoBounds, autoThreshold } from './auto-threshold.ts';
import { type Baseline, learned } from './baseline.ts';
import type { WorkTypeRank } from './work-type.ts';

/** Between two values that are learned from, ms: what comes sooner teaches nothing new. */
const learnEveryMs = 100;

/** The thresholds on one partition, by rank: those that are given, and those that it has taught by its own latency. */
export class PartitionThresholds {
  readonly #ranks: readonly WorkTypeRank[];
  readonly #rules: AutoThresholdRules;
  #present: number[] = [];
  #bounds: readonly (AutoBounds | undefined)[] = [];
  /** The lowest of those that are `auto`; infinite where none is. */
  #lowestAuto = Number.POSITIVE_INFINITY;
  #baseline: Baseline | undefined;

  constructor(ranks: readonly WorkTypeRank[], rules: AutoThresholdRules) {
    this.#ranks = ranks;
    this.#rules = rules;
    this.rankAgain();
  }

  /** Ms; infinite for work that is never postponed. */
  of(rank: number): number {
    return this.#present[rank] ?? Number.POSITIVE_INFINITY;
  }

  /** Whether the threshold of that rank is `auto`. */
  isAuto(rank: number): boolean {
    return this.#bounds[rank] !== undefined;
  }

  /** Whether any is. */
  get learns(): boolean {
    return this.#lowestAuto !== Number.POSITIVE_INFINITY;
  }

  /** What was learned, ms; undefined before anything was. */
  get baselineMs(): number | undefined {
    return this.#baseline?.valueMs;
  }

  /**
   * Learns from the latency value at an instant at which every work type with an `auto` threshold is clear. One that is over any
   * of these thresholds teaches nothing, nor does one that is unknown.
   */
  learn(valueMs: number, now: number): void {
    if (!(valueMs <= this.#lowestAuto)) return;
    if (this.#baseline !== undefined && now - this.#baseline.at < learnEveryMs) return;
    this.#baseline = learned(this.#baseline, valueMs, now, this.#rules.warmUpMs);
    this.#refresh();
  }

  /** The given thresholds have changed. */
  rankAgain(): void {
    this.#bounds = autoBounds(this.#ranks, this.#rules);
    this.#refresh();
  }

  #refresh(): void {
    this.#present = this.#ranks.map(({ thresholdMs }, rank) => {
      const bounds = this.#bounds[rank];
      if (bounds !== undefined) return autoThreshold(bounds, this.#baseline, this.#rules);
      return typeof thresholdMs === 'number' ? thresholdMs : Number.POSITIVE_INFINITY;
    });
    this.#lowestAuto = this.#present.reduce(
      (lowest, ms, rank) => (this.isAuto(rank) ? Math.min(lowest, ms) : lowest),
      Number.POSITIVE_INFINITY,
    );
  }
}
