import type { Clock } from '../clock.ts';
import { type Commit, type CommitOutcome, commitFinished, commitStarted } from '../drivers/driver.ts';
import { requestContext } from '../request-context.ts';
import { type CommitFault, faultError, faultOfBegin, faultOfFinish } from './commit-fault.ts';
import { FinishedCommits } from './finished-commits.ts';
import { guardedStatistic } from './guarded-statistic.ts';
import type { LatencyReading, Statistic } from './latency-value.ts';
import { PartitionLatency } from './partition-latency.ts';

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
  /** Told when a `statistic` function throws, is slow or gives no number of ms; the median is then taken in its stead. */
  readonly onStatisticFailed?: (error: unknown) => void;
  /** Told of commits that are not counted, as their source breaks the law of drivers; once for each kind of fault. */
  readonly onFault?: (error: Error) => void;
}

/** One partition in `GET /partitions`. */
export interface PartitionRow extends LatencyReading {
  readonly partition: string;
  /** Which commits the value rests on. */
  readonly kind: Commit['kind'];
  /** When its last commit finished, Unix ms; undefined before the first. */
  readonly lastCommitAt: number | undefined;
}

/** So many are looked at when one is to be forgotten. */
const lookedAtMost = 16;

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
  readonly #finished = new FinishedCommits();
  readonly #onFault: ((error: Error) => void) | undefined;
  readonly #faultsTold = new Set<CommitFault>();
  #keeps: (partition: string) => boolean = () => false;
  readonly #onStarted = (message: unknown): void => this.begin((message ?? {}) as Commit);
  readonly #onFinished = (message: unknown): void => this.finish((message ?? {}) as Commit);

  constructor(options: LatencyTableOptions) {
    this.#clock = options.clock;
    this.#onFault = options.onFault;
    this.#minSamples = options.minSamples ?? 5;
    this.#maxPartitions = options.maxPartitions ?? 10_000;
    this.#latencyOptions = {
      window: options.window ?? 64,
      minSamples: this.#minSamples,
      maxSampleAgeMs: options.maxSampleAgeMs ?? 30_000,
      commitTimeoutMs: options.commitTimeoutMs ?? 30_000,
      statistic: guardedStatistic(options.statistic ?? 'median', this.#clock, options.onStatisticFailed),
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

  /** A commit has begun. `startedAt` is of this table's clock. One that breaks the law of drivers is not counted. */
  begin(commit: Commit): void {
    const now = this.#clock.now();
    const fault = faultOfBegin(commit, now);
    if (fault !== undefined) this.#refuse(fault, commit);
    else if (!this.#touch(commit.partition).begin(commit, now)) {
      this.#refuse('too-many-unfinished', commit);
    }
  }

  /**
   * A commit has finished: `outcome` and `durationMs` are set. One whose beginning was not told counts too; one that has
   * finished before, or breaks the law of drivers otherwise, does not.
   */
  finish(commit: Commit): void {
    const now = this.#clock.now();
    const fault = faultOfFinish(commit, now);
    if (fault !== undefined) {
      if (fault !== 'partition' && fault !== 'kind') this.#partitions.get(commit.partition)?.drop(commit);
      this.#refuse(fault, commit);
      return;
    }
    const partition = this.#partitions.get(commit.partition) ?? this.#touch(commit.partition);
    if (!partition.isUnfinished(commit) && this.#finished.has(commit)) {
      this.#refuse('finished-twice', commit);
      return;
    }
    this.#finished.add(commit);
    partition.finish(commit, now);
    partition.lastCommitAt = this.#clock.wallNow();
    for (const listener of this.#listeners) listener(commit);
  }

  #refuse(fault: CommitFault, commit: Commit): void {
    if (this.#faultsTold.has(fault)) return;
    this.#faultsTold.add(fault);
    this.#onFault?.(faultError(fault, commit));
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

  /** Partitions for which `keeps` is true are not forgotten, however many others there are and however quiet they are. */
  keepWhile(keeps: (partition: string) => boolean): void {
    this.#keeps = keeps;
  }

  #touch(partition: string): PartitionLatency {
    let latency = this.#partitions.get(partition);
    if (latency !== undefined && latency === this.#newest) return latency;
    if (latency === undefined) {
      if (this.#partitions.size >= this.#maxPartitions) this.#forget();
      latency = new PartitionLatency(this.#latencyOptions);
    } else {
      this.#partitions.delete(partition);
    }
    this.#partitions.set(partition, latency);
    this.#newest = latency;
    return latency;
  }

  /**
   * Forgets those quiet for longest, of the first few that have no commit under way and need not be kept; the others get
   * another turn, until a sixteenth more than `maxPartitions` are remembered.
   */
  #forget(): void {
    const kept: [string, PartitionLatency][] = [];
    for (const [partition, latency] of this.#partitions) {
      if (this.#partitions.size < this.#maxPartitions) return;
      if (latency.idle && !this.#keeps(partition)) this.#partitions.delete(partition);
      else if (kept.push([partition, latency]) === lookedAtMost) break;
    }
    const [first] = kept;
    if (first !== undefined && this.#partitions.size >= withTurns(this.#maxPartitions)) {
      this.#partitions.delete(first[0]);
    }
    if (kept.length < lookedAtMost) return;
    for (const [partition, latency] of kept) {
      if (this.#partitions.delete(partition)) this.#partitions.set(partition, latency);
    }
  }
}

/** With those that get another turn. */
function withTurns(maxPartitions: number): number {
  return maxPartitions + Math.ceil(maxPartitions / 16);
}
