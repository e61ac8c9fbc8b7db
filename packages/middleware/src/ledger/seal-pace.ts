import type { Clock } from '../clock.ts';

// Entries that wait are sealed as one block, or as two, of which the second is sealed while the engine has the first. Two overlap
// the work of both threads and sync twice: which is sooner is a matter of the disk.

/** What a sealed batch took, of some batches on average. */
export interface PaceOfBatches {
  readonly entries: number;
  /** For hashing and signing it, on this thread. */
  readonly sealMs: number;
  /** From when the engine could begin with it until it was durable. */
  readonly engineMs: number;
}

/** What this thread does for an entry, by what of it is sealing. What the engine does without the sync is taken to be as much. */
const wholeBySealing = 1.5;

/** How much a new batch counts. */
const weight = 1 / 8;

/**
 * Whether so many entries are sooner durable as two batches, one behind the other, than as one: where this thread's work for
 * them, which is then done while the engine writes, is more than one more sync.
 */
export function isSoonerInTwo(entries: number, pace: PaceOfBatches): boolean {
  const workMs = (wholeBySealing * pace.sealMs) / pace.entries;
  const syncMs = pace.engineMs - workMs * pace.entries;
  return workMs * entries > syncMs;
}

/** Watches batches that are sealed, one behind the other. */
export interface SealPace {
  /** A batch is begun; the first function is to be called when it has been given to the engine, its result when it is durable. */
  begin(entries: number): () => () => void;
  /** {@link isSoonerInTwo} by the batches so far; false before the first. */
  isSoonerInTwo(entries: number): boolean;
}

/** A pace of which nothing is known yet. */
export function sealPace(clock: Pick<Clock, 'now'>): SealPace {
  let pace: PaceOfBatches | undefined;
  let durableAt = Number.NEGATIVE_INFINITY;

  function count(batch: PaceOfBatches): void {
    const before = pace ?? batch;
    const mean = (name: keyof PaceOfBatches): number => before[name] + weight * (batch[name] - before[name]);
    pace = { entries: mean('entries'), sealMs: mean('sealMs'), engineMs: mean('engineMs') };
  }

  return {
    begin(entries) {
      const begunAt = clock.now();
      return () => {
        const givenAt = clock.now();
        return () => {
          // The engine had the one before until that was durable.
          const engineFrom = Math.max(givenAt, durableAt);
          durableAt = clock.now();
          count({ entries, sealMs: givenAt - begunAt, engineMs: durableAt - engineFrom });
        };
      };
    },
    isSoonerInTwo: (entries) => pace !== undefined && isSoonerInTwo(entries, pace),
  };
}
