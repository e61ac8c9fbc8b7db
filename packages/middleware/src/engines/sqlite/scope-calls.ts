import type { Clock } from '../../clock.ts';
import { EngineError } from '../engine-error.ts';
import type { EngineThread } from './engine-thread.ts';

/** The calls of one opened scope. */
export interface ScopeCalls {
  readonly scope: number;
  /** As {@link EngineThread.call}, until the scope is closed. */
  readonly call: EngineThread['call'];
  /** Unix milliseconds, whole. */
  now(): number;
  /** Resolves when every call before it has been answered. */
  close(): Promise<void>;
}

/** The calls of a scope that has been opened on a thread. */
export function scopeCalls(thread: EngineThread, scope: number, clock: Clock): ScopeCalls {
  let closed = false;
  return {
    scope,
    call(name, args, blobs) {
      if (closed) return Promise.reject(new EngineError('engine-closed', 'none', 'the engine is closed'));
      return thread.call(name, args, blobs);
    },
    now: () => Math.floor(clock.wallNow()),
    async close() {
      closed = true;
      // Answers come in the order of the calls, so this one's says that no earlier one is open.
      await thread.call('size', [scope]).catch(() => undefined);
    },
  };
}
