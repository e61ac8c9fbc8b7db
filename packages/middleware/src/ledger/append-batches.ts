import { EngineError } from '../engines/engine-error.ts';
import { engineLimits } from '../engines/limits.ts';

// Group commit. While one batch is on its way to the log the next is collected, so that the log's speed and not the
// number of callers sets how often it syncs.
//
// Crash points: before the append returns, an entry may be in the log or not; nobody was told. Once it is there, whoever
// seals next seals it too, whether its caller is still alive or not.

const maxBatchEntries = 256;
const maxWaiting = 8_192;
/** Fewer are not worth a transaction of their own while another batch is on its way. */
const fewestInTwo = 64;

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

/** Collects concurrent appends into batches, one or two of which are on their way. */
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

/**
 * Batches for one log, to which `append` takes each: one at a time, or, where so many entries are sooner there in two, the second
 * while the first is on its way.
 */
export function appendBatches(
  append: (entries: readonly Uint8Array[]) => Promise<Appended>,
  isSoonerInTwo: (entries: number) => boolean,
): AppendBatches {
  // Lists and no set: what a set has let go is kept by its outgrown tables until the whole heap is collected.
  let waiting: Waiting[] = [];
  let batchesUnderWay = 0;
  let entriesUnderWay = 0;
  let isPlanned = false;
  let idlers: (() => void)[] = [];

  /** How many go next; none where they had better wait for company. */
  function nextCount(): number {
    const pending = waiting.length + entriesUnderWay;
    const inTwo = pending >= 2 * fewestInTwo && isSoonerInTwo(pending);
    if (!inTwo) return batchesUnderWay === 0 ? Math.min(waiting.length, maxBatchEntries) : 0;
    const count = Math.min(waiting.length, Math.ceil(pending / 2), maxBatchEntries);
    if (batchesUnderWay === 0) return count;
    return batchesUnderWay === 1 && count >= fewestInTwo ? count : 0;
  }

  function takeBatch(most: number): readonly Waiting[] {
    let [count, bytes] = [0, 0];
    for (const { entry } of waiting) {
      bytes += entry.length;
      if (count === most || (count > 0 && bytes > engineLimits.appendBytes)) break;
      count += 1;
    }
    const batch = waiting.slice(0, count);
    waiting = waiting.slice(count);
    for (const item of batch) item.isIssued = true;
    return batch;
  }

  function sendNext(): void {
    isPlanned = false;
    const most = nextCount();
    if (most > 0) void send(takeBatch(most));
    if (nextCount() > 0) plan();
    if (batchesUnderWay > 0) return;
    for (const resolve of idlers) resolve();
    idlers = [];
  }

  /** Not at once: the callers of one turn of the event loop share a batch. And one batch in a turn: to seal it takes a while. */
  function plan(): void {
    if (isPlanned) return;
    isPlanned = true;
    setImmediate(sendNext);
  }

  async function send(batch: readonly Waiting[]): Promise<void> {
    batchesUnderWay += 1;
    entriesUnderWay += batch.length;
    await appendOne(batch);
    batchesUnderWay -= 1;
    entriesUnderWay -= batch.length;
    plan();
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
      plan();
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
      if (waiting.length === 0 && batchesUnderWay === 0) return;
      await new Promise<void>((resolve) => idlers.push(resolve));
    },
  };
}
