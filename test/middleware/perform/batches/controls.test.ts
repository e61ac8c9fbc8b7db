import { describe, expect, it } from 'vitest';
import type { BatchOptions } from '../../../../packages/middleware/src/perform/batches/batch-options.ts';
import {
  type BatchStore,
  ownStore,
  stateKey,
} from '../../../../packages/middleware/src/perform/batches/shared-state.ts';
import { batchBench, items, quiet } from './batch-bench.ts';

/** A `perform` that goes on until it is told. */
function slow(): { readonly perform: BatchOptions['perform']; readonly calls: AbortSignal[]; end(): void } {
  const calls: AbortSignal[] = [];
  const ends: (() => void)[] = [];
  return {
    calls,
    perform: (_, { signal }) =>
      new Promise<void>((resolve) => {
        calls.push(signal);
        ends.push(resolve);
      }),
    end: () => {
      for (const end of ends) end();
    },
  };
}

describe('a batch by hand', () => {
  it('runs without a schedule, and one run answers all who ask while it is under way', async () => {
    const bench = batchBench();
    const { perform, end, calls } = slow();
    const batch = bench.batch({ source: items('A', 1), perform });
    const runs = [batch.run(), batch.run()];
    await quiet();
    runs.push(batch.run());
    expect(batch.status().state).toBe('running');
    end();
    const [first, ...others] = await Promise.all(runs);
    expect([first?.trigger, calls.length, others]).toEqual(['hand', 1, [first, first]]);
    expect(batch.status()).toMatchObject({ state: 'resting', lastRun: first });
    expect(bench.events.map(({ type }) => type)).toEqual(['started', 'ended']);
  });

  it('pauses after the calls under way, is not run by its schedule, and makes up for it once at resume', async () => {
    const bench = batchBench({ startAt: Date.parse('2026-06-01T10:59:50Z') });
    const { perform, end, calls } = slow();
    const batch = bench.batch({
      schedule: { cron: '0 * * * *' },
      source: items('A', 3),
      perform,
      itemsPerCall: 1,
    });
    batch.start();
    await quiet();
    await bench.go(10_000);
    expect(calls).toHaveLength(1);
    const pausing = batch.pause();
    await quiet();
    end();
    await pausing;
    expect(batch.status()).toMatchObject({
      state: 'paused',
      lastRun: { outcome: 'interrupted', performed: 1, left: 2 },
    });
    await bench.go(4 * 3_600_000, 60_000);
    expect(calls).toHaveLength(1);
    await batch.resume();
    await quiet();
    for (let turns = 0; turns < 3; turns++) {
      end();
      await quiet();
    }
    expect([calls.length, bench.events.filter(({ type }) => type === 'started').length]).toEqual([3, 2]);
    expect(bench.events.filter(({ type }) => type === 'paused' || type === 'resumed')).toHaveLength(2);
    await batch.close();
  });

  it('is run although it is paused', async () => {
    const bench = batchBench();
    const batch = bench.batch({ source: items('A', 1) });
    await batch.pause();
    await batch.pause();
    expect(await batch.run()).toMatchObject({ outcome: 'performed', performed: 1 });
    expect(batch.status().state).toBe('paused');
  });

  it('closes after the calls under way, and aborts those that do not end', async () => {
    const bench = batchBench();
    const { perform, calls } = slow();
    const source = items('A', 2);
    const batch = bench.batch({ source, perform, itemsPerCall: 1, closeWithinMs: 2_000 });
    const running = batch.run();
    await quiet();
    const closing = batch.close();
    await bench.go(5_000, 500);
    await closing;
    expect(calls.map(({ aborted }) => aborted)).toEqual([true]);
    expect(await running).toMatchObject({
      outcome: 'interrupted',
      failed: 1,
      left: 1,
      failures: [{ id: 'A1', error: { code: 'batch-interrupted' } }],
    });
    expect(source).toHaveLength(2);
    expect(bench.host.time.pending).toBe(0);
    await expect(batch.run()).rejects.toMatchObject({ code: 'batch-closed' });
    await expect(batch.pause()).rejects.toMatchObject({ code: 'batch-closed' });
    expect(batch.status().state).toBe('closed');
  });
});

describe('two hosts with one batch', () => {
  it('run it one at a time, the one that is due first, and each of its times once', async () => {
    const bench = batchBench({ startAt: Date.parse('2026-06-01T10:59:50Z') });
    let atOnce = 0;
    let most = 0;
    const perform: BatchOptions['perform'] = async () => {
      most = Math.max(most, ++atOnce);
      await quiet();
      atOnce -= 1;
    };
    const options = {
      schedule: { cron: '* * * * *' },
      source: () => items('A', 3),
      perform,
      itemsPerCall: 1,
    };
    const hosts = [bench.batch(options), bench.batch(options)];
    for (const batch of hosts) batch.start();
    await bench.go(5 * 60_000);
    expect(most).toBe(1);
    expect(bench.events.filter(({ type }) => type === 'started')).toHaveLength(5);
    await Promise.all(hosts.map((batch) => batch.close()));
  });

  it('refuse a run by hand while the other one runs it, and say who', async () => {
    const bench = batchBench();
    const { perform, end } = slow();
    const running = bench.batch({ source: items('A', 1), perform }).run();
    await quiet();
    await expect(bench.batch().run()).rejects.toMatchObject({
      code: 'batch-busy',
      message: expect.stringContaining('is run by host 1'),
    });
    end();
    await running;
    expect((await bench.batch().run()).outcome).toBe('performed');
  });

  it('stop a run of the other one by pausing', async () => {
    const bench = batchBench();
    const { perform, end, calls } = slow();
    const batch = bench.batch({ source: items('A', 3), perform, itemsPerCall: 1, leaseMs: 3_000 });
    const running = batch.run();
    await quiet();
    await bench.batch().pause();
    await bench.go(1_500, 500);
    end();
    expect(await running).toMatchObject({ outcome: 'interrupted', performed: 1 });
    expect(calls).toHaveLength(1);
  });

  it('take over from one that died, and shut it out with a greater fencing token where it only seemed so', async () => {
    const store = ownStore();
    let cut = false;
    const reached: BatchStore = {
      get: (key) => (cut ? Promise.reject(new Error('cut off')) : store.get(key)),
      create: (key, value) => store.create(key, value),
      update: (key, value, revision) =>
        cut ? Promise.reject(new Error('cut off')) : store.update(key, value, revision),
    };
    const first = batchBench({ store: reached });
    const second = batchBench({ store });
    const tokens: number[] = [];
    const { perform, calls } = slow();
    const source = items('A', 2);
    const stalled = first.batch({
      source,
      leaseMs: 6_000,
      itemsPerCall: 1,
      perform: (given, context) => {
        tokens.push(context.fencingToken);
        return perform(given, context);
      },
    });
    const running = stalled.run();
    await quiet();
    cut = true;
    const heir = second.batch({
      source: [...source],
      schedule: { everyMs: 1_000 },
      perform: async (_, { fencingToken }) => void tokens.push(fencingToken),
    });
    heir.start();
    await quiet();
    expect(heir.status().state).toBe('running-elsewhere');
    await second.go(5_000, 500);
    expect(tokens).toHaveLength(1);
    // The first one gives up by itself, before the other takes over.
    await first.go(6_000, 500);
    expect(calls[0]?.aborted).toBe(true);
    expect(await running).toMatchObject({ outcome: 'interrupted' });
    await second.go(4_000, 500);
    expect(tokens.length).toBeGreaterThan(1);
    expect(tokens[1]).toBeGreaterThan(tokens[0] ?? 0);
    cut = false;
    await heir.close();
  });

  it('abort their calls when the lease is over, though the engine has not even said that it does not answer', async () => {
    const store = ownStore();
    let hangs = false;
    const silent: BatchStore = {
      ...store,
      update: (...write) => (hangs ? new Promise<undefined>(() => {}) : store.update(...write)),
    };
    const bench = batchBench({ store: silent });
    const { perform, calls } = slow();
    void bench.batch({ source: items('A', 1), perform, leaseMs: 6_000 }).run();
    await quiet();
    await bench.go(5_000, 500);
    hangs = true;
    // It was prolonged at 4 s last.
    await bench.go(4_500, 500);
    expect(calls[0]?.aborted).toBe(false);
    await bench.go(1_000, 500);
    expect(calls[0]?.aborted).toBe(true);
  });

  it('keep what they know of each other where one forgets: a postponed batch is looked at by any of them', async () => {
    const store = ownStore();
    const first = batchBench({ store });
    first.overload('A');
    await first.batch({ source: items('A', 1) }).run();
    const second = batchBench({ store });
    const batch = second.batch({ source: items('A', 1) });
    batch.start();
    await quiet();
    expect(batch.status()).toMatchObject({ state: 'postponed', postponements: 1 });
    await second.go(6_000, 500);
    expect(second.performed).toEqual(['A1']);
    await batch.close();
  });
});

describe('a batch whose state can not be read', () => {
  it('is not run, tells of it once, and goes on when it can be', async () => {
    const store = ownStore();
    let isDown = true;
    const failing: BatchStore = {
      ...store,
      get: (key) => (isDown ? Promise.reject(new Error('unreachable')) : store.get(key)),
    };
    const bench = batchBench({ store: failing });
    const batch = bench.batch({ schedule: { everyMs: 5_000 }, source: items('A', 1) });
    batch.start();
    await bench.go(20_000);
    await expect(batch.run()).rejects.toThrow('unreachable');
    expect([bench.performed, bench.troubles.length]).toEqual([[], 1]);
    isDown = false;
    await bench.go(40_000);
    expect(bench.performed).toEqual(['A1']);
    await batch.close();
  });

  it('is left alone where another version wrote it', async () => {
    const store = ownStore();
    for (const text of ['{"v":2}', 'no JSON', '{"v":1,"handledAt":-1}']) {
      const bench = batchBench({ store });
      const key = stateKey('settlements');
      const there = await store.get(key);
      const bytes = new TextEncoder().encode(text);
      if (there === undefined) await store.create(key, bytes);
      else await store.update(key, bytes, there.revision);
      await expect(bench.batch().run()).rejects.toThrow(`What the store has at ${key} can't be read`);
    }
  });

  it('is run once after a downtime in which it was due many times', async () => {
    const store = ownStore();
    const options = { schedule: { cron: '0 * * * *' }, source: () => items('A', 1) };
    const before = batchBench({ store, startAt: Date.parse('2026-06-01T10:30:00Z') });
    const first = before.batch(options);
    first.start();
    await quiet();
    await first.close();
    expect(before.performed).toEqual([]);
    const after = batchBench({ store, startAt: Date.parse('2026-06-03T07:10:00Z') });
    const batch = after.batch(options);
    batch.start();
    await quiet();
    expect(after.events.flatMap((event) => (event.type === 'started' ? [event.trigger] : []))).toEqual([
      'missed',
    ]);
    await after.go(49 * 60_000, 60_000);
    expect(after.performed).toEqual(['A1']);
    await batch.close();
  });
});
