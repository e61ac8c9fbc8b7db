import type { Clock } from '../../clock.ts';

/** Wakes who waits. A ring that nobody waits for is kept for the next who does. */
export interface Bell {
  ring(): void;
  /** Resolves at the next ring, or after `mostMs`. One waits at a time. */
  rung(mostMs: number): Promise<void>;
}

/** A bell that is silent at first. */
export function createBell(clock: Clock): Bell {
  let isRung = false;
  let wake: () => void = () => {};
  return {
    ring() {
      isRung = true;
      wake();
    },
    async rung(mostMs) {
      if (!isRung) {
        await new Promise<void>((resolve) => {
          const timer = clock.after(mostMs, resolve);
          wake = () => {
            timer.cancel();
            resolve();
          };
        });
      }
      isRung = false;
    },
  };
}
