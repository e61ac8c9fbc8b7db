/**
 * The queue contract: items wait per partition, are claimed under a lease, and leave when they are settled.
 * The queue is a cache of the log: what it lost is enqueued again from there.
 *
 * Law:
 * - Durable and atomic per call, like the log.
 * - `enqueue` of an id that is on the queue, claimed, or was settled or dead-lettered within the last day
 *   changes nothing.
 * - `claim` gives items that are due (`notBefore` passed, not leased), the lowest `priority` number first and
 *   within it the lowest `position`. It never gives an item while another of the same `orderKey` and a lower
 *   position is unsettled, whatever that one waits for, in whatever partition.
 * - A claim's `token` is greater than every token the item had before. `extend`, `settle`, `postpone` and
 *   `deadLetter` do nothing and answer false for any token but the newest: who lost the lease can't settle.
 *   An expired lease that nobody took over is still its holder's.
 * - Leases and `notBefore` go by the time the caller gives on one host, by the server's where it has one.
 * - `deadLetter` takes an item off the partition and keeps it to be looked at; its order key is then free.
 * - `revive` puts a dead-lettered item back on the queue, due at once, where its position has it: it goes before later
 *   ones of its order key again. Where the holder of `token` has not got to dead-lettering it yet, the item is taken back from it:
 *   that token is refused from then on.
 */
export interface EngineQueue {
  /** Resolves with false where the item was there already. */
  enqueue(item: QueueItem): Promise<boolean>;
  claim(options: ClaimOptions): Promise<readonly Claim[]>;
  /**
   * Claims that one item, whether it is due or not. Undefined where it is not on the queue, another of its order key goes before
   * it, or somebody holds it whose lease has not ended.
   */
  claimOne(id: string, options: Pick<ClaimOptions, 'leaseMs' | 'holder'>): Promise<Claim | undefined>;
  /** Prolongs the lease to `leaseMs` from now. */
  extend(id: string, token: number, leaseMs: number): Promise<boolean>;
  /** The item is done and leaves the queue. */
  settle(id: string, token: number): Promise<boolean>;
  /** Back onto the queue, not to be claimed before `notBefore` (Unix milliseconds). */
  postpone(id: string, token: number, notBefore: number): Promise<boolean>;
  deadLetter(id: string, token: number): Promise<boolean>;
  /**
   * `token` is the newest that the caller knows of. Resolves with false, and changes nothing, where the item waits, was settled
   * within the last day, or was claimed with another token. An id that is not known is enqueued.
   */
  revive(item: QueueItem, token: number): Promise<boolean>;
  /** Takes an item off that nobody holds: its lease, if any, has ended. False where it is leased or not there. */
  remove(id: string): Promise<boolean>;
  /** Every partition that has items which are neither settled nor dead-lettered, with how many. */
  backlog(): Promise<readonly PartitionBacklog[]>;
  /**
   * Of every partition that has items the one of the lowest position: of each priority, among those that are ready and the first
   * 1,000 to become due.
   */
  oldest(): Promise<readonly OldestItem[]>;
  /** True while an item with that order key is unsettled. */
  holdsOrderKey(orderKey: string): Promise<boolean>;
}

export interface QueueItem {
  /** The deferral's id. */
  readonly id: string;
  readonly partition: string;
  /** 1 is the most important. */
  readonly priority: number;
  /** The position of its `accepted` entry in the log. */
  readonly position: number;
  readonly orderKey?: string;
  /** Unix milliseconds; due at once where it is absent. */
  readonly notBefore?: number;
}

export interface ClaimOptions {
  readonly partition: string;
  /** 1 to 100. */
  readonly limit: number;
  readonly leaseMs: number;
  /** Who claims, for people to read. */
  readonly holder: string;
}

export interface Claim extends QueueItem {
  /** Fencing token. */
  readonly token: number;
}

/** The item that has waited longest in a partition. */
export interface OldestItem {
  readonly partition: string;
  readonly id: string;
  readonly position: number;
}

export interface PartitionBacklog {
  readonly partition: string;
  readonly items: number;
  /**
   * The lowest priority number among the items that are due now and have no predecessor of their order key;
   * undefined where there is none.
   */
  readonly duePriority: number | undefined;
  /** When the next item that is not due now becomes so, Unix milliseconds, leases included. */
  readonly nextDueAt: number | undefined;
}
