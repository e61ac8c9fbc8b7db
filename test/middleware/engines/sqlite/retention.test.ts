import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { manualClock } from '@slackwater/test-support/manual-clock';
import { describe, expect, it, vi } from 'vitest';
import { sqliteEngine } from '../../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import { bytes, scope } from '../../../contracts/engine-under-test.ts';
import { makePlace } from './place.ts';

const dayMs = 24 * 3_600_000;

async function withOpen(
  body: (
    open: Awaited<ReturnType<ReturnType<typeof sqliteEngine>['open']>>,
    clock: ReturnType<typeof manualClock>,
    rows: (table: string) => number,
  ) => Promise<void>,
): Promise<void> {
  const { directory, dispose } = await makePlace();
  const clock = manualClock();
  const open = await sqliteEngine({ directory }).open({ ...scope, clock });
  const reader = new DatabaseSync(join(directory, 'slackwater.db'), { readOnly: true });
  const rows = (table: string): number =>
    Number(reader.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n']);
  try {
    await body(open, clock, rows);
  } finally {
    reader.close();
    await open.close();
    await dispose();
  }
}

async function finishOne(
  { queue }: { queue: import('../../../../packages/middleware/src/engines/queue.ts').EngineQueue },
  how: 'settle' | 'deadLetter',
  id: string,
) {
  await queue.enqueue({ id, partition: 'p', priority: 1, position: 0 });
  const [claim] = await queue.claim({ partition: 'p', limit: 1, leaseMs: 1_000, holder: 'test' });
  expect(await queue[how](id, claim?.token ?? 0)).toBe(true);
}

describe('what the embedded engine keeps, and for how long', () => {
  it('knows a settled id for a day and not for ever', () =>
    withOpen(async (open, clock) => {
      const again = { id: 'x', partition: 'p', priority: 1, position: 0 };
      await finishOne(open, 'settle', 'x');
      clock.jumpWall(clock.wallNow() + dayMs - 1);
      expect(await open.queue.enqueue(again)).toBe(false);
      clock.jumpWall(clock.wallNow() + 1);
      expect(await open.queue.enqueue(again)).toBe(true);
    }));

  it('deletes what has expired from the file, in its own time and a piece at a time', () =>
    withOpen(async (open, clock, rows) => {
      const expiresAt = clock.wallNow() + 1_000;
      const writes = Array.from({ length: 250 }, (_, index) =>
        open.store.put(`k${index}`, bytes('v'), { expiresAt }),
      );
      await Promise.all(writes);
      await open.store.put('stays', bytes('v'));
      await finishOne(open, 'settle', 'settled');
      clock.jumpWall(clock.wallNow() + dayMs);
      expect(rows('store_1')).toBe(251);
      clock.advance(30_000);
      await vi.waitFor(() => expect(rows('store_1')).toBe(151), 30_000);
      for (const left of [51, 1]) {
        await vi.waitFor(() => expect(clock.pending).toBe(1), 30_000);
        clock.advance(200);
        await vi.waitFor(() => expect(rows('store_1')).toBe(left), 30_000);
      }
      expect(rows('queue_1')).toBe(0);
    }));

  it('keeps a dead-lettered item for thirty days, to be looked at', () =>
    withOpen(async (open, clock, rows) => {
      await finishOne(open, 'deadLetter', 'dead');
      clock.jumpWall(clock.wallNow() + 29 * dayMs);
      clock.advance(30_000);
      await open.queue.backlog();
      expect(rows('queue_1')).toBe(1);
      await vi.waitFor(() => expect(clock.pending).toBe(1), 30_000);
      clock.jumpWall(clock.wallNow() + dayMs);
      clock.advance(30_000);
      await vi.waitFor(() => expect(rows('queue_1')).toBe(0), 30_000);
    }));

  it('holds on when the wall clock jumps back: leases last longer, nothing is given twice', () =>
    withOpen(async ({ queue }, clock) => {
      await queue.enqueue({ id: 'x', partition: 'p', priority: 1, position: 0 });
      const claim = () => queue.claim({ partition: 'p', limit: 1, leaseMs: 1_000, holder: 'test' });
      const [first] = await claim();
      clock.jumpWall(clock.wallNow() - dayMs);
      expect(await claim()).toEqual([]);
      expect(await queue.settle('x', first?.token ?? 0)).toBe(true);
    }));
});
