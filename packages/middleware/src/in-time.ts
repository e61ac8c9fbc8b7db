import { SlackwaterError } from '@slackwater/shared';
import type { Clock } from './clock.ts';

/** Code `timed-out`: what was waited for did not come in time. It may still happen. */
export class TimedOutError extends SlackwaterError {
  constructor(what: string, limitMs: number) {
    super('timed-out', `${what} took longer than ${limitMs} ms.`);
  }
}

/**
 * Waits for `work`, but no longer than `limitMs`; then rejects with a {@link TimedOutError}. The work itself goes on, and what
 * becomes of it is nobody's concern any more. `what` is read in the message, at its beginning.
 */
export function inTime<Value>(
  clock: Pick<Clock, 'after'>,
  limitMs: number,
  what: string,
  work: Promise<Value>,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(limitMs, () => reject(new TimedOutError(what, limitMs)));
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}
