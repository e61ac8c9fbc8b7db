import { EngineError } from '../engines/engine-error.ts';
import { engineLimits } from '../engines/limits.ts';

// Group commit. While one batch is on its way to the log the next is collected, so that the log's speed and not the
// number of callers sets how often it syncs.
//
// Crash points: before the append returns, an entry may be in the log or not; nobody was told. Once it is there, whoever
// seals next seals it too, whether its caller is still alive or not.

const maxBatchEntries = 256;
const maxWaiting = 8_192;

/** An entry that is to be appended, and who hears of it. */
export interface Waiting {
  readonly entry: Uint8Array;
  /** Whether it was given to the log. The batches alone say so; false at first. */
  isIssued: boolean;
  /** Called synchronously, in the order of positions. */
  onAppended(position: number, isSealed: boolean): void;
  /** With an `EngineError` that knows the entry's fate, or with what the batches were refused with. */
  onFailed(error: unknown): void;
}

/** Where a batch stands in the log, and whether a block covers it already. */
export interface Appended {
  readonly first: number;
  readonly isSealed: boolean;
}

/** Collects concurrent appends into batches, one at a time on its way. */
export interface AppendBatches {
  /** Hears in the end whether it was appended, unless it was taken back. */
  append(waiting: Waiting): void;
  /** Takes the entry back. False where it was already given to the log: then its fate is the log's. May be called twice. */
  takeBack(waiting: Waiting): boolean;
  /** Fails all that waits and is not on its way. */
  refuse(error: unknown): void;
  /** Resolves when nothing is waiting or on its way. */
  idle(): Promise<void>;
}

/** Batches for one log, to which `append` takes each. */
export function appendBatches(append: (entries: readonly Uint8Array[]) => Promise<Appended>): AppendBatches {
  // Lists and no set: what a set has let go is kept by its outgrown tables until the whole heap is collected.
  let waiting: Waiting[] = [];
  let running: Promise<void> | undefined;

  function takeBatch(): readonly Waiting[] {
    let [count, bytes] = [0, 0];
    for (const { entry } of waiting) {
      bytes += entry.length;
      if (count === maxBatchEntries || (count > 0 && bytes > engineLimits.appendBytes)) break;
      count += 1;
    }
    const batch = waiting.slice(0, count);
    waiting = waiting.slice(count);
    for (const item of batch) item.isIssued = true;
    return batch;
  }

  async function run(): Promise<void> {
    // The callers of this very turn share the first batch.
    await Promise.resolve();
    while (waiting.length > 0) await appendOne(takeBatch());
    running = undefined;
  }

  async function appendOne(batch: readonly Waiting[]): Promise<void> {
    try {
      const { first, isSealed } = await append(batch.map((item) => item.entry));
      batch.forEach((item, i) => {
        item.onAppended(first + i, isSealed);
      });
    } catch (error) {
      for (const item of batch) item.onFailed(error);
    }
  }

  return {
    append(item) {
      if (waiting.length >= maxWaiting) {
        const message = `${maxWaiting} entries already wait for the log.`;
        item.onFailed(new EngineError('engine-unavailable', 'none', message));
        return;
      }
      waiting.push(item);
      running ??= run();
    },
    takeBack(item) {
      const place = waiting.indexOf(item);
      if (place !== -1) waiting.splice(place, 1);
      return !item.isIssued;
    },
    refuse(error) {
      for (const item of waiting.splice(0)) item.onFailed(error);
    },
    async idle() {
      while (running !== undefined) await running;
    },
  };
}
