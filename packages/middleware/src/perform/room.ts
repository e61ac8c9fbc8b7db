/** Places for deferrals under way in this process; who finds none is told when there are some, in turn. */
export interface Room {
  /**
   * Takes at most `wanted` places and answers how many. Where there are none, `whenFree` is called once, later,
   * unless it waits already.
   */
  take(wanted: number, whenFree: () => void): number;
  give(places: number): void;
}

/** A room with so many places. */
export function createRoom(places: number): Room {
  let free = places;
  const waiting = new Set<() => void>();
  return {
    take(wanted, whenFree) {
      const taken = Math.min(free, wanted);
      if (taken < 1) waiting.add(whenFree);
      free -= Math.max(0, taken);
      return Math.max(0, taken);
    },
    give(returned) {
      free += returned;
      for (const whenFree of [...waiting].slice(0, free)) {
        waiting.delete(whenFree);
        whenFree();
      }
    },
  };
}
