import type { Clock, Timer } from '../clock.ts';

/** Runs work again and again, `everyMs` after it last ended, until it is stopped. */
export function repeat(
  clock: Clock,
  everyMs: number,
  work: () => Promise<void>,
  onFailed: ((error: unknown) => void) | undefined,
): { stop(): Promise<void> } {
  let stopped = false;
  let timer: Timer | undefined;
  let running: Promise<void> = Promise.resolve();

  function schedule(): void {
    timer = clock.after(everyMs, () => {
      running = work()
        .catch((error: unknown) => onFailed?.(error))
        .then(() => {
          if (!stopped) schedule();
        });
    });
  }

  schedule();
  return {
    async stop() {
      stopped = true;
      timer?.cancel();
      await running;
    },
  };
}
