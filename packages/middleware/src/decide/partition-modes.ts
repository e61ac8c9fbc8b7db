import type { Commit } from '../drivers/driver.ts';
import type { AdmissionsSetup } from './admissions-setup.ts';
import {
  afterCommit,
  afterGoodProbe,
  afterLook,
  afterRefusal,
  initialMode,
  type Mode,
  type ModeRules,
} from './mode.ts';
import { PartitionThresholds } from './partition-thresholds.ts';
import { isGoodNews, type ProbeResult } from './source-probe.ts';

/** Until the next probes would have been due so many times, nobody must have been turned away before a state is clear. */
const quietProbes = 5;

/**
 * In which state every work type is on one partition: what brings it there is commits, probes and the latency value, and
 * `mode.ts` knows the ways. Ranks are indices, the most important first.
 */
export class PartitionModes {
  readonly #partition: string;
  readonly #setup: AdmissionsSetup;
  readonly #onTrouble: () => void;
  readonly #modes: Mode[];
  readonly #thresholds: PartitionThresholds;
  /** Since when each work type has not been clear. */
  readonly #troubledSince: number[] = [];
  /** When the last commit finished that says something about the state it is in. */
  #evidenceAt = Number.NEGATIVE_INFINITY;
  /** Every state is the initial one: the latency value alone decides. */
  #calm = true;

  /** `onTrouble` is called whenever a work type that was clear is so no more. */
  constructor(partition: string, setup: AdmissionsSetup, onTrouble: () => void) {
    this.#partition = partition;
    this.#setup = setup;
    this.#onTrouble = onTrouble;
    this.#modes = setup.ranks.map(() => initialMode);
    this.#thresholds = new PartitionThresholds(setup.ranks, setup.autoThreshold);
  }

  of(rank: number): Mode {
    return this.#modes[rank] ?? initialMode;
  }

  /** At which latency work types are over, here. */
  get thresholds(): Pick<PartitionThresholds, 'of' | 'learns' | 'baselineMs'> {
    return this.#thresholds;
  }

  /** Whether nothing is to be remembered. */
  get calm(): boolean {
    return this.#calm;
  }

  /** Whether some work type is not clear, so that somebody must look after it. */
  get troubled(): boolean {
    return !this.#calm && this.#modes.some(({ kind }) => kind !== 'clear');
  }

  /** When a commit last showed how the partition does, monotonic ms. */
  get evidenceAt(): number {
    return this.#evidenceAt;
  }

  /** For how long a work type that is over has not been clear, ms; 0 where it is not over. */
  overForMs(rank: number, now: number): number {
    return this.of(rank).kind === 'over' ? now - (this.#troubledSince[rank] ?? now) : 0;
  }

  /** Whether a work type is clear without a closer look: all are, and have been for long. */
  isCalm(rank: number): boolean {
    return this.#calm && !(this.#present() > this.#thresholds.of(rank));
  }

  /** The latency that a work type's state rests on, ms, by commits since it was entered where there are any; NaN where none is known. */
  valueOf(rank: number): number {
    const freshMs = this.#valueFor(this.of(rank));
    return Number.isNaN(freshMs) ? this.#present() : freshMs;
  }

  /** The given thresholds have changed. */
  rankAgain(now: number): void {
    this.#thresholds.rankAgain();
    this.look(now);
  }

  /** Counts a finished commit. */
  count(commit: Commit, now: number): void {
    if (!this.#calm) this.#change(commit, now);
    if (this.#thresholds.learns) this.#learn(now);
  }

  #change(commit: Commit, now: number): void {
    const finished = {
      startedAt: commit.startedAt,
      durationMs: commit.durationMs,
      committed: commit.outcome === 'committed',
    };
    if (this.#modes.some(({ kind, since }) => kind !== 'clear' && commit.startedAt >= since)) {
      this.#evidenceAt = now;
    }
    this.#eachRank((index) => {
      const next = afterCommit(this.of(index), finished, this.#rules(index), now);
      this.#become(index, next, commit.durationMs);
    });
    this.look(now);
  }

  /** Brings every state up to what is known now. */
  look(now: number): void {
    this.#eachRank((index) => {
      const mode = this.of(index);
      const valueMs = this.#valueFor(mode);
      const othersMs = this.#setup.othersOf?.(this.#partition) ?? Number.NaN;
      const next = afterLook(mode, { valueMs, othersMs }, this.#rules(index), now);
      this.#become(index, this.#settled(next), Number.isNaN(valueMs) ? othersMs : valueMs);
    });
    this.#calm = this.#modes.every((mode) => mode === initialMode);
  }

  /** Counts what a probe by the driver has shown. */
  learnFromProbe(result: ProbeResult, now: number): void {
    this.#eachRank((index) => {
      const rules = this.#rules(index);
      if (!isGoodNews(result, rules.thresholdMs)) return;
      const next = afterGoodProbe(this.of(index), result.startedAt, rules, now);
      this.#become(index, next, result.durationMs);
    });
  }

  /** How many postponable requests may be unfinished: all connections of the observed pools but one; infinite where nobody can say. */
  mostUnfinished(): number {
    const sources = this.#setup.sourcesOf(this.#partition);
    if (sources.length === 0) return Number.POSITIVE_INFINITY;
    return sources.reduce((sum, { connections }) => sum + (connections ?? Number.POSITIVE_INFINITY), 0) - 1;
  }

  /** Somebody was postponed by the limit of a recovering work type alone. */
  refused(rank: number, now: number): void {
    this.#modes[rank] = afterRefusal(this.of(rank), now);
  }

  /** `valueMs` is what brought it about; NaN where nothing is known. */
  #become(rank: number, next: Mode, valueMs: number): void {
    const mode = this.of(rank);
    if (next === mode) return;
    this.#modes[rank] = next;
    this.#calm = false;
    if (next.kind === mode.kind) return;
    const { clock, ranks, onChange, onOpening } = this.#setup;
    if (mode.kind === 'clear') this.#troubledSince[rank] = clock.now();
    onChange({
      partition: this.#partition,
      workType: ranks[rank]?.name ?? '',
      from: mode.kind,
      to: next.kind,
      valueMs: Number.isNaN(valueMs) ? undefined : valueMs,
    });
    if (mode.kind === 'clear') this.#onTrouble();
    if (mode.kind === 'over') onOpening(this.#partition);
  }

  /** A clear state whose bad past has left the window is like one that never had one. */
  #settled(mode: Mode): Mode {
    if (mode.kind !== 'clear' || mode === initialMode) return mode;
    const { measured } = this.#setup;
    const isPast = measured.read(this.#partition).samples === measured.read(this.#partition, mode).samples;
    return isPast ? initialMode : mode;
  }

  /** What decides where every state is the initial one. */
  #present(): number {
    const { measured, othersOf } = this.#setup;
    const valueMs = measured.valueOf(this.#partition);
    return Number.isNaN(valueMs) ? (othersOf?.(this.#partition) ?? valueMs) : valueMs;
  }

  #valueFor(mode: Mode): number {
    const { measured, minSamples } = this.#setup;
    if (mode === initialMode) return measured.valueOf(this.#partition);
    const reading = measured.read(this.#partition, mode);
    const known = reading.samples + reading.unfinished;
    return mode.kind === 'clear' && known < minSamples ? Number.NaN : (reading.valueMs ?? Number.NaN);
  }

  /** Only of a partition on which nothing is wrong: what is over, recovers, or has just done so, teaches nothing. */
  #learn(now: number): void {
    const isHealthy = this.#modes.every(
      (mode, rank) => mode === initialMode || !this.#thresholds.isAuto(rank),
    );
    if (isHealthy) this.#thresholds.learn(this.#setup.measured.valueOf(this.#partition), now);
  }

  #rules(rank: number): ModeRules {
    return {
      thresholdMs: this.#thresholds.of(rank),
      minSamples: this.#setup.minSamples,
      quietMs: quietProbes * this.#setup.probeEveryMs,
      limitCap: this.mostUnfinished(),
    };
  }

  #eachRank(visit: (rank: number) => void): void {
    this.#setup.ranks.forEach(({ exempt }, rank) => {
      if (!exempt) visit(rank);
    });
  }
}
