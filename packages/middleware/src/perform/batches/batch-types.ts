import type { ErrorCode } from '@slackwater/shared';

/** One thing that a batch does. What else its members are is the application's. */
export interface BatchItem {
  /** What it is known by in reports and counts: 1 to 200 characters, the same whenever the source gives it. */
  readonly id: string;
  /** What performing it commits to: 1 to 200 characters. */
  readonly partition: string;
  /** Not before then, Unix milliseconds; extra work does it earlier. Absent: it is due. */
  readonly dueAt?: number;
}

/** What a source that is a function is told. */
export interface SourceAsked {
  /** Items that are due at this time (Unix milliseconds) are wanted; for extra work `Infinity`, all that wait. */
  readonly dueBy: number;
  /** Partitions that take nothing now: items of theirs would be left. */
  readonly excluded: ReadonlySet<string>;
  /** Aborted where the run ends before the source does. */
  readonly signal: AbortSignal;
}

/** What gives items, one after another. */
export type ItemSequence<Item> = Iterable<Item> | AsyncIterable<Item>;

/**
 * Where a batch's items come from. An array is the host's work queue itself: what was performed is taken out of it, and the application
 * may push to it at any time. Any other iterable is read once, as runs go: what it gave and is not done stays with the batch, in memory. A
 * function is asked in each run, and gives again what is not done.
 */
export type BatchSource<Item> =
  | Item[]
  | ItemSequence<Item>
  | ((asked: SourceAsked) => ItemSequence<Item> | Promise<ItemSequence<Item>>);

/** How often an item was left, and tried. */
export interface ItemHistory {
  readonly postponements: number;
  readonly attempts: number;
}

/** What `perform` is told beside the items. */
export interface BatchContext {
  readonly batch: string;
  /** The id of the run. */
  readonly run: string;
  readonly partition: string;
  /** Aborted at `attemptTimeoutMs`, where the gate closes, and where another host has the batch now. */
  readonly signal: AbortSignal;
  /** Greater than that of every run before, on whichever host: what a database compares to refuse a host that only seemed dead. */
  readonly fencingToken: number;
  /** True for items that are done before their `dueAt`, because there is room. */
  readonly early: boolean;
  /** How often in a row the batch was postponed, whole or in part, before this run. */
  readonly postponements: number;
  /** What this process remembers of an item; it does of the 10,000 that were left or failed last. */
  historyOf(item: Pick<BatchItem, 'id'>): ItemHistory;
}

/** Which of the items `perform` was given failed. They stay where they are; all others are done. */
export interface BatchFailures {
  readonly failed: readonly { readonly id: string; readonly error?: unknown }[];
}

/** Why something of a batch did not come to a good end. */
export interface BatchError {
  readonly code: ErrorCode;
  readonly message: string;
}

/** An item that failed. */
export interface FailedItem {
  readonly id: string;
  readonly partition: string;
  /** How often it was tried by now. */
  readonly attempts: number;
  readonly error: BatchError;
}

/** A partition that took nothing, and what that rests on. */
export interface ExcludedPartition {
  readonly partition: string;
  readonly valueMs?: number;
  readonly thresholdMs?: number;
  readonly reasons: readonly string[];
}

/** What made a run begin: its schedule, one that was missed while nobody was there, a postponement that is over, or somebody by hand. */
export type RunTrigger = 'schedule' | 'missed' | 'retry' | 'hand';

/**
 * How a run ended: `performed`, nothing was postponed; `partly-performed`, some partitions were left out; `postponed`, nothing was performed
 * but for single items as probes; `failed`, `error` says why; `interrupted`, the gate closed or another host took over.
 */
export type RunOutcome = 'performed' | 'partly-performed' | 'postponed' | 'failed' | 'interrupted';

/** What became of one run. */
export interface BatchRun {
  readonly batch: string;
  readonly id: string;
  readonly trigger: RunTrigger;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly outcome: RunOutcome;
  /** Codes of the decision's reasons, the deciding one first. */
  readonly reasons: readonly string[];
  /** In shadow mode: what would have become of it. */
  readonly wouldBe?: 'postponed' | 'partly-performed';
  /** The first 100 of them. */
  readonly excluded: readonly ExcludedPartition[];
  /** Items that were performed, the early ones among them. */
  readonly performed: number;
  /** Items that were performed before they were due. */
  readonly performedEarly: number;
  /** Items that failed; they stay. */
  readonly failed: number;
  /** The first 100 of them. */
  readonly failures: readonly FailedItem[];
  /** Items that were read and left, because their partitions took nothing. */
  readonly left: number;
  /** Whether `maxItems` ended it before the source did. */
  readonly hasMore: boolean;
  /** How often in a row it was postponed by now, whole or in part. */
  readonly postponements: number;
  readonly error?: BatchError;
}
