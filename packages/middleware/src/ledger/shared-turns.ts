/** Work that comes in turns, in the order of the calls. A failure is its caller's alone. */
export interface SharedTurns {
  /** Begins when all work before it has ended, and nothing else begins before it has ended. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  /** Begins when all that was to be alone before it has ended, beside others that were called in between. */
  together<T>(work: () => Promise<T>): Promise<T>;
}

/** Turns that nobody has taken yet. */
export function sharedTurns(): SharedTurns {
  let lastAlone: Promise<unknown> = Promise.resolve();
  let all: Promise<unknown> = lastAlone;
  return {
    alone(work) {
      const result = all.then(work, work);
      lastAlone = result.catch(() => undefined);
      all = lastAlone;
      return result;
    },
    together(work) {
      const result = lastAlone.then(work);
      // What they gave is let go: else each would keep all before it.
      all = Promise.allSettled([all, result]).then(() => undefined);
      return result;
    },
  };
}
