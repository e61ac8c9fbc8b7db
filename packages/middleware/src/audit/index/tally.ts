import type { DatabaseSync } from 'node:sqlite';
import { type Dimension, dimensions } from './schema.ts';

/** How many deferrals have a value, by state. Changes are gathered, for most of a batch are about few values. */
export interface Tally {
  /** One deferral more, or one less, with that value and in that state. Of the dimension `state` the value is 0. */
  add(dimension: Dimension, value: number, state: number, change: 1 | -1): void;
  /** Writes what was gathered. */
  flush(): void;
  /** Forgets it. */
  forget(): void;
}

const stateBits = 64;

/** The tally of an open index. */
export function openTally(database: DatabaseSync): Tally {
  const upsert = database.prepare(
    `INSERT INTO tally VALUES (?, ?, ?, ?)
     ON CONFLICT (dimension, value, state) DO UPDATE SET deferrals = deferrals + excluded.deferrals`,
  );
  const gathered = new Map<Dimension, Map<number, number>>();

  function flush(): void {
    for (const [dimension, changes] of gathered) {
      for (const [key, change] of changes) {
        if (change === 0) continue;
        upsert.run(dimensions[dimension], Math.floor(key / stateBits), key % stateBits, change);
      }
      changes.clear();
    }
  }

  return {
    add(dimension, value, state, change) {
      let changes = gathered.get(dimension);
      if (changes === undefined) {
        changes = new Map();
        gathered.set(dimension, changes);
      }
      const key = value * stateBits + state;
      changes.set(key, (changes.get(key) ?? 0) + change);
    },
    flush,
    forget: () => gathered.clear(),
  };
}
