import type { ActivityCounts } from '../perform/queue-activity.ts';
import type { PauseMark } from '../perform/queue-pauses.ts';

/** A partition's part of a queue. */
export interface PartitionQueue {
  readonly partition: string;
  /** Deferrals of it that are neither settled nor parked, of all hosts. */
  readonly items: number;
  /** When the next that is not due now becomes so, RFC 3339. */
  readonly nextDueAt?: string;
  /** When the one that has waited longest was accepted, RFC 3339. */
  readonly oldestAt?: string;
  /** What this host did with its deferrals in the last minute: how often each was told as an event. */
  readonly lastMinute: ActivityCounts;
  /** How many this host performs now. */
  readonly performing: number;
  /** How many it would perform at once by what it has found out so far; absent where it has nothing to do with it now. */
  readonly atOnce?: number;
  /** Present where it is paused by itself. */
  readonly paused?: PauseMark;
}

/** A group's queue as it stands. */
export interface QueueView {
  readonly group: string;
  /** Present where all of it is paused. */
  readonly paused?: PauseMark;
  /** How many are parked, for somebody to look at; absent while this host keeps no index for audits. */
  readonly parked?: number;
  /** Those where something waits, and those that are paused. */
  readonly partitions: readonly PartitionQueue[];
}

/** What of a queue is meant, and by whom. */
export interface QueueTerms {
  /** Where it is left out, the whole group is meant. */
  readonly partition?: string;
  /** Who does it, 1 to 200 characters; stands there as `code:<by>`. Default `app`. */
  readonly by?: string;
}

/** The queue of a group's deferrals. Every call opens the ledger where it is not open, and rejects where it can't be. */
export interface GateQueue {
  view(): Promise<QueueView>;
  /** From now on nothing more is performed, on this host at once and on others within a second; what is under way ends. Requests are deferred as before. */
  pause(terms?: QueueTerms): Promise<void>;
  /** It goes on. A partition that was paused by itself stays so when its group is resumed. */
  resume(terms?: QueueTerms): Promise<void>;
  /**
   * This host tries at once what is due, and what it has turned away (the last 100 of each partition) and would have left alone
   * for a while; as far as latency admits, and nothing is paused.
   */
  drain(terms?: Pick<QueueTerms, 'partition'>): Promise<void>;
}
