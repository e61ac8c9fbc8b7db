import type { Clock } from '../clock.ts';
import { inTime } from '../in-time.ts';

/** How long a function among the options is waited for, ms. */
const askMs = 5_000;

/**
 * What a function among the options gives. Rejects where it throws, or takes longer than 5 s: no request hangs on it for
 * ever, nor what is held for the request.
 */
export function asked<Value>(
  clock: Pick<Clock, 'after'>,
  option: string,
  ask: () => Value | PromiseLike<Value>,
): Promise<Value> {
  return inTime(clock, askMs, `The option ${option}`, (async () => ask())());
}
