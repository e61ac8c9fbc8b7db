import type { Worker } from 'node:worker_threads';
import { manualClock } from '@slackwater/test-support/manual-clock';
import { describe, expect, it } from 'vitest';
import type { OpenEngine } from '../../../../packages/middleware/src/engines/engine.ts';
import { sqliteEngine } from '../../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import { bytes, scope, texts } from '../../../contracts/engine-under-test.ts';
import { makePlace } from './place.ts';

/** The threads that were started while `body` ran, newest last. */
async function watchingThreads(body: (threads: Worker[]) => Promise<void>): Promise<void> {
  const threads: Worker[] = [];
  const keep = (worker: Worker): number => threads.push(worker);
  process.on('worker', keep);
  try {
    await body(threads);
  } finally {
    process.off('worker', keep);
  }
}

async function withThreads(
  body: (open: OpenEngine, threads: Worker[], clock: ReturnType<typeof manualClock>) => Promise<void>,
): Promise<void> {
  const { directory, dispose } = await makePlace();
  const clock = manualClock();
  await watchingThreads(async (threads) => {
    const open = await sqliteEngine({ directory }).open({ ...scope, clock });
    try {
      await body(open, threads, clock);
    } finally {
      await open.close();
      await dispose();
    }
  });
}

const unavailable = (fate: 'none' | 'unknown') => ({ code: 'engine-unavailable', fate });

/** As many appends as may be in doubt at once, so that some are done, some under way and some not begun. */
const appends = (open: OpenEngine, name: string, count: number): Promise<{ readonly first: number }>[] =>
  Array.from({ length: count }, (_, index) => open.log.append([bytes(`${name}${index}`)]));

describe('death of the embedded engine’s thread', () => {
  it('answers every call that was under way: writes with the fate unknown, reads with none', () =>
    withThreads(async (open, threads) => {
      const writes = appends(open, 'w', 200);
      const reads = Array.from({ length: 10 }, () => open.log.size());
      await new Promise((resolve) => setImmediate(resolve));
      await threads[0]?.terminate();
      for (const outcome of await Promise.allSettled(writes)) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(unavailable('unknown'));
      }
      for (const outcome of await Promise.allSettled(reads)) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(unavailable('none'));
      }
    }));

  it('starts the thread again, keeps what was acknowledged, and tears no batch', () =>
    withThreads(async (open, threads) => {
      const acknowledged = new Map<number, string>();
      let inDoubt = 0;
      for (let death = 0; death < 8; death += 1) {
        const name = `d${death}-`;
        const writes = appends(open, name, 600);
        const some = await Promise.race(
          writes.slice(0, 1 + death * 70).map((write) => write.catch(() => undefined)),
        );
        expect(some).toBeDefined();
        await threads.at(-1)?.terminate();
        const outcomes = await Promise.allSettled(writes);
        outcomes.forEach((outcome, index) => {
          if (outcome.status === 'fulfilled') acknowledged.set(outcome.value.first, `${name}${index}`);
          else {
            expect(outcome.reason).toMatchObject(unavailable('unknown'));
            inDoubt += 1;
          }
        });
      }
      const log = texts(await open.log.read(0, 10_000));
      // Each death was survived by another thread; the last one begins when it is asked.
      expect(threads.length).toBeGreaterThan(8);
      expect(log.length).toBe(await open.log.size());
      expect(acknowledged.size).toBeGreaterThan(100);
      expect(inDoubt).toBeGreaterThan(0);
      expect(log.length).toBeLessThanOrEqual(acknowledged.size + inDoubt);
      for (const [position, text] of acknowledged) expect(log[position]).toBe(text);
    }));

  it('waits longer and longer before it starts a thread again that keeps dying, and answers meanwhile', () =>
    withThreads(async (open, threads, clock) => {
      const kill = (worker: Worker): void => void worker.terminate();
      process.on('worker', kill);
      await threads[0]?.terminate();
      for (const backOffMs of [200, 400, 800]) {
        await expect(open.log.size()).rejects.toMatchObject(unavailable('none'));
        const started = threads.length;
        await expect(open.log.append([bytes('x')])).rejects.toMatchObject(unavailable('none'));
        clock.advance(backOffMs - 1);
        await expect(open.log.size()).rejects.toMatchObject(unavailable('none'));
        expect(threads.length).toBe(started);
        clock.advance(1);
      }
      process.off('worker', kill);
      expect(await open.log.append([bytes('again')])).toEqual({ first: 0 });
      expect(await open.log.size()).toBe(1);
    }));

  it('closes also while the thread is dead, and answers what was still waiting', () =>
    withThreads(async (open, threads) => {
      const write = open.log.append([bytes('x')]);
      void threads[0]?.terminate();
      const closed = open.close();
      const [outcome] = await Promise.allSettled([write]);
      await closed;
      if (outcome?.status === 'rejected')
        expect(outcome.reason).toMatchObject({ code: 'engine-unavailable' });
      await expect(open.log.size()).rejects.toMatchObject({ code: 'engine-closed' });
    }));
});
