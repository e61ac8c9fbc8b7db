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
