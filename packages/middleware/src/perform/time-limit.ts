import { SlackwaterError } from '@slackwater/shared';
import type { Clock } from '../clock.ts';

/** What was waited for did not come in time; it may still happen. */
export class TimeLimitError extends SlackwaterError {
  constructor(what: string, limitMs: number) {
    super('attempt-timed-out', `${what} took longer than ${limitMs} ms.`);
  }
}

/** The promise's result, or a {@link TimeLimitError} after `limitMs`. */
export function within<T>(clock: Clock, limitMs: number, what: string, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(limitMs, () => reject(new TimeLimitError(what, limitMs)));
    promise.then(resolve, reject).finally(() => timer.cancel());
  });
}

/** Resolves after `delayMs`. */
export function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}
