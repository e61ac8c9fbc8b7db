import { type PartitionValue, parseRecord } from './latency-record.ts';
import { type OthersReading, othersValue } from './others-value.ts';

/** A record as it was found. */
export interface FoundRecord {
  readonly key: string;
  /** The host that wrote it; several records may be of one host. */
  readonly host: string;
  /** Differs with each writing. */
  readonly revision: number;
  readonly value: Uint8Array;
}

/** The life of one record, as far as it was seen from here. */
interface Seen {
  readonly revision: number;
  /** When it was first seen with this revision after another, monotonic ms; undefined while it never changed. */
  readonly changedAt: number | undefined;
  readonly unreadable: boolean;
}

/**
 * What other hosts say. Whether a host is alive is told by its record changing while we look, by this host's monotonic
 * clock alone: no host's wall clock is compared with another's. So a record counts from the second time on that it is found.
 */
export class OtherHosts {
  readonly #freshForMs: number;
  #seen: ReadonlyMap<string, Seen> = new Map();
  #readings: ReadonlyMap<string, OthersReading> = new Map();
  #heardAt = Number.NEGATIVE_INFINITY;

  /** @param freshForMs for so long a record counts after it was last seen to change, and all that was heard after it was heard */
  constructor(freshForMs: number) {
    this.#freshForMs = freshForMs;
  }

  /** Hears all records of other hosts, as they were found now. Gives the keys of those that newly can't be read. */
  hear(records: readonly FoundRecord[], now: number): readonly string[] {
    const seen = new Map<string, Seen>();
    const unreadable: string[] = [];
    const hosts = new Map<string, Map<string, number>>();
    for (const record of records) {
      const before = this.#seen.get(record.key);
      const changedAt = changedAtOf(record, before, now);
      const isFresh = changedAt !== undefined && now - changedAt <= this.#freshForMs;
      const values = isFresh ? parseRecord(record.value) : undefined;
      const isUnreadable = isFresh && values === undefined;
      if (isUnreadable && before?.unreadable !== true) unreadable.push(record.key);
      seen.set(record.key, { revision: record.revision, changedAt, unreadable: isUnreadable });
      if (values !== undefined) addTo(hosts, record.host, values);
    }
    this.#seen = seen;
    this.#readings = readingsOf(hosts.values());
    this.#heardAt = now;
    return unreadable;
  }

  /** The others can't be heard: nothing that they said counts until they are heard again. */
  forget(): void {
    this.#readings = new Map();
  }

  /** What they say of a partition; undefined where nothing. */
  read(partition: string, now: number): OthersReading | undefined {
    return this.#isFresh(now) ? this.#readings.get(partition) : undefined;
  }

  /** Every partition of which they say something. */
  partitions(now: number): Iterable<string> {
    return this.#isFresh(now) ? this.#readings.keys() : [];
  }

  #isFresh(now: number): boolean {
    return now - this.#heardAt <= this.#freshForMs;
  }
}

function changedAtOf({ revision }: FoundRecord, before: Seen | undefined, now: number): number | undefined {
  if (before === undefined) return undefined;
  return before.revision === revision ? before.changedAt : now;
}

/** Several gates of one process are one host: what they say of a partition counts once. */
function addTo(
  hosts: Map<string, Map<string, number>>,
  host: string,
  values: readonly PartitionValue[],
): void {
  const own = hosts.get(host) ?? new Map<string, number>();
  hosts.set(host, own);
  for (const [partition, valueMs] of values) if (!own.has(partition)) own.set(partition, valueMs);
}

function readingsOf(hosts: Iterable<ReadonlyMap<string, number>>): ReadonlyMap<string, OthersReading> {
  const byPartition = new Map<string, number[]>();
  for (const values of hosts) {
    for (const [partition, valueMs] of values) {
      const known = byPartition.get(partition);
      if (known === undefined) byPartition.set(partition, [valueMs]);
      else known.push(valueMs);
    }
  }
  return new Map([...byPartition].map(([partition, values]) => [partition, othersValue(values)]));
}
