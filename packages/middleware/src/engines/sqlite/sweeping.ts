import type { Clock, Timer } from '../../clock.ts';
import type { ScopeCalls } from './scope-calls.ts';

/** How often what has expired is looked for, and how soon again while there is more of it. */
const sweepEveryMs = 30_000;
const sweepAgainMs = 200;

/**
 * Has what has expired deleted from time to time, a bounded piece at a time. Gives the function that ends it.
 * A sweep that fails is no news: whatever it failed of fails the calls that somebody waits for, too.
 */
export function startSweeping({ scope, call, now }: ScopeCalls, clock: Clock): () => void {
  let stopped = false;
  let timer: Timer = clock.after(sweepEveryMs, sweep);

  function sweep(): void {
    call('sweep', [scope, now()])
      .then(({ value }) => value)
      .catch(() => false)
      .then((mayBeMore) => {
        if (!stopped) timer = clock.after(mayBeMore ? sweepAgainMs : sweepEveryMs, sweep);
      });
  }

  return () => {
    stopped = true;
    timer.cancel();
  };
}
