import { EngineError } from '../engines/engine-error.ts';
import { engineLimits } from '../engines/limits.ts';

// Group commit. While one batch is on its way to the log the next is collected, so that the log's speed and not the
// number of callers sets how often it syncs.
//
// Crash points: before the append returns, an entry may be in the log or not; nobody was told. Once it is there, whoever
// seals next seals it too, whether its caller is still alive or not.

const maxBatchEntries = 256;
const maxWaiting = 8_192;

/** An entry on its way to the log. */
export interface Appending {
  /** Resolves with the position; rejects with an `EngineError` that knows the entry's fate. */
  readonly appended: Promise<number>;
  /** Takes the entry back. False where it was already given to the log: then its fate is the log's. May be called twice. */
  takeBack(): boolean;
}

/** Where a batch stands in the log, and whether a block covers it already. */
export interface Appended {
  readonly first: number;
  readonly isSealed: boolean;
}

/** Collects concurrent appends into batches, one at a time on its way. */
export interface AppendBatches {
  /** `onAppended` is called synchronously, in the order of positions, before the batch's promises resolve. */
  append(entry: Uint8Array, onAppended?: OnAppended): Appending;
  /** Rejects all that waits and is not on its way. */
  refuse(error: unknown): void;
  /** Resolves when nothing is waiting or on its way. */
  idle(): Promise<void>;
}

type OnAppended = (position: number, isSealed: boolean) => void;

interface Waiting {
  issued: boolean;
  readonly entry: Uint8Array;
  readonly onAppended: OnAppended | undefined;
  readonly resolve: (position: number) => void;
  readonly reject: (error: unknown) => void;
}

/** Batches for one log, to which `append` takes each. */
export function appendBatches(append: (entries: readonly Uint8Array[]) => Promise<Appended>): AppendBatches {
  const waiting = new Set<Waiting>();
  let running: Promise<void> | undefined;

  function takeBatch(): Waiting[] {
    const batch: Waiting[] = [];
    let bytes = 0;
    for (const item of waiting) {
      bytes += item.entry.length;
      if (batch.length === maxBatchEntries || (batch.length > 0 && bytes > engineLimits.appendBytes)) break;
      item.issued = true;
      batch.push(item);
      waiting.delete(item);
    }
    return batch;
  }

  async function run(): Promise<void> {
    // The callers of this very turn share the first batch.
    await Promise.resolve();
    while (waiting.size > 0) await appendOne(takeBatch());
    running = undefined;
  }

  async function appendOne(batch: readonly Waiting[]): Promise<void> {
    try {
      const { first, isSealed } = await append(batch.map((item) => item.entry));
      batch.forEach((item, i) => {
        item.onAppended?.(first + i, isSealed);
        item.resolve(first + i);
      });
    } catch (error) {
      for (const item of batch) item.reject(error);
    }
  }

  return {
    append(entry, onAppended) {
      if (waiting.size >= maxWaiting) {
        const error = new EngineError(
          'engine-unavailable',
          'none',
          `${maxWaiting} entries already wait for the log.`,
        );
        return { appended: Promise.reject(error), takeBack: () => true };
      }
      let takeBack = (): boolean => false;
      const appended = new Promise<number>((resolve, reject) => {
        const item: Waiting = { issued: false, entry, onAppended, resolve, reject };
        waiting.add(item);
        takeBack = () => {
          waiting.delete(item);
          return !item.issued;
        };
      });
      running ??= run();
      return { appended, takeBack };
    },
    refuse(error) {
      for (const item of waiting) item.reject(error);
      waiting.clear();
    },
    async idle() {
      while (running !== undefined) await running;
    },
  };
}
