import { closeSync, fdatasync, ftruncateSync, openSync, write } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { answerCalls } from '../child.ts';
import { busyNeighbours } from './busy-neighbours.ts';
import { type Lateness, watchLoop } from './lateness.ts';
import { entryOf, openSealing } from './open-sealing.ts';

/** A ledger and a plain file beside it, on the same disk. */
export interface SealingProcess {
  /** Durable, sealed entries per second of so many callers, each making its next when its last was answered. */
  sealed(callers: number, forMs: number): Promise<number>;
  /** Entries per second that are appended to a file in the batches of the last `sealed`, or in such as are given, with an fdatasync behind each. */
  raw(forMs: number, perBatch?: number): Promise<number>;
  /** How late timers come with so many callers, or with none. */
  lateness(callers: number, forMs: number): Promise<Lateness>;
  /** The same with no callers and a thread beside it, for each core, that computes without end. */
  latenessBesideBusy(forMs: number): Promise<Lateness>;
  end(): Promise<void>;
}

interface Place {
  readonly folder: string;
  readonly entryBytes: number;
}

const append = promisify(write);
const sync = promisify(fdatasync);

await answerCalls<SealingProcess>(async ({ folder, entryBytes }: Place) => {
  const sealing = await openSealing(join(folder, 'ledger'));
  const entry = entryOf(entryBytes);
  const file = openSync(join(folder, 'raw'), 'w');
  let batches: number[] = [];

  async function sealed(callers: number, forMs: number): Promise<number> {
    const firstBatch = sealing.batches.length;
    const startedAt = performance.now();
    let count = 0;
    const call = async (): Promise<void> => {
      while (performance.now() - startedAt < forMs) {
        await sealing.sealer.record(entry).sealed;
        count += 1;
      }
    };
    await Promise.all(Array.from({ length: callers }, call));
    const rate = (count * 1_000) / (performance.now() - startedAt);
    batches = sealing.batches.splice(0).slice(firstBatch);
    return rate;
  }

  return {
    sealed,
    async raw(forMs, perBatch) {
      ftruncateSync(file, 0);
      const startedAt = performance.now();
      let count = 0;
      for (let n = 0; performance.now() - startedAt < forMs; n++) {
        const entries = perBatch ?? batches[n % batches.length] ?? 1;
        await append(
          file,
          Buffer.alloc(entries * entryBytes, 7),
          0,
          entries * entryBytes,
          count * entryBytes,
        );
        await sync(file);
        count += entries;
      }
      return (count * 1_000) / (performance.now() - startedAt);
    },
    async lateness(callers, forMs) {
      const watch = watchLoop();
      await (callers === 0 ? sleep(forMs) : sealed(callers, forMs));
      return watch.end();
    },
    async latenessBesideBusy(forMs) {
      const neighbours = await busyNeighbours();
      const watch = watchLoop();
      await sleep(forMs);
      const lateness = watch.end();
      await neighbours.end();
      return lateness;
    },
    async end() {
      closeSync(file);
      await sealing.close();
    },
  };
});
