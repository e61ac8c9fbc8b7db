import { setTimeout as sleep } from 'node:timers/promises';
import type { Contender, QueueProcess } from './contender.ts';

const perFill = 1_000;
/** What a first look at how quickly it performs is taken with. */
const fewest = 100;
const most = 60_000;
/** Nobody may be there to end what does not go on. */
const limitMs = 60_000;

/** Takes the rates of a contender. Each begins with an empty queue. */
export function ratesOf(contender: Contender): QueueProcess {
  let performs = fewest;

  async function timed(forMs: number, callers: number, call: () => Promise<number>): Promise<number> {
    await contender.empty(false);
    const startedAt = performance.now();
    let count = 0;
    const caller = async (): Promise<void> => {
      while (performance.now() - startedAt < forMs) {
        const made = await call();
        count += made;
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    return (count * 1_000) / (performance.now() - startedAt);
  }

  async function performAll(count: number): Promise<number> {
    await contender.empty(true);
    for (let filled = 0; filled < count; filled += perFill)
      await contender.addMany(Math.min(perFill, count - filled));
    let [startedAt, called] = [0, 0];
    let [done, failed]: [() => void, (error: unknown) => void] = [() => {}, () => {}];
    const all = new Promise<void>((resolve, reject) => {
      [done, failed] = [resolve, reject];
    });
    const limit = setTimeout(
      () => failed(new Error(`Of ${count} jobs ${called} were performed within ${limitMs / 1_000} s.`)),
      limitMs,
    );
    const performing = contender.perform((given) => {
      if (called === 0) startedAt = performance.now();
      if (given === undefined) failed(new Error('A job came without what it carries.'));
      called += 1;
      if (called === count) done();
    });
    performing.catch(failed);
    await all.finally(() => clearTimeout(limit));
    while ((await contender.remaining()) > 0) await sleep(1);
    const rate = (count * 1_000) / (performance.now() - startedAt);
    const end = await performing;
    await end();
    if (called !== count) throw new Error(`${count} jobs were performed by ${called} calls.`);
    return rate;
  }

  return {
    enqueue: (callers, forMs) =>
      timed(forMs, callers, async () => {
        await contender.add();
        return 1;
      }),
    enqueueMany: (perBatch, forMs) =>
      timed(forMs, 1, async () => {
        await contender.addMany(perBatch);
        return perBatch;
      }),
    async perform(forMs) {
      const rate = await performAll(performs);
      performs = Math.min(most, Math.max(fewest, Math.round((rate * forMs) / 1_000)));
      return rate;
    },
  };
}
