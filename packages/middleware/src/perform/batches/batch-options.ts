import type { BatchContext, BatchFailures, BatchItem, BatchSource } from './batch-types.ts';
import type { BatchDirection } from './judge-batch.ts';
import type { BatchSchedule } from './schedule.ts';

/** What `gate.batch` takes. Durations in whole milliseconds. */
export interface BatchOptions<Item extends BatchItem = BatchItem> {
  /** What it is known by on all hosts: 1 to 64 letters, digits, dots, hyphens or underscores; each gate has one of a name. */
  readonly name: string;
  /** The work type of all its items; one of `workTypes`. */
  readonly workType: string;
  /**
   * When it is due: `{ cron: '0 2 * * *' }`, `{ everyMs: 3_600_000 }` after the end of the run before, or once, `{ at: '2026-12-24T18:00:00' }`.
   * Where it is left out, only `run()` runs it.
   */
  readonly schedule?: BatchSchedule;
  /** IANA name of the time zone that cron lines, and times without an offset, are in. Default `UTC`. */
  readonly timeZone?: string;
  /**
   * `outbound`: the host chooses where its items go; those of partitions over their threshold are left out, unless they are a majority. `inbound`:
   * it can't choose, and one partition that is over postpones all. Default `outbound`.
   */
  readonly direction?: BatchDirection;
  /** Where its items come from: an array, an iterable, or a function that is asked in each run. */
  readonly source: BatchSource<Item>;
  /**
   * Performs items of one partition. When it resolves they are done, but for those it names as `failed`; when it rejects, all of them failed.
   */
  readonly perform: (
    items: readonly Item[],
    context: BatchContext,
  ) => Promise<BatchFailures | undefined> | Promise<void>;
  /**
   * Whose latency is looked at: of all partitions that this host knows, or of those alone that the items which were read go to (`readAhead` of them
   * at a time). Default `known`.
   */
  readonly judgedBy?: 'known' | 'touched';
  /** Items that are due only later are performed after a run, while all values are below this; above 0 to 3,600,000. Default none. */
  readonly extraWorkBelowMs?: number;
  /** The most items of one call of `perform`. Default 100. */
  readonly itemsPerCall?: number;
  /** The most calls of `perform` at once for one partition. Default 1. */
  readonly maxConcurrency?: number;
  /** The most calls of `perform` at once. Default 8. */
  readonly maxInFlight?: number;
  /** The most items that one run reads of its source, and that are kept of an iterable. Default 100,000. */
  readonly maxItems?: number;
  /** The most items that are read before they are performed; before each time the partitions are judged anew. Default 1,000. */
  readonly readAhead?: number;
  /** How long one call of `perform` may take. Default 30,000. */
  readonly attemptTimeoutMs?: number;
  /** How long the source may take for one item, or a function to give its items. Default 30,000. */
  readonly sourceTimeoutMs?: number;
  /** When a batch that was postponed, whole or in part, is looked at again; it doubles each time. Default 1,000. */
  readonly retryBaseMs?: number;
  /** The longest time between two such looks. Default 60,000. */
  readonly retryCapMs?: number;
  /** How long it may be postponed, run after run, before `whenPostponedTooLong` counts. Default none. */
  readonly maxPostponeMs?: number;
  /**
   * `alert`: the event `batch` tells that it is overdue; `perform`: it is performed anyway; `fail`: it is not looked at again until it is due the next
   * time. Default `alert`.
   */
  readonly whenPostponedTooLong?: 'alert' | 'perform' | 'fail';
  /** How long after a host was last heard another one takes its run over. Default 30,000. */
  readonly leaseMs?: number;
  /** How long `close` waits for calls under way before it aborts them. Default 10,000. */
  readonly closeWithinMs?: number;
}

/** A batch's options with everything said. */
export type ResolvedBatch = Required<
  Omit<BatchOptions, 'schedule' | 'extraWorkBelowMs' | 'maxPostponeMs'>
> & {
  readonly schedule: BatchSchedule | undefined;
  readonly extraWorkBelowMs: number | undefined;
  readonly maxPostponeMs: number | undefined;
};
