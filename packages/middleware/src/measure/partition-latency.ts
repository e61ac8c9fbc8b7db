import type { Clock } from '../clock.ts';
import type { Commit } from '../drivers/driver.ts';
import { CommitLatency, type CommitLatencyOptions } from './commit-latency.ts';
import type { LatencyReading } from './latency-value.ts';

/** Above every threshold, and a small integer still, ms. */
const mostMs = 2 ** 30 - 1;

/**
 * The latency of one partition. Explicit commits and autocommit writes are measured apart, because the latter
 * contain the time of their statement; they count only where there are not enough explicit commits to go by.
 */
export class PartitionLatency {
  /** Unix ms of the last finished commit. */
  lastCommitAt: number | undefined;
  readonly #options: CommitLatencyOptions & { readonly minSamples: number };
  /** What no sample is above. Whole ms, rounded up: small integers are compared without being allocated. */
  #boundMs = 0;
  #isIdle = true;
  /** When the first of the unfinished commits began. */
  #oldestAt = Number.POSITIVE_INFINITY;
  #explicit: CommitLatency | undefined;
  #autocommit: CommitLatency | undefined;

  constructor(options: CommitLatencyOptions & { readonly minSamples: number }) {
    this.#options = options;
  }

  /** A commit has begun. False where there are so many unfinished ones that it is not counted until it has finished. */
  begin(commit: Commit, now: number): boolean {
    const isCounted = this.#of(commit.kind).begin(commit, now);
    this.#bind();
    return isCounted;
  }

  /** It has finished: `outcome` and `durationMs` are set. */
  finish(commit: Commit, now: number): void {
    this.#of(commit.kind).finish(commit, now);
    this.#bind();
  }

  isUnfinished(commit: Commit): boolean {
    return this.#of(commit.kind).isUnfinished(commit);
  }

  /** Takes out a commit that is not to be counted. */
  drop(commit: Commit): void {
    this.#of(commit.kind).drop(commit);
    this.#bind();
  }

  #of(kind: Commit['kind']): CommitLatency {
    if (kind === 'explicit') {
      this.#explicit ??= new CommitLatency(this.#options);
      return this.#explicit;
    }
    this.#autocommit ??= new CommitLatency(this.#options);
    return this.#autocommit;
  }

  /** Which kind the value rests on. */
  get kind(): Commit['kind'] {
    return this.#used() === this.#autocommit ? 'autocommit' : 'explicit';
  }

  /** Whether no commit is under way. */
  get idle(): boolean {
    return (this.#explicit?.unfinished ?? 0) + (this.#autocommit?.unfinished ?? 0) === 0;
  }

  value(now: number): number {
    this.#expire(now);
    return this.#used()?.value(now, this.#options.minSamples) ?? Number.NaN;
  }

  /**
   * Whether `value` is surely not above `ms`, a whole number: no sample is longer, and none of the unfinished commits older. Where none is
   * unfinished that holds for all time to come, so that no clock need be read; nor is anything allocated.
   */
  isWithin(ms: number, clock: Pick<Clock, 'now'>): boolean {
    if (this.#boundMs > ms) return false;
    return this.#isIdle || clock.now() - this.#oldestAt <= ms;
  }

  valueSince(now: number, since: number): number {
    this.#expire(now);
    return this.#usedSince(since)?.valueSince(now, since) ?? Number.NaN;
  }

  reading(now: number, since: number | undefined): LatencyReading {
    this.#expire(now);
    const reading =
      since === undefined
        ? this.#used()?.reading(now, this.#options.minSamples)
        : this.#usedSince(since)?.readingSince(now, since);
    return reading ?? { valueMs: undefined, samples: 0, unfinished: 0 };
  }

  /** Keeps ready what {@link isWithin} goes by: a decision on work that is let through reads nothing else. */
  #bind(): void {
    const longestMs = Math.max(boundOf(this.#explicit), boundOf(this.#autocommit));
    this.#boundMs = Math.min(mostMs, Math.max(0, Math.ceil(longestMs)));
    this.#oldestAt = Math.min(oldestAt(this.#explicit), oldestAt(this.#autocommit));
    this.#isIdle = this.#oldestAt === Number.POSITIVE_INFINITY;
  }

  #expire(now: number): void {
    this.#explicit?.expire(now);
    this.#autocommit?.expire(now);
  }

  #used(): CommitLatency | undefined {
    if (this.#autocommit === undefined || this.#explicit === undefined)
      return this.#explicit ?? this.#autocommit;
    const { minSamples } = this.#options;
    if (known(this.#explicit) >= minSamples) return this.#explicit;
    // A migration at start must not blind a partition that has nothing but autocommit writes from then on.
    return known(this.#autocommit) > known(this.#explicit) ? this.#autocommit : this.#explicit;
  }

  /** Explicit commits of long ago must not keep the autocommit writes of now from being seen. */
  #usedSince(since: number): CommitLatency | undefined {
    return this.#explicit?.hasAnySince(since) === true
      ? this.#explicit
      : (this.#autocommit ?? this.#explicit);
  }
}

function boundOf(latency: CommitLatency | undefined): number {
  return latency?.bound() ?? Number.NEGATIVE_INFINITY;
}

function oldestAt(latency: CommitLatency | undefined): number {
  return latency?.oldestAt() ?? Number.POSITIVE_INFINITY;
}

function known(latency: CommitLatency): number {
  return latency.samples + latency.unfinished;
}
