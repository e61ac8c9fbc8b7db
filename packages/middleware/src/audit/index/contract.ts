import type { DeferralPhase, DeferralStatus } from '@slackwater/shared';

/** A deferral as the log's entries tell of it. Times are Unix milliseconds. */
export interface IndexedDeferral {
  readonly id: string;
  /** Where its `accepted` entry stands in the log. */
  readonly position: number;
  readonly status: DeferralStatus;
  readonly phase: DeferralPhase;
  /** Its records were altered or are missing: it is refused, and a person has to look. */
  readonly corrupt: boolean;
  readonly method: string;
  readonly route: string;
  readonly workType: string;
  readonly partition: string;
  /** The requester's random pseudonym. */
  readonly requester: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly attempts: number;
  readonly postponements: number;
  readonly outcomeKnown: boolean | undefined;
  /** An error code. */
  readonly error: string | undefined;
}

/** Which deferrals are meant; all that is given must hold. */
export interface IndexFilter {
  readonly status?: DeferralStatus;
  readonly phase?: DeferralPhase;
  /** Only those whose records are corrupt, or only the others. */
  readonly corrupt?: boolean;
  readonly workType?: string;
  readonly partition?: string;
  /** A pseudonym. */
  readonly requester?: string;
  readonly method?: string;
  /** Route pattern. */
  readonly route?: string;
  /** Unix milliseconds: accepted at that time or later. */
  readonly createdFrom?: number;
  /** Unix milliseconds: accepted before that time. */
  readonly createdBefore?: number;
}

/** A page of deferrals, newest first. */
export interface IndexQuery extends IndexFilter {
  /** 1 to 1,000. */
  readonly limit: number;
  /** The `next` of the page before. */
  readonly cursor?: string;
}

/** What a query found. */
export interface IndexPage {
  readonly deferrals: readonly IndexedDeferral[];
  /** Absent on the last page. A short or empty page may have one. */
  readonly next: string | undefined;
  /** How many entries of the log the answer rests on. */
  readonly entries: number;
}

/** What deferrals can be counted by. */
export const countDimensions = [
  'status',
  'phase',
  'workType',
  'partition',
  'requester',
  'operation',
] as const;

/** One of {@link countDimensions}. */
export type CountDimension = (typeof countDimensions)[number];

/**
 * Counts by one dimension, or by several at once. What the tally has (one dimension; filters of state, and besides one dimension: that
 * which is counted by, or where it is counted by state any one) is there at once. All else is counted row by row.
 */
export interface CountQuery extends IndexFilter {
  readonly by: CountDimension | readonly CountDimension[];
  /** Rows on one page, 1 to 1,000. */
  readonly limit: number;
  readonly cursor?: string;
}

/** How many deferrals have a value, or of several dimensions these values together. */
export interface IndexCount {
  /** Of `operation`: method, a space, route pattern. Of several dimensions their values, joined by ", ". */
  readonly value: string;
  /** Each by the name of its dimension. */
  readonly values: Readonly<Partial<Record<CountDimension, string>>>;
  readonly count: number;
}

/** What was counted, in the order in which the values first appear in the log. */
export interface IndexCounts {
  readonly counts: readonly IndexCount[];
  readonly next: string | undefined;
  readonly entries: number;
}

/** How the index stands. */
export interface IndexStatus {
  /** Entries of the log that it has read. */
  readonly entries: number;
  /** Entries that are in the log, as far as this host knows, and not in the index yet. */
  readonly behind: number;
  /** Deferrals in it. */
  readonly deferrals: number;
  /** Deferrals that are parked, corrupt ones among them. */
  readonly parked: number;
  /** Deferrals that are marked corrupt. */
  readonly corrupt: number;
  /** Entries that are none: somebody changed the log. Verify it. */
  readonly unreadable: number;
}
