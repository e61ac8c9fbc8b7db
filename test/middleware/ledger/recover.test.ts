import { manualClock } from '@slackwater/test-support/manual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenEngine } from '../../../packages/middleware/src/engines/engine.ts';
import { EngineError } from '../../../packages/middleware/src/engines/engine-error.ts';
import { acceptanceOf, accepted, type Bench, inTwo, ledgerBench } from './ledgers.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await ledgerBench();
});
afterEach(() => bench.end());

const crash = (): never => {
  throw new EngineError('engine-unavailable', 'unknown', 'crashed here');
};
type Point = (engine: OpenEngine) => OpenEngine;
/** The instants at which the process ends while it accepts, one write after the other. */
const points: readonly (readonly [string, Point])[] = [
  [
    'before the payload',
    (engine) => storeThat(engine, { create: (key) => key.startsWith('payload/') && crash() }),
  ],
  [
    'before the append',
    (engine) => ({ ...engine, log: { ...inTwo(engine.log), append: async () => crash() } }),
  ],
  [
    'after the append and before its answer',
    (engine) => ({
      ...engine,
      log: {
        ...inTwo(engine.log),
        append: async (entries) => {
          await engine.log.append(entries);
          return crash();
        },
      },
    }),
  ],
  [
    'before the block',
    (engine) =>
      storeThat(
        { ...engine, log: inTwo(engine.log) },
        { create: (key) => key.startsWith('blocks/') && crash() },
      ),
  ],
  [
    'after the block',
    (engine) =>
      storeThat(
        { ...engine, log: inTwo(engine.log) },
        { created: (key) => key.startsWith('blocks/') && crash() },
      ),
  ],
  [
    'before state and queue',
    (engine) => ({
      ...storeThat(engine, { create: (key) => key.startsWith('deferral/') && crash() }),
      queue: { ...engine.queue, enqueue: async () => crash() },
    }),
  ],
];

describe('after a crash while accepting', () => {
  it.each(points)(
    '%s: what is recorded is found, sealed and queued, and nothing else is',
    async (_, between) => {
      const before = await bench.open({ between });
      const result = await before.ledger
        .accept(acceptanceOf({ idempotencyKey: 'k' }))
        .catch((error: unknown) => error);
      await before.abandon();
      const after = await bench.open();
      await after.ledger.recover();
      const size = await after.engine.log.size();
      const listed = (await after.ledger.list({ limit: 10 })).deferrals;
      const claims = await after.engine.queue.claim({
        partition: 'payments',
        limit: 10,
        leaseMs: 1_000,
        holder: 't',
      });
      expect(claims.map(({ id }) => id)).toEqual(listed.map(({ id }) => id));
      expect(listed).toHaveLength(size);
      if (size > 0) expect(bench.verifyBytes(after.ledger.verifierKey)).toMatchObject({ ok: true, size });
      if (result instanceof EngineError && result.fate === 'none') expect(size).toBe(0);
      // The caller asks again with its key.
      const again = await accepted(after.ledger, { idempotencyKey: 'k' });
      expect(await after.engine.log.size()).toBe(1);
      if (size > 0) expect(again.id).toBe(listed[0]?.id);
      await after.ledger.request(again.id);
    },
  );

  it('an acceptance whose state and queue item failed is an acceptance, and they are made again', async () => {
    const between = points.at(-1)?.[1];
    const before = await bench.open(between === undefined ? {} : { between });
    const deferral = await accepted(before.ledger);
    await before.abandon();
    const { ledger, engine } = await bench.open();
    expect(await ledger.find(deferral.id)).toEqual(deferral);
    await ledger.recover();
    expect((await engine.queue.backlog()).map(({ items }) => items)).toEqual([1]);
  });

  it('an ordered acceptance that could not be enqueued is not answered, and nothing of its key overtakes it', async () => {
    let broken = true;
    const { ledger, engine } = await bench.open({
      between: (real) => ({
        ...real,
        queue: { ...real.queue, enqueue: async (item) => (broken ? crash() : real.queue.enqueue(item)) },
      }),
    });
    await expect(accepted(ledger, { orderKey: 'o' })).rejects.toMatchObject({ fate: 'unknown' });
    expect(await ledger.holdsOrderKey('o')).toBe(true);
    broken = false;
    await expect(accepted(ledger, { orderKey: 'o' })).rejects.toMatchObject({ fate: 'none' });
    await accepted(ledger, { orderKey: 'another' });
    await ledger.recover();
    await accepted(ledger, { orderKey: 'o' });
    const claims = await engine.queue.claim({
      partition: 'payments',
      limit: 10,
      leaseMs: 60_000,
      holder: 't',
    });
    expect(claims.map(({ position }) => position)).toEqual([0, 1]);
  });
});

describe('after a crash while stepping', () => {
  const outcome = { status: 200, headers: [], body: Buffer.from('done') };

  it('between entry and state: the log is believed, by recovery and by the next performer', async () => {
    for (const how of ['recover', 'perform'] as const) {
      const before = await bench.open();
      const { id } = await accepted(before.ledger);
      await before.ledger.step(id, { type: 'performing', token: 1 });
      await before.abandon();
      let armed = false;
      const dying = await bench.open({
        between: (real) =>
          storeThat(real, { update: (key) => armed && key.startsWith('deferral/') && crash() }),
      });
      armed = true;
      await expect(dying.ledger.step(id, { type: 'performed', token: 1, outcome })).rejects.toThrow();
      await dying.abandon();
      const after = await bench.open();
      expect((await after.ledger.find(id))?.phase).toBe('performing');
      if (how === 'recover') await after.ledger.recover();
      else expect(await after.ledger.step(id, { type: 'performing', token: 2 })).toBeUndefined();
      expect(await after.ledger.find(id)).toMatchObject({ status: 'Succeeded', attempts: 1 });
      expect(Buffer.from((await after.ledger.outcome(id))?.body ?? []).toString()).toBe('done');
      await after.abandon();
    }
  });

  it('between state and entry of an attempt: the next attempt has the next number', async () => {
    const { ledger } = await bench.open({
      between: (real) => {
        let appends = 0;
        return {
          ...real,
          log: { ...inTwo(real.log), append: async (e) => (++appends === 2 ? crash() : real.log.append(e)) },
        };
      },
    });
    const { id } = await accepted(ledger);
    await expect(ledger.step(id, { type: 'performing', token: 1 })).rejects.toThrow();
    expect(await ledger.step(id, { type: 'performing', token: 2 })).toMatchObject({ attempts: 2 });
  });

  it.each(['recover', 'perform', 'cancel'] as const)(
    'in a cancellation: it is finished by %s',
    async (how) => {
      let appends = 0;
      const before = await bench.open({
        between: (real) => ({
          ...real,
          log: {
            ...inTwo(real.log),
            append: async (entries) => (++appends === 2 ? crash() : real.log.append(entries)),
          },
        }),
      });
      const { id } = await accepted(before.ledger);
      const cancel = { type: 'canceled', error: { code: 'canceled-by-requester', message: 'm' } } as const;
      await expect(before.ledger.step(id, cancel)).rejects.toThrow();
      await before.abandon();
      const { ledger, engine } = await bench.open();
      if (how === 'recover') await ledger.recover();
      if (how === 'perform') expect(await ledger.step(id, { type: 'performing', token: 1 })).toBeUndefined();
      if (how === 'cancel') await ledger.step(id, cancel);
      expect((await ledger.find(id))?.status).toBe('Canceled');
      expect(await engine.queue.backlog()).toEqual([]);
    },
  );
});

describe('recovery', () => {
  it('makes states and queue again that were thrown away, from the log alone', async () => {
    const { ledger, abandon } = await bench.open();
    const waiting = await accepted(ledger, { orderKey: 'o' });
    const done = await accepted(ledger);
    await ledger.step(done.id, { type: 'performing', token: 1 });
    await ledger.step(done.id, { type: 'performed', token: 1, outcome: undefined });
    const settled = await ledger.find(done.id);
    await abandon();
    bench.database((db) =>
      db.exec(
        "DELETE FROM store_1 WHERE key LIKE 'deferral/%' OR key LIKE 'recovery/%'; DELETE FROM queue_1;",
      ),
    );
    const after = await bench.open();
    await after.ledger.recover();
    expect((await after.ledger.list({ limit: 10 })).deferrals).toHaveLength(2);
    expect(await after.ledger.find(waiting.id)).toEqual(waiting);
    // A token is no part of the log; the queue gives a greater one to whoever is next.
    expect(await after.ledger.find(done.id)).toEqual({ ...settled, token: 0 });
    const claims = await after.engine.queue.claim({
      partition: 'payments',
      limit: 9,
      leaseMs: 1_000,
      holder: 't',
    });
    expect(claims.map(({ id, orderKey }) => [id, orderKey])).toEqual([[waiting.id, waiting.orderKey]]);
  });

  it('reads no entry twice that it has carried over: the next start begins where the last one ended', async () => {
    const { ledger, close } = await bench.open();
    for (let i = 0; i < 20; i++) await accepted(ledger);
    await close();
    const reads: number[] = [];
    const { ledger: next } = await bench.open({
      between: (real) => ({
        ...real,
        log: {
          ...real.log,
          read(from, limit) {
            reads.push(from);
            return real.log.read(from, limit);
          },
        },
      }),
    });
    reads.length = 0;
    await next.recover();
    expect(reads).toEqual([]);
  });

  it('goes on by itself, and says when it can not', async () => {
    const clock = manualClock();
    const failures: unknown[] = [];
    let broken = true;
    const { ledger, engine } = await bench.open({
      clock,
      recoverEveryMs: 10_000,
      onRecoveryFailed: (error) => failures.push(error),
      between: (real) => ({
        ...real,
        queue: { ...real.queue, enqueue: async (item) => (broken ? crash() : real.queue.enqueue(item)) },
      }),
    });
    await accepted(ledger);
    const beat = async (done: () => boolean | Promise<boolean>): Promise<void> => {
      // The beats are the clock's; the engine's own work in between takes its time.
      while (!(await done())) {
        clock.advance(10_000);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    };
    await beat(() => failures.length > 0);
    expect(failures[0]).toMatchObject({ code: 'engine-unavailable' });
    broken = false;
    await beat(async () => (await engine.queue.backlog()).length > 0);
    expect((await engine.queue.backlog()).map(({ items }) => items)).toEqual([1]);
  });
});

interface Hooks {
  readonly create?: (key: string) => unknown;
  readonly created?: (key: string) => unknown;
  readonly update?: (key: string) => unknown;
}

function storeThat(engine: OpenEngine, hooks: Hooks): OpenEngine {
  return {
    ...engine,
    store: {
      ...engine.store,
      async create(key, value, options) {
        hooks.create?.(key);
        const revision = await engine.store.create(key, value, options);
        hooks.created?.(key);
        return revision;
      },
      async update(key, value, revision, options) {
        hooks.update?.(key);
        return engine.store.update(key, value, revision, options);
      },
    },
  };
}
