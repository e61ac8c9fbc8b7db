import type { Clock } from '../clock.ts';
import { EngineError } from '../engines/engine-error.ts';

/**
 * The time one public call has. Whoever is about to do what can't be taken back asks `expired` first: a call that was
 * answered with `fate: 'none'` must not change anything afterwards.
 */
export interface Deadline {
  readonly expired: boolean;
  /** Waits, but no longer than the deadline; then rejects with `engine-timeout` and the fate of that instant. */
  bound<T>(work: Promise<T>): Promise<T>;
}

/** A deadline `timeoutMs` from now. `fate` is asked when the time is up. */
export function startDeadline(
  clock: Clock,
  timeoutMs: number,
  fate: () => 'none' | 'unknown',
): Deadline & { end(): void } {
  let expired = false;
  let rejectAll: (error: EngineError) => void = () => {};
  const timeout = new Promise<never>((_, reject) => {
    rejectAll = reject;
  });
  // Nobody may be waiting when it fires; the error is for those who are.
  timeout.catch(() => {});
  const timer = clock.after(timeoutMs, () => {
    expired = true;
    rejectAll(
      new EngineError(
        'engine-timeout',
        fate(),
        `The engine did not answer within ${timeoutMs} ms (engineTimeoutMs).`,
      ),
    );
  });
  return {
    get expired() {
      return expired;
    },
    bound: (work) => Promise.race([work, timeout]),
    end: () => timer.cancel(),
  };
}

/** Runs one public call under a deadline of its own. */
export async function within<T>(
  clock: Clock,
  timeoutMs: number,
  call: (deadline: Deadline) => Promise<T>,
  fate: () => 'none' | 'unknown' = () => 'none',
): Promise<T> {
  const deadline = startDeadline(clock, timeoutMs, fate);
  try {
    return await deadline.bound(call(deadline));
  } finally {
    deadline.end();
  }
}
