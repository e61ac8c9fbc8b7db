import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manualClock } from '@slackwater/test-support/manual-clock';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { OpenEngine } from '../../../packages/middleware/src/engines/engine.ts';
import { sqliteEngine } from '../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import { keepLease } from '../../../packages/middleware/src/perform/lease.ts';
import { until } from './until.ts';

let directory: string;
let engine: OpenEngine;
// Two that go on together: the engine has timers of its own.
const clock = manualClock();
const engineClock = manualClock();
const advance = (ms: number) => {
  engineClock.advance(ms);
  clock.advance(ms);
};

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slackwater-lease-'));
  engine = await sqliteEngine({ directory }).open({ application: 'a', group: 'g', clock: engineClock });
  await engine.queue.enqueue({ id: 'i', partition: 'p', priority: 1, position: 0 });
});

afterEach(async () => {
  await engine.close();
  rmSync(directory, { recursive: true });
});

const claim = async () => {
  const claims = await engine.queue.claim({ partition: 'p', limit: 1, leaseMs: 30_000, holder: 'h' });
  const [first] = claims;
  if (first === undefined) throw new Error('nothing to claim');
  return first;
};

it('is prolonged at each third, for as long as it is kept', async () => {
  let prolonged = 0;
  const counting = {
    async extend(id: string, token: number, leaseMs: number) {
      const held = await engine.queue.extend(id, token, leaseMs);
      prolonged += 1;
      return held;
    },
  };
  const lease = keepLease(counting, clock, await claim(), 30_000, () => {});
  for (let third = 1; third <= 12; third += 1) {
    advance(10_000);
    await until(() => prolonged === third && clock.pending === 1);
  }
  expect(lease.lost.aborted).toBe(false);
  expect(await engine.queue.claim({ partition: 'p', limit: 1, leaseMs: 1_000, holder: 'x' })).toEqual([]);
  lease.end();
  advance(30_000);
  expect(clock.pending).toBe(0);
  await claim();
});

it('is lost when somebody else has the item', async () => {
  const mine = await claim();
  advance(30_001);
  const lease = keepLease(engine.queue, clock, mine, 30_000, () => {});
  await claim();
  advance(10_000);
  await until(() => lease.lost.aborted);
  lease.end();
});

it('is taken for lost when the engine could not be asked for the whole of it', async () => {
  const troubles: unknown[] = [];
  const lease = keepLease(engine.queue, clock, await claim(), 30_000, (error) => troubles.push(error));
  await engine.close();
  for (let third = 1; third <= 2; third += 1) {
    advance(10_000);
    await new Promise(setImmediate);
  }
  expect(lease.lost.aborted).toBe(false);
  advance(10_000);
  await new Promise(setImmediate);
  expect(lease.lost.aborted).toBe(true);
  expect(troubles).toHaveLength(3);
  lease.end();
});
