import type { Clock } from '../clock.ts';

/** Rejects where something takes longer than `timeoutMs`; it is then no longer waited for. */
export function inTime<Value>(
  clock: Pick<Clock, 'after'>,
  timeoutMs: number,
  what: string,
  work: Promise<Value>,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(timeoutMs, () =>
      reject(new Error(`${what} took longer than ${timeoutMs} ms.`)),
    );
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}

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
