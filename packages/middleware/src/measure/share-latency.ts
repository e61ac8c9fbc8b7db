import { randomUUID } from 'node:crypto';
import type { Clock, Timer } from '../clock.ts';
import { EngineError } from '../engines/engine-error.ts';
import type { EngineStore, StoredItem } from '../engines/store.ts';
import { formatRecord, recordLimits } from './latency-record.ts';
import type { LatencyTable } from './latency-table.ts';
import { OtherHosts } from './other-hosts.ts';
import type { OthersReading } from './others-value.ts';

/** How hosts share. Durations in ms. */
export const sharingPace = {
  /** From the end of one telling and hearing to the next. */
  everyMs: 1_000,
  /** For so long a host counts after it was last heard. */
  freshForMs: 5_000,
  /** After so long the store lets go of the record of a host that died. By far more than clocks of hosts differ. */
  expireAfterMs: 30_000,
  /** So many records are read. Their keys are random, so of more hosts these are a fair sample. */
  mostRecords: 64,
} as const;

const prefix = 'latency/';

/** What {@link shareLatency} takes. */
export interface SharingSetup {
  readonly clock: Clock;
  readonly table: Pick<LatencyTable, 'latest'>;
  /** This host among the others: one random segment of a key for all that is in this process. */
  readonly host: string;
  /** How long the store is waited for, ms. */
  readonly timeoutMs: number;
  /** Hears, once for each spell of trouble, why values are not shared, or not heard. */
  readonly onTrouble: (error: unknown) => void;
  /** Default {@link sharingPace}. */
  readonly pace?: Partial<typeof sharingPace>;
}

/** The latency values of other hosts. Asking for them does no I/O and never waits. */
export interface Sharing {
  /** Begins to tell and to hear, once there is a store. Until then, and while it does not answer, nobody says anything. */
  begin(store: EngineStore): void;
  /** The others' median of a partition, ms; NaN where too few of them have one. */
  valueOf(partition: string): number;
  read(partition: string): OthersReading;
  /** Every partition of which others say something. */
  partitions(): Iterable<string>;
  /** Takes back what was told, within the time that the store is waited for. */
  close(): Promise<void>;
}

/**
 * Tells other hosts this one's latency values, and hears theirs, through the key-value store: a record for each gate at
 * `latency/<host>/<gate>`. A crash at any instant leaves a record that stops changing, which is ignored within
 * `freshForMs` and expires.
 */
export function shareLatency(setup: SharingSetup): Sharing {
  const { clock, table, host, timeoutMs } = setup;
  const { everyMs, freshForMs, expireAfterMs, mostRecords } = { ...sharingPace, ...setup.pace };
  const key = `${prefix}${host}/${randomUUID()}`;
  const others = new OtherHosts(freshForMs);
  let store: EngineStore | undefined;
  let timer: Timer | undefined;
  let beating: Promise<void> | undefined;
  let troubled = false;
  let closed = false;

  /** The next one begins when the store has answered: what does not answer is not asked ever more. */
  async function beat(from: EngineStore): Promise<void> {
    let isLate = false;
    const late = clock.after(timeoutMs, () => {
      isLate = true;
      inTrouble(timeoutError(timeoutMs));
      others.forget();
    });
    const [told, heard] = await Promise.allSettled([tell(from), from.list(prefix, { limit: mostRecords })]);
    late.cancel();
    if (!closed) timer = clock.after(everyMs, go);
    // What comes late was read long ago.
    if (closed || isLate) return;
    if (heard.status === 'fulfilled') hear(heard.value);
    else others.forget();
    const failed = [told, heard].find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') inTrouble(failed.reason);
    else troubled = false;
  }

  async function tell(to: EngineStore): Promise<void> {
    const record = formatRecord(table.latest(recordLimits.partitions));
    if (record === undefined) return;
    await to.put(key, record, { expiresAt: clock.wallNow() + expireAfterMs });
  }

  function hear(items: readonly StoredItem[]): void {
    const records = items
      .map((item) => ({ ...item, host: item.key.slice(prefix.length).split('/')[0] ?? '' }))
      .filter((record) => record.host !== host);
    for (const unreadable of others.hear(records, clock.now())) {
      setup.onTrouble(
        new Error(`${unreadable} can't be read: another version wrote it, or somebody else. It is ignored.`),
      );
    }
  }

  function inTrouble(error: unknown): void {
    if (!troubled && !closed) setup.onTrouble(error);
    troubled = true;
  }

  function go(): void {
    if (store !== undefined) beating = beat(store);
  }

  async function leave(from: EngineStore): Promise<void> {
    await beating;
    // Where this fails the record expires.
    await from.delete(key).catch(() => {});
  }

  return {
    begin(opened) {
      if (store !== undefined || closed) return;
      store = opened;
      go();
    },
    valueOf: (partition) => others.read(partition, clock.now())?.valueMs ?? Number.NaN,
    read: (partition) => others.read(partition, clock.now()) ?? { valueMs: undefined, hosts: 0 },
    partitions: () => others.partitions(clock.now()),
    async close() {
      if (closed) return;
      closed = true;
      timer?.cancel();
      others.forget();
      if (store === undefined) return;
      const left = leave(store);
      await new Promise<void>((resolve) => {
        const limit = clock.after(timeoutMs, resolve);
        void left.finally(() => {
          limit.cancel();
          resolve();
        });
      });
    },
  };
}

function timeoutError(timeoutMs: number): EngineError {
  return new EngineError(
    'engine-timeout',
    'unknown',
    `The engine did not answer within ${timeoutMs} ms (engineTimeoutMs): values of other hosts do not count until it does.`,
  );
}
