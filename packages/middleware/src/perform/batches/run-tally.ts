import { asBatchError } from './batch-error.ts';
import type {
  BatchError,
  BatchItem,
  BatchRun,
  ExcludedPartition,
  FailedItem,
  RunOutcome,
} from './batch-types.ts';
import type { ItemHistories } from './item-histories.ts';
import { type PartitionStanding, reasonsOf } from './judge-batch.ts';

/** So many failures, and so many partitions, are told one by one. */
const mostTold = 100;

/** What of a run its counts say. */
export type RunCounts = Pick<
  BatchRun,
  | 'outcome'
  | 'reasons'
  | 'wouldBe'
  | 'excluded'
  | 'performed'
  | 'performedEarly'
  | 'failed'
  | 'failures'
  | 'left'
  | 'hasMore'
  | 'error'
>;

/** Counts what becomes of a run. */
export class RunTally {
  readonly #histories: ItemHistories;
  readonly #excluded = new Map<string, ExcludedPartition>();
  readonly #failures: FailedItem[] = [];
  readonly #reasons = new Set<string>();
  #performed = 0;
  #performedEarly = 0;
  #probed = 0;
  #failed = 0;
  #left = 0;
  /** Those of them that were left for latency. */
  #heldBack = 0;
  #isHidden = false;
  #isPostponed = false;
  #isInterrupted = false;
  #wouldBe: BatchRun['wouldBe'];
  #error: BatchError | undefined;
  hasMore = false;

  constructor(histories: ItemHistories) {
    this.#histories = histories;
  }

  /** All that was not begun is postponed. */
  postpone(reasons: readonly string[], over: readonly PartitionStanding[]): void {
    this.#isPostponed = true;
    this.exclude(reasons, over);
  }

  /** Those partitions take nothing. */
  exclude(reasons: readonly string[], over: readonly PartitionStanding[]): void {
    for (const reason of reasons) this.#reasons.add(reason);
    for (const standing of over) {
      const { partition, valueMs, thresholdMs } = standing;
      this.#excluded.set(partition, {
        partition,
        ...(valueMs !== undefined && { valueMs }),
        ...(thresholdMs !== undefined && { thresholdMs }),
        reasons: reasonsOf(standing),
      });
    }
  }

  /** Admission turned a partition away while the run was under way. */
  turnAway(partition: string, reasons: readonly string[]): void {
    for (const reason of reasons) this.#reasons.add(reason);
    if (!this.#excluded.has(partition)) this.#excluded.set(partition, { partition, reasons });
  }

  /** What would have become of it, if nothing were let through. */
  noteShadow(wouldBe: NonNullable<BatchRun['wouldBe']>, reasons: readonly string[]): void {
    if (this.#wouldBe !== 'postponed') this.#wouldBe = wouldBe;
    for (const reason of reasons) this.#reasons.add(reason);
  }

  /** @param forLatency false: for another reason, such as a call of its partition that is still under way */
  left({ id }: BatchItem, forLatency: boolean): void {
    this.#left += 1;
    if (forLatency) this.#heldBack += 1;
    this.#histories.postponed(id);
  }

  /** The source knew which partitions take nothing: what it did not give for that nobody can count. */
  hide(): void {
    this.#isHidden = true;
  }

  performed({ id }: BatchItem, how: 'due' | 'early' | 'probe'): void {
    this.#performed += 1;
    if (how === 'early') this.#performedEarly += 1;
    if (how === 'probe') this.#probed += 1;
    this.#histories.forget(id);
  }

  failed({ id, partition }: Pick<BatchItem, 'id' | 'partition'>, error: BatchError): void {
    this.#failed += 1;
    const { attempts } = this.#histories.failed(id);
    if (this.#failures.length < mostTold) this.#failures.push({ id, partition, attempts, error });
  }

  /** Its source can't be read, or it is not to be postponed any more. */
  fail(error: unknown): void {
    this.#error = asBatchError(error, 'batch-source-failed');
  }

  interrupt(): void {
    this.#isInterrupted = true;
  }

  counts(): RunCounts {
    return {
      outcome: this.#outcome(),
      reasons: this.#reasons.size === 0 ? ['clear'] : [...this.#reasons],
      ...(this.#wouldBe !== undefined && { wouldBe: this.#wouldBe }),
      excluded: [...this.#excluded.values()].slice(0, mostTold),
      performed: this.#performed,
      performedEarly: this.#performedEarly,
      failed: this.#failed,
      failures: this.#failures,
      left: this.#left,
      hasMore: this.hasMore,
      ...(this.#error !== undefined && { error: this.#error }),
    };
  }

  #outcome(): RunOutcome {
    if (this.#isInterrupted) return 'interrupted';
    if (this.#error !== undefined) return 'failed';
    const isHidden = this.#isHidden && this.#excluded.size > 0;
    if (!this.#isPostponed && this.#heldBack === 0 && !isHidden) return 'performed';
    const isNothingButProbes = this.#performed === this.#probed && this.#failed === 0;
    return isNothingButProbes ? 'postponed' : 'partly-performed';
  }
}
