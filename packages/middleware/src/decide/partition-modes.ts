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
import { isGoodNews, type ProbeResult } from './source-probe.ts';
import { thresholdOf, type WorkTypeRank } from './work-type.ts';

/**
 * In which state every work type is on one partition: what brings it there is commits, probes and the latency value, and
 * `mode.ts` knows the ways. Ranks are indices, the most important first.
 */
export class PartitionModes {
  readonly #partition: string;
  readonly #setup: AdmissionsSetup;
  readonly #onTrouble: () => void;
  readonly #modes: Mode[];
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
  }

  of(rank: number): Mode {
    return this.#modes[rank] ?? initialMode;
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

  /** Whether a work type with that threshold is clear without a closer look: all are, and have been for long. */
  isCalmAt(thresholdMs: number): boolean {
    return this.#calm && !(this.#present() > thresholdMs);
  }

  /** Counts a finished commit. */
  count(commit: Commit, now: number): void {
    if (this.#calm) return;
    const finished = {
      startedAt: commit.startedAt,
      durationMs: commit.durationMs,
      committed: commit.outcome === 'committed',
    };
    if (this.#modes.some(({ kind, since }) => kind !== 'clear' && commit.startedAt >= since)) {
      this.#evidenceAt = now;
    }
    this.#eachRank((rank, index) => {
      const next = afterCommit(this.of(index), finished, this.#rules(rank), now);
      this.#become(index, next, commit.durationMs);
    });
    this.look(now);
  }

  /** Brings every state up to what is known now. */
  look(now: number): void {
    this.#eachRank((rank, index) => {
      const mode = this.of(index);
      const valueMs = this.#valueFor(mode);
      const othersMs = this.#setup.othersOf(this.#partition);
      const next = afterLook(mode, { valueMs, othersMs }, this.#rules(rank), now);
      this.#become(index, this.#settled(next), Number.isNaN(valueMs) ? othersMs : valueMs);
    });
    this.#calm = this.#modes.every((mode) => mode === initialMode);
  }

  /** Counts what a probe by the driver has shown. */
  learnFromProbe(result: ProbeResult, now: number): void {
    this.#eachRank((rank, index) => {
      const rules = this.#rules(rank);
      if (!isGoodNews(result, rules.thresholdMs)) return;
      const next = afterGoodProbe(this.of(index), result.startedAt, rules, now);
      this.#become(index, next, result.durationMs);
    });
  }

  /** Somebody was postponed by the limit of a recovering work type alone. */
  refused(rank: number): void {
    this.#modes[rank] = afterRefusal(this.of(rank));
  }

  /** `valueMs` is what brought it about; NaN where nothing is known. */
  #become(rank: number, next: Mode, valueMs: number): void {
    const mode = this.of(rank);
    if (next === mode) return;
    this.#modes[rank] = next;
    this.#calm = false;
    if (next.kind === mode.kind) return;
    const { ranks, onChange, onOpening } = this.#setup;
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
    return Number.isNaN(valueMs) ? othersOf(this.#partition) : valueMs;
  }

  #valueFor(mode: Mode): number {
    const { measured, minSamples } = this.#setup;
    if (mode === initialMode) return measured.valueOf(this.#partition);
    const reading = measured.read(this.#partition, mode);
    const known = reading.samples + reading.unfinished;
    return mode.kind === 'clear' && known < minSamples ? Number.NaN : (reading.valueMs ?? Number.NaN);
  }

  #rules(rank: WorkTypeRank): ModeRules {
    return {
      thresholdMs: thresholdOf(rank),
      minSamples: this.#setup.minSamples,
      limitCap: this.#connections() - 1,
    };
  }

  #connections(): number {
    const sources = this.#setup.sourcesOf(this.#partition);
    if (sources.length === 0) return Number.POSITIVE_INFINITY;
    return sources.reduce((sum, { connections }) => sum + (connections ?? Number.POSITIVE_INFINITY), 0);
  }

  #eachRank(visit: (rank: WorkTypeRank, index: number) => void): void {
    this.#setup.ranks.forEach((rank, index) => {
      if (!rank.exempt) visit(rank, index);
    });
  }
}
