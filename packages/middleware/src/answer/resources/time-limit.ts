import type { Clock } from '../../clock.ts';
import { EngineError } from '../../engines/engine-error.ts';

/** Waits for `work`, but no longer than `limitMs`; then rejects with `engine-timeout`. The work itself goes on. */
export function within<T>(clock: Clock, limitMs: number, doing: string, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(limitMs, () =>
      reject(new EngineError('engine-timeout', 'unknown', `${doing} took longer than ${limitMs} ms.`)),
    );
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}
