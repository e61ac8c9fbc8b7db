import type { Clock } from '../clock.ts';
import { type Commit, type CommitOutcome, commitFinished, commitStarted } from '../drivers/driver.ts';
import { requestContext } from '../request-context.ts';
import type { LatencyReading, Statistic } from './latency-value.ts';
import { PartitionLatency } from './partition-latency.ts';
import { statisticOf } from './statistic.ts';

/** How latency is measured. Durations in ms. */
export interface LatencyTableOptions {
  readonly clock: Clock;
  /** How many of the most recent commits count; default 64. */
  readonly window?: number;
  /** Below so many known commits a partition has no value; default 5. */
  readonly minSamples?: number;
  /** A sample counts for so long after its commit finished; default 30,000. */
  readonly maxSampleAgeMs?: number;
  /** What a commit whose answer never came counts as, and after which time it does; default 30,000. */
  readonly commitTimeoutMs?: number;
  /** Default `median`. A function gets the durations, oldest first. */
  readonly statistic?: Statistic;
  /** How many partitions are remembered; default 10,000. Beyond it, the one quiet for longest is forgotten. */
  readonly maxPartitions?: number;
  /** Told when a `statistic` function throws or gives no number of ms; the median is then taken in its stead. */
  readonly onStatisticFailed?: (error: unknown) => void;
}

/** One partition in `GET /partitions`. */
export interface PartitionRow extends LatencyReading {
  readonly partition: string;
  /** Which commits the value rests on. */
  readonly kind: Commit['kind'];
  /** When its last commit finished, Unix ms; undefined before the first. */
  readonly lastCommitAt: number | undefined;
}

/**
 * The latency of every partition on this host. It is fed by the drivers (`subscribe`), or directly, and
 * depends on nothing but the commits of the partition it is asked for.
 */
export class LatencyTable {
  readonly #clock: Clock;
  readonly #minSamples: number;
  readonly #maxPartitions: number;
  readonly #latencyOptions: ConstructorParameters<typeof PartitionLatency>[0];
  /** In the order of their last begun commit, the longest quiet first. */
  readonly #partitions = new Map<string, PartitionLatency>();
  /** The last of them: where one partition has all commits, nothing is to be put in order. */
  #newest: PartitionLatency | undefined;
  readonly #listeners = new Set<(commit: Commit) => void>();
  readonly #onStarted = (message: unknown): void => this.begin(message as Commit);
  readonly #onFinished = (message: unknown): void => this.finish(message as Commit);

  constructor(options: LatencyTableOptions) {
    this.#clock = options.clock;
    this.#minSamples = options.minSamples ?? 5;
    this.#maxPartitions = options.maxPartitions ?? 10_000;
    this.#latencyOptions = {
      window: options.window ?? 64,
      minSamples: this.#minSamples,
      maxSampleAgeMs: options.maxSampleAgeMs ?? 30_000,
      commitTimeoutMs: options.commitTimeoutMs ?? 30_000,
      statistic: guarded(options.statistic ?? 'median', options.onStatisticFailed),
    };
  }

  /** Listens to the drivers of this process, once however often it is called. */
  subscribe(): void {
    this.#unsubscribe();
    commitStarted.subscribe(this.#onStarted);
    commitFinished.subscribe(this.#onFinished);
  }

  /** Stops listening; what was measured can still be read. */
  close(): void {
    this.#unsubscribe();
    this.#listeners.clear();
  }

  #unsubscribe(): void {
    commitStarted.unsubscribe(this.#onStarted);
    commitFinished.unsubscribe(this.#onFinished);
  }

  /** A commit has begun. `startedAt` is of this table's clock. */
  begin(commit: Commit): void {
    this.#touch(commit.partition).begin(commit);
  }

  /** A commit has finished: `outcome` and `durationMs` are set. One whose beginning was not told counts too. */
  finish(commit: Commit): void {
    const partition = this.#partitions.get(commit.partition) ?? this.#touch(commit.partition);
    partition.finish(commit, this.#clock.now());
    partition.lastCommitAt = this.#clock.wallNow();
    for (const listener of this.#listeners) listener(commit);
  }

  /**
   * Measures a commit that no driver sees: from the call of `work` to the end of what it returns. What it
   * throws is thrown on, and counts with the time it took.
   */
  async commit<T>(partition: string, work: () => Promise<T>): Promise<T> {
    const context = requestContext.getStore();
    const startedAt = this.#clock.now();
    const commit: Commit = {
      partition,
      kind: 'explicit',
      startedAt,
      context,
      durationMs: 0,
      outcome: undefined,
    };
    context?.wrote(partition);
    this.begin(commit);
    let outcome: CommitOutcome = 'failed';
    try {
      const result = await work();
      outcome = 'committed';
      return result;
    } finally {
      commit.durationMs = this.#clock.now() - startedAt;
      commit.outcome = outcome;
      this.finish(commit);
    }
  }

  /** Calls `listener` after each finished commit has been counted. Returns the way to end it. */
  onFinished(listener: (commit: Commit) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * The latency value of a partition in unrounded ms; NaN where it is unknown or fewer than `minSamples`
   * commits are. O(1), allocates nothing.
   */
  valueOf(partition: string): number {
    return this.#partitions.get(partition)?.value(this.#clock.now()) ?? Number.NaN;
  }

  /**
   * Whether `valueOf` is surely not above `ms`, a whole number: no sample is longer, and none of the unfinished commits older. What a
   * decision costs is for the most part to read the clock, and this does not where no commit is unfinished.
   */
  isWithin(partition: string, ms: number): boolean {
    return this.#partitions.get(partition)?.isWithin(ms, this.#clock) ?? true;
  }

  /** The value of commits alone that began at `since` (monotonic ms) or after; NaN where there are none. */
  valueSince(partition: string, since: number): number {
    return this.#partitions.get(partition)?.valueSince(this.#clock.now(), since) ?? Number.NaN;
  }

  /**
   * The reading of a partition. With `since` it rests on commits that began then or later, one of which is
   * enough; where `samples` is 0 it is the age of unfinished ones, which can be bad news and never good.
   */
  read(partition: string, { since }: { readonly since?: number } = {}): LatencyReading {
    const latency = this.#partitions.get(partition);
    if (latency === undefined) return { valueMs: undefined, samples: 0, unfinished: 0 };
    return latency.reading(this.#clock.now(), since);
  }

  /** The values, as `valueOf` gives them, of those `most` partitions that had commits begun last. */
  *latest(most: number): IterableIterator<readonly [partition: string, valueMs: number]> {
    const now = this.#clock.now();
    let before = this.#partitions.size - most;
    for (const [partition, latency] of this.#partitions) {
      if (--before < 0) yield [partition, latency.value(now)];
    }
  }

  /** Every partition that had commits, the longest quiet first. */
  *partitions(): IterableIterator<PartitionRow> {
    const now = this.#clock.now();
    for (const [partition, latency] of this.#partitions) {
      const reading = latency.reading(now, undefined);
      yield { partition, ...reading, kind: latency.kind, lastCommitAt: latency.lastCommitAt };
    }
  }

  #touch(partition: string): PartitionLatency {
    let latency = this.#partitions.get(partition);
    if (latency !== undefined && latency === this.#newest) return latency;
    if (latency === undefined) {
      if (this.#partitions.size >= this.#maxPartitions) this.#forgetOne();
      latency = new PartitionLatency(this.#latencyOptions);
    } else {
      this.#partitions.delete(partition);
    }
    this.#partitions.set(partition, latency);
    this.#newest = latency;
    return latency;
  }

  /** Forgets the partition quiet for longest. Of those with unfinished commits only where the first few all have. */
  #forgetOne(): void {
    let looked = 0;
    let victim: string | undefined;
    for (const [partition, latency] of this.#partitions) {
      victim ??= partition;
      if (latency.idle) {
        victim = partition;
        break;
      }
      if (++looked === 16) break;
    }
    if (victim !== undefined) this.#partitions.delete(victim);
  }
}

/** A statistic that can't break a reading. */
function guarded(statistic: Statistic, onFailed: ((error: unknown) => void) | undefined): Statistic {
  if (typeof statistic !== 'function') return statistic;
  return (samples) => {
    try {
      const value = statistic(samples);
      if (Number.isFinite(value) && value >= 0) return value;
      onFailed?.(new RangeError(`statistic gave ${value}; a number of milliseconds was expected`));
    } catch (error) {
      onFailed?.(error);
    }
    return statisticOf(samples, 'median');
  };
}
