import type { Clock, Timer } from '../../clock.ts';
import { EngineError } from '../engine-error.ts';

/** The calls of one open engine: those that were begun before it closes are waited for, later ones are refused. */
export interface OpenCalls {
  /** The same contract, its calls counted. */
  counted<Contract extends object>(contract: Contract): Contract;
  /** Refuses further calls, and waits for those under way, up to 5 s. */
  close(): Promise<void>;
}

const closeWithinMs = 5_000;

type AnyCall = (...args: unknown[]) => Promise<unknown>;

/** None under way yet. */
export function openCalls(clock: Pick<Clock, 'after'>): OpenCalls {
  const running = new Set<Promise<unknown>>();
  let closed = false;

  function count(call: AnyCall): AnyCall {
    return (...args) => {
      if (closed) return Promise.reject(new EngineError('engine-closed', 'none', 'The engine is closed.'));
      const begun = call(...args);
      running.add(begun);
      const end = (): boolean => running.delete(begun);
      begun.then(end, end);
      return begun;
    };
  }

  return {
    counted(contract) {
      const calls = Object.entries(contract).map(([name, member]) => [
        name,
        typeof member === 'function' ? count(member as AnyCall) : member,
      ]);
      return Object.fromEntries(calls) as typeof contract;
    },
    async close() {
      closed = true;
      let timer: Timer | undefined;
      const enough = new Promise<void>((resolve) => {
        timer = clock.after(closeWithinMs, resolve);
      });
      await Promise.race([Promise.allSettled(running), enough]);
      timer?.cancel();
    },
  };
}
