import type { Room } from './room.ts';

/** Who may be at work on a partition: as many as its pace and the process's room allow, the others wait in turn. */
export interface Turns {
  /** How many are at work. */
  readonly taken: number;
  /** Resolves when there is a place, which is taken then. */
  enter(): Promise<void>;
  /** Gives the place back. */
  leave(): void;
  /** More may be at work than before, perhaps. */
  look(): void;
}

/** @param atOnce how many may be at work now; fewer than before send nobody away */
export function createTurns(atOnce: () => number, room: Room): Turns {
  let taken = 0;
  const waiting: (() => void)[] = [];

  function look(): void {
    while (waiting.length > 0 && taken < atOnce() && room.take(1, look) > 0) {
      taken += 1;
      waiting.shift()?.();
    }
  }

  return {
    get taken() {
      return taken;
    },
    enter() {
      return new Promise((resolve) => {
        waiting.push(resolve);
        look();
      });
    },
    leave() {
      taken -= 1;
      room.give(1);
      look();
    },
    look,
  };
}
