import { setTimeout as sleep } from 'node:timers/promises';
import { answerCalls } from '../../child.ts';
import { type Caller, type CallerName, callers } from './callers.ts';

/** What became of the calls of one brown-out. */
export interface Ended {
  readonly calls: number;
  readonly well: number;
  /** How long those took that ended well, ms. */
  readonly tookMs: readonly number[];
}

/** One client, in a process of its own. */
export interface CallerProcess {
  /** ms for each of so many calls, one after another. */
  oneByOneMs(url: string, path: string, calls: number): Promise<number>;
  /** Calls at an even pace, whatever became of the ones before; resolves when all have ended. `first`: the number of the first. */
  atPace(url: string, first: number, everyMs: number, forMs: number): Promise<Ended>;
}

await answerCalls<CallerProcess>((name: CallerName) => {
  const made = new Map<string, Caller>();
  const callerOf = (url: string): Caller => {
    const caller = made.get(url) ?? callers[name](url);
    made.set(url, caller);
    return caller;
  };
  return {
    async oneByOneMs(url, path, calls) {
      const call = callerOf(url);
      const startedAt = performance.now();
      for (let n = 0; n < calls; n++) await call(path, { sku: 'a-7', amount: 3 });
      return (performance.now() - startedAt) / calls;
    },
    async atPace(url, first, everyMs, forMs) {
      const call = callerOf(url);
      const calls = Math.round(forMs / everyMs);
      const tookMs: number[] = [];
      const one = async (n: number): Promise<void> => {
        await sleep(n * everyMs);
        const startedAt = performance.now();
        try {
          await call('/orders', { call: first + n });
          tookMs.push(performance.now() - startedAt);
        } catch {
          // It is counted by not being there.
        }
      };
      await Promise.all(Array.from({ length: calls }, (_, n) => one(n)));
      return { calls, well: tookMs.length, tookMs };
    },
  };
});
