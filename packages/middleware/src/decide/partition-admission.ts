import type { Commit } from '../drivers/driver.ts';
import type { AdmissionsSetup } from './admissions-setup.ts';
import { CommitRate } from './commit-rate.ts';
import { decide, type Standing, type Verdict } from './decide.ts';
import {
  afterCommit,
  afterGoodProbe,
  afterLook,
  afterRefusal,
  initialMode,
  type Mode,
  type ModeRules,
} from './mode.ts';
import { ProbeSlot } from './probe-slot.ts';
import { returnAt } from './retry-after.ts';
import { isGoodNews, type ProbeResult, SourceProbe } from './source-probe.ts';
import { lastEqual, ranksAhead, thresholdOf, type WorkTypeRank } from './work-type.ts';

const clear: Verdict = { perform: true, reason: 'clear' };

/** A request that was let through, until it has ended. */
export interface Entry {
  /** Whether anybody waits for its end. */
  readonly counted: boolean;
  /** A transaction or autocommit write of it began on that partition. */
  wrote(partition: string): void;
  /** Called once. */
  finished(): void;
}

/** The entry of a request that nobody needs to keep count of. */
export const uncounted: Entry = { counted: false, wrote() {}, finished() {} };

/**
 * The states of all work types on one partition, and who was let through while it recovered. It does what pure
 * functions say: `decide.ts` judges, `mode.ts` knows the ways between states.
 */
export class PartitionAdmission {
  readonly partition: string;
  readonly #setup: AdmissionsSetup;
  #ahead: readonly (readonly number[])[];
  readonly #modes: Mode[];
  readonly #unfinished: number[];
  /** When work of that rank was last postponed here. */
  readonly #wantedAt: number[];
  readonly #slot: ProbeSlot;
  readonly #source: SourceProbe;
  readonly #rate = new CommitRate();
  /** When the last commit finished that says something about the state it is in. */
  #evidenceAt = Number.NEGATIVE_INFINITY;
  #lastReturnAt = Number.NEGATIVE_INFINITY;
  /** Every state is the initial one: the latency value alone decides. */
  #calm = true;

  constructor(partition: string, setup: AdmissionsSetup) {
    this.partition = partition;
    this.#setup = setup;
    const { ranks } = setup;
    this.#ahead = aheadOf(ranks);
    this.#modes = ranks.map(() => initialMode);
    this.#unfinished = ranks.map(() => 0);
    this.#wantedAt = ranks.map(() => Number.NEGATIVE_INFINITY);
    this.#slot = new ProbeSlot(setup.probeEveryMs, setup.probeTimeoutMs);
    this.#source = new SourceProbe(partition, setup, this.#slot, (result) => this.#learnFromProbe(result));
  }

  /** Whether nothing is to be remembered of it. */
  get calm(): boolean {
    return this.#calm;
  }

  /** Whether some work type is not clear, so that somebody must look after it. */
  get troubled(): boolean {
    return !this.#calm && this.#modes.some(({ kind }) => kind !== 'clear');
  }

  modeOf(rank: number): Mode {
    return this.#modes[rank] ?? initialMode;
  }

  /** The thresholds have changed. */
  rankAgain(): void {
    this.#ahead = aheadOf(this.#setup.ranks);
    this.look(this.#setup.clock.now());
  }

  /** Judges a request of a work type. Changes nothing but what time and latency have changed already. */
  judge(rank: number): Verdict {
    const threshold = thresholdOf(this.#rankAt(rank));
    if (this.#calm && !(this.#present() > threshold)) return clear;
    const now = this.#setup.clock.now();
    this.look(now);
    const ahead = (this.#ahead[rank] ?? []).map((other) => this.#standing(other, now));
    return decide(this.#standing(rank, now), ahead);
  }

  /** Lets a request through as it was judged. */
  enter(rank: number, verdict: Verdict): Entry {
    if (verdict.reason === 'recovered-share') return this.#share(rank);
    if (verdict.reason === 'probe') return this.#probe(rank);
    return uncounted;
  }

  /** Notes that a request was postponed as it was judged. */
  postpone(rank: number, verdict: Verdict): void {
    this.#wantedAt[rank] = this.#setup.clock.now();
    if (verdict.reason === 'recovering') this.#modes[rank] = afterRefusal(this.modeOf(rank));
  }

  /** Counts a finished commit. */
  count(commit: Commit): void {
    const now = this.#setup.clock.now();
    this.#rate.count(now);
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
      const next = afterCommit(this.modeOf(index), finished, this.#rules(rank), now);
      this.#become(index, next, commit.durationMs);
    });
    this.look(now);
  }

  /** Brings every state up to what is known now. */
  look(now: number): void {
    this.#eachRank((rank, index) => {
      const mode = this.modeOf(index);
      const valueMs = this.#valueFor(mode);
      const othersMs = this.#setup.othersOf(this.partition);
      const next = afterLook(mode, { valueMs, othersMs }, this.#rules(rank), now);
      this.#become(index, this.#settled(next), Number.isNaN(valueMs) ? othersMs : valueMs);
    });
    this.#calm = this.#modes.every((mode) => mode === initialMode);
  }

  /** Lets the driver commit a probe where nobody else shows how the partition does. */
  probeIfAlone(now: number): void {
    if (this.troubled) this.#source.beginIfDue(now, this.#evidenceAt);
  }

  #learnFromProbe(result: ProbeResult): void {
    const now = this.#setup.clock.now();
    this.#eachRank((rank, index) => {
      const rules = this.#rules(rank);
      if (!isGoodNews(result, rules.thresholdMs)) return;
      const next = afterGoodProbe(this.modeOf(index), result.startedAt, rules, now);
      this.#become(index, next, result.durationMs);
    });
  }

  /** How long a caller of that work type should stay away, whole ms; it is given a place among those who return. */
  retryAfterMs(rank: number): number {
    const { clock, probeEveryMs, retryAfterCapMs, random } = this.#setup;
    const now = clock.now();
    const at = returnAt({
      now,
      earliestAt: now + this.askAgainInMs(rank),
      lastReturnAt: this.#lastReturnAt,
      perSecond: Math.max(this.#rate.perSecond(now), 1_000 / probeEveryMs),
      capMs: retryAfterCapMs,
      random: random(),
    });
    this.#lastReturnAt = Math.max(this.#lastReturnAt, at);
    return Math.max(1, Math.ceil(at - now));
  }

  /** How long until asking again makes sense, ms. */
  askAgainInMs(rank: number): number {
    const { clock, probeEveryMs } = this.#setup;
    if (this.modeOf(rank).kind !== 'over') return probeEveryMs / 4;
    const now = clock.now();
    // A probe that is out may take its whole time; as a rule it is back long before.
    return Math.min(
      probeEveryMs,
      Math.max(1, this.#slot.dueAt(lastEqual(this.#setup.ranks, rank), now) - now),
    );
  }

  #standing(rank: number, now: number): Standing {
    const mode = this.modeOf(rank);
    let unfinished = 0;
    for (let other = 0; other <= lastEqual(this.#setup.ranks, rank); other++)
      unfinished += this.#unfinished[other] ?? 0;
    return { mode, unfinished, mayProbe: mode.kind === 'over' && this.#mayProbe(rank, now) };
  }

  /** Not before its time, and not before more important work that was here a moment ago. */
  #mayProbe(rank: number, now: number): boolean {
    if (now < this.#slot.dueAt(lastEqual(this.#setup.ranks, rank), now)) return false;
    if (this.#slot.spoiled && this.#source.possible) return false;
    const momentAgo = now - 2 * this.#setup.probeEveryMs;
    return !(this.#ahead[rank] ?? []).some(
      (other) => this.modeOf(other).kind === 'over' && (this.#wantedAt[other] ?? 0) > momentAgo,
    );
  }

  #share(rank: number): Entry {
    this.#unfinished[rank] = (this.#unfinished[rank] ?? 0) + 1;
    return {
      counted: true,
      wrote() {},
      finished: () => {
        this.#unfinished[rank] = (this.#unfinished[rank] ?? 1) - 1;
      },
    };
  }

  #probe(rank: number): Entry {
    const probe = this.#slot.take(rank, this.#setup.clock.now());
    return {
      counted: true,
      wrote: (partition) => {
        if (partition === this.partition) probe.wrote = true;
      },
      finished: () => this.#slot.free(rank, probe),
    };
  }

  /** `valueMs` is what brought it about; NaN where nothing is known. */
  #become(rank: number, next: Mode, valueMs: number): void {
    const mode = this.modeOf(rank);
    if (next === mode) return;
    this.#modes[rank] = next;
    this.#calm = false;
    if (next.kind === mode.kind) return;
    const { onChange, onOpening } = this.#setup;
    onChange({
      partition: this.partition,
      workType: this.#rankAt(rank).name,
      from: mode.kind,
      to: next.kind,
      valueMs: Number.isNaN(valueMs) ? undefined : valueMs,
    });
    if (mode.kind === 'clear') this.#source.forget();
    if (mode.kind === 'over') onOpening(this.partition);
  }

  /** A clear state whose bad past has left the window is like one that never had one. */
  #settled(mode: Mode): Mode {
    if (mode.kind !== 'clear' || mode === initialMode) return mode;
    const { measured } = this.#setup;
    const isPast = measured.read(this.partition).samples === measured.read(this.partition, mode).samples;
    return isPast ? initialMode : mode;
  }

  /** What decides where every state is the initial one. */
  #present(): number {
    const { measured, othersOf } = this.#setup;
    const valueMs = measured.valueOf(this.partition);
    return Number.isNaN(valueMs) ? othersOf(this.partition) : valueMs;
  }

  #valueFor(mode: Mode): number {
    const { measured, minSamples } = this.#setup;
    if (mode === initialMode) return measured.valueOf(this.partition);
    const reading = measured.read(this.partition, mode);
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
    const sources = this.#setup.sourcesOf(this.partition);
    if (sources.length === 0) return Number.POSITIVE_INFINITY;
    return sources.reduce((sum, { connections }) => sum + (connections ?? Number.POSITIVE_INFINITY), 0);
  }

  #rankAt(rank: number): WorkTypeRank {
    const found = this.#setup.ranks[rank];
    if (found === undefined) throw new RangeError(`There is no work type of rank ${rank}.`);
    return found;
  }

  #eachRank(visit: (rank: WorkTypeRank, index: number) => void): void {
    this.#setup.ranks.forEach((rank, index) => {
      if (!rank.exempt) visit(rank, index);
    });
  }
}

function aheadOf(ranks: readonly WorkTypeRank[]): readonly (readonly number[])[] {
  return ranks.map((rank) => ranksAhead(ranks, rank).map((ahead) => ranks.indexOf(ahead)));
}
