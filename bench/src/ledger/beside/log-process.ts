import { statSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeEntry } from '@slackwater/shared';

/** A log that proves what is in it, as the benchmark uses it: ours, or hypercore. */
export interface ProvingLog {
  /** Appends entries; resolves when they are as durable as it makes them. */
  append(entries: readonly Uint8Array[]): Promise<unknown>;
  length(): number;
  read(index: number): Promise<unknown>;
  /** Makes the proof of an entry for somebody who has nothing but the log's public key. */
  prove(index: number): Promise<() => unknown>;
  /** Verifies all that is stored; rejects where something is wrong. */
  verifyAll(): Promise<void>;
  close(): Promise<void>;
}

/** What the process of a log can be asked. */
export interface LogProcess {
  /** Entries per second of so many callers, each appending its next when its last was there. */
  appendOne(callers: number, forMs: number): Promise<number>;
  /** Entries per second of one caller that appends so many at a time. */
  appendMany(perBatch: number, forMs: number): Promise<number>;
  /** Makes another log and appends so many entries to it, which is what the rest is about. */
  fill(entries: number): Promise<void>;
  /** µs of a read, of a proof, and of verifying a proof; of so many entries anywhere. */
  costsUs(count: number): Promise<{ readonly read: number; readonly prove: number; readonly verify: number }>;
  /** Entries per second of verifying everything that is stored. */
  verifyAll(): Promise<number>;
  /** ms from nothing until the log is open. */
  openMs(): Promise<number>;
  /** Bytes on the disk for each entry, the log being closed. */
  bytesEach(): Promise<number>;
}

const perFill = 256;

/** Asks a log that `open` opens in folders below `folder`, new or not. */
export async function askLog(
  folder: string,
  open: (directory: string) => Promise<ProvingLog>,
): Promise<LogProcess> {
  const appended = await open(join(folder, 'appended'));
  const directory = join(folder, 'filled');
  let [log, made]: [ProvingLog | undefined, number] = [undefined, 0];
  const opened = async (): Promise<ProvingLog> => {
    log ??= await open(directory);
    return log;
  };
  const entries = (count: number): readonly Uint8Array[] =>
    Array.from({ length: count }, () => entryNumber(made++));

  async function rate(callers: number, forMs: number, each: number): Promise<number> {
    const startedAt = performance.now();
    let count = 0;
    const caller = async (): Promise<void> => {
      while (performance.now() - startedAt < forMs) {
        await appended.append(entries(each));
        count += each;
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    return (count * 1_000) / (performance.now() - startedAt);
  }

  return {
    appendOne: (callers, forMs) => rate(callers, forMs, 1),
    appendMany: (perBatch, forMs) => rate(1, forMs, perBatch),
    async fill(count) {
      const filled = await opened();
      while (filled.length() < count)
        await filled.append(entries(Math.min(perFill, count - filled.length())));
    },
    async costsUs(count) {
      const filled = await opened();
      const indexes = Array.from({ length: count }, () => Math.floor(Math.random() * filled.length()));
      const read = await eachUs(indexes, (index) => filled.read(index));
      const proofs: (() => unknown)[] = [];
      const prove = await eachUs(indexes, async (index) => proofs.push(await filled.prove(index)));
      const verify = await eachUs(proofs, (verifies) => verifies());
      return { read, prove, verify };
    },
    async verifyAll() {
      const filled = await opened();
      const startedAt = performance.now();
      await filled.verifyAll();
      return (filled.length() * 1_000) / (performance.now() - startedAt);
    },
    async openMs() {
      await log?.close();
      log = undefined;
      const startedAt = performance.now();
      await opened();
      return performance.now() - startedAt;
    },
    async bytesEach() {
      const filled = await opened();
      const length = filled.length();
      await filled.close();
      log = undefined;
      let bytes = 0;
      for await (const file of glob('**/*', { cwd: directory }))
        bytes += statSync(join(directory, file)).size;
      return bytes / length;
    },
  };
}

async function eachUs<Item>(items: readonly Item[], work: (item: Item) => unknown): Promise<number> {
  const startedAt = performance.now();
  for (const item of items) await work(item);
  return ((performance.now() - startedAt) * 1_000) / items.length;
}

/** A deferral that was accepted, some 360 bytes. */
function entryNumber(n: number): Uint8Array {
  return encodeEntry({
    ...{ v: 1, type: 'accepted', id: `01JTX${String(n).padStart(21, '0')}` },
    ...{ at: new Date(1_777_636_800_000 + n).toISOString(), group: 'main', application: 'bench' },
    ...{ method: 'POST', route: '/orders/:id/settle', workType: 'settle', partition: `orders-${n % 8}` },
    ...{ requester: `r-${String(n % 1_000).padStart(20, '0')}`, reasons: ['over-threshold'] },
    ...{ payload: Buffer.alloc(32, n).toString('base64') },
    because: { requesterClass: 'free', metrics: { commitLatencyMs: { value: 480, over: 200 } } },
  });
}
