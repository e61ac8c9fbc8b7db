import type { PerformerEvent } from './performer-events.ts';

/** What of the performer's events is counted. */
export const countedEvents = ['performed', 'failed', 'retrying', 'postponed', 'parked'] as const;

/** How often each happened, in the last minute. */
export type ActivityCounts = Readonly<Record<(typeof countedEvents)[number], number>>;

const buckets = 12;
const bucketMs = 5_000;
/** Beyond so many partitions the one that was quiet for longest is forgotten. */
const mostPartitions = 1_000;
const nothing: ActivityCounts = { performed: 0, failed: 0, retrying: 0, postponed: 0, parked: 0 };

type Counts = Record<(typeof countedEvents)[number], number>;

interface Bucket {
  readonly begunAt: number;
  readonly counts: Counts;
}

/** What a process did with the deferrals of each partition within the last minute. */
export class QueueActivity {
  readonly #clock: { now(): number };
  readonly #partitions = new Map<string, Bucket[]>();

  constructor(clock: { now(): number }) {
    this.#clock = clock;
  }

  note(event: PerformerEvent): void {
    const counted = countedEvents.find((type) => type === event.type);
    if (counted === undefined || event.partition === undefined) return;
    const recent = this.#recent(event.partition);
    const begunAt = Math.floor(this.#clock.now() / bucketMs) * bucketMs;
    let last = recent.at(-1);
    if (last?.begunAt !== begunAt) {
      last = { begunAt, counts: { ...nothing } };
      recent.push(last);
    }
    last.counts[counted] += 1;
    this.#partitions.delete(event.partition);
    const [oldest] = this.#partitions.size < mostPartitions ? [] : this.#partitions.keys();
    if (oldest !== undefined) this.#partitions.delete(oldest);
    this.#partitions.set(event.partition, recent);
  }

  of(partition: string): ActivityCounts {
    const sum: Counts = { ...nothing };
    for (const { counts } of this.#recent(partition)) {
      for (const event of countedEvents) sum[event] += counts[event];
    }
    return sum;
  }

  #recent(partition: string): Bucket[] {
    const since = this.#clock.now() - buckets * bucketMs;
    return (this.#partitions.get(partition) ?? []).filter(({ begunAt }) => begunAt > since);
  }
}
