import type { Clock } from '../../clock.ts';

/** Work that is done in turns, until it is stopped. */
export interface Turns {
  readonly stopped: boolean;
  stop(): void;
}

/**
 * Does a turn of work about each `everyMs`, at times that differ from host to host. Whatever fails is tried again in the next turn:
 * nothing may depend on it but room.
 */
export function inTurns(clock: Pick<Clock, 'after'>, everyMs: number, turn: () => Promise<void>): Turns {
  let stopped = false;
  let timer = schedule();

  function schedule(): ReturnType<Clock['after']> {
    return clock.after(everyMs * (0.5 + Math.random()), () => {
      turn()
        .catch(() => {})
        .then(() => {
          if (!stopped) timer = schedule();
        });
    });
  }

  return {
    get stopped() {
      return stopped;
    },
    stop() {
      stopped = true;
      timer.cancel();
    },
  };
}
