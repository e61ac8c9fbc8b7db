import type { Commit } from '../drivers/driver.ts';
import type { LatencyReading, Statistic } from './latency-value.ts';
import { Unfinished } from './unfinished.ts';
import { LatencyWindow } from './window.ts';

/** What the latency of one kind of commit on one partition is measured by. */
export interface CommitLatencyOptions {
  readonly window: number;
  readonly statistic: Statistic;
  readonly maxSampleAgeMs: number;
  readonly commitTimeoutMs: number;
}

/** No host has so many commits under way; somebody forgets to finish them. */
const maxUnfinished = 10_000;

/** The latency of one kind of commit on one partition: its window of finished ones, and its unfinished ones. */
export class CommitLatency {
  readonly #options: CommitLatencyOptions;
  readonly #window: LatencyWindow;
  readonly #unfinished = new Unfinished();
  /** Counted as timed out already: their late answers are no second sample. */
  #timedOut: WeakSet<Commit> | undefined;

  constructor(options: CommitLatencyOptions) {
    this.#options = options;
    this.#window = new LatencyWindow({ size: options.window, statistic: options.statistic });
  }

  get samples(): number {
    return this.#window.count;
  }

  get unfinished(): number {
    return this.#unfinished.count;
  }

  /** Whether any is known that began at `since` or after. */
  hasAnySince(since: number): boolean {
    return this.#window.countSince(since) + this.#unfinished.countSince(since) > 0;
  }

  /** False where there are so many unfinished ones that it is not counted until it has finished. */
  begin(commit: Commit, now: number): boolean {
    if (this.#unfinished.count >= maxUnfinished) this.expire(now);
    if (this.#unfinished.count >= maxUnfinished) return false;
    this.#unfinished.begin(commit);
    return true;
  }

  isUnfinished(commit: Commit): boolean {
    return this.#unfinished.has(commit);
  }

  /** Takes out a commit that is not to be counted. */
  drop(commit: Commit): void {
    this.#unfinished.finish(commit, false);
  }

  /** `commit.outcome` and `commit.durationMs` are set. */
  finish(commit: Commit, now: number): void {
    // Only what was written proves that the database writes; a refused commit may be answered during a stall.
    this.#unfinished.finish(commit, commit.outcome === 'committed');
    if (this.#timedOut?.delete(commit)) return;
    switch (commit.outcome) {
      case 'committed':
      case 'failed':
        // What takes longer counts as this, whether it was looked at meanwhile or not.
        this.#window.add(commit.startedAt, Math.min(commit.durationMs, this.#options.commitTimeoutMs), now);
        return;
      case 'unknown':
        this.#window.add(commit.startedAt, this.#options.commitTimeoutMs, now);
        return;
      case 'rolledBack':
      case undefined:
        return;
      default:
        commit.outcome satisfies never;
    }
  }

  /** Lets samples expire and counts what has been unfinished for too long. Before every reading. */
  expire(now: number): void {
    const { commitTimeoutMs, maxSampleAgeMs } = this.#options;
    this.#window.dropFinishedBefore(now - maxSampleAgeMs);
    if (this.#unfinished.count === 0) return;
    for (;;) {
      const commit = this.#unfinished.takeBegunBefore(now - commitTimeoutMs);
      if (commit === undefined) return;
      this.#timedOut ??= new WeakSet();
      this.#timedOut.add(commit);
      this.#window.add(commit.startedAt, commitTimeoutMs, now);
    }
  }

  /** What the statistic can't be above until a commit finishes, ms; infinite where nobody can say. */
  bound(): number {
    return this.#window.bound();
  }

  /** When the first unfinished one began, monotonic ms; infinite where there are none. */
  oldestAt(): number {
    return this.#unfinished.oldestAt();
  }

  /** The latency value in unrounded ms, NaN while fewer than `minimum` commits are known. */
  value(now: number, minimum: number): number {
    if (this.#window.count + this.#unfinished.count < minimum) return Number.NaN;
    return atLeast(this.#window.value(), this.#unfinished.medianAgeMs(now));
  }

  /** The same of the commits that began at `since` or after, of which one is enough. */
  valueSince(now: number, since: number): number {
    if (!this.hasAnySince(since)) return Number.NaN;
    return atLeast(this.#window.valueSince(since), this.#unfinished.medianAgeMs(now, since));
  }

  readingSince(now: number, since: number): LatencyReading {
    return {
      valueMs: defined(this.valueSince(now, since)),
      samples: this.#window.countSince(since),
      unfinished: this.#unfinished.countSince(since),
    };
  }

  reading(now: number, minimum: number): LatencyReading {
    return {
      valueMs: defined(this.value(now, minimum)),
      samples: this.#window.count,
      unfinished: this.#unfinished.count,
    };
  }
}

function atLeast(statistic: number, stall: number): number {
  return Number.isNaN(statistic) ? stall : Math.max(statistic, stall);
}

function defined(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value;
}
