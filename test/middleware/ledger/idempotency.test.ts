import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenEngine } from '../../../packages/middleware/src/engines/engine.ts';
import { EngineError } from '../../../packages/middleware/src/engines/engine-error.ts';
import { acceptanceOf, accepted, type Bench, inTwo, ledgerBench, requestOf } from './ledgers.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await ledgerBench();
});
afterEach(() => bench.end());

const keyed = (overrides = {}) => acceptanceOf({ idempotencyKey: 'order-17', ...overrides });

describe('an Idempotency-Key', () => {
  it('with the same payload gives the same deferral and a fresh capability', async () => {
    const { ledger, engine } = await bench.open();
    const first = await ledger.accept(keyed());
    const second = await ledger.accept(keyed());
    if (first.kind !== 'accepted' || second.kind !== 'accepted') throw new Error('not accepted');
    expect([first.repeated, second.repeated]).toEqual([false, true]);
    expect(second.deferral.id).toBe(first.deferral.id);
    expect(second.capability).not.toBe(first.capability);
    expect(await ledger.admitsCapability(first.deferral.id, first.capability)).toBe(true);
    expect(await ledger.admitsCapability(first.deferral.id, second.capability)).toBe(true);
    expect(await engine.log.size()).toBe(1);
  });

  it.each([
    ['body', { body: Buffer.from('{"amount":43}') }],
    ['query', { url: '/payments/4711/settle?force=0' }],
    ['content type', { headers: [['content-type', 'text/plain'] as const] }],
  ])('with another %s is refused', async (_, change) => {
    const { ledger } = await bench.open();
    await ledger.accept(keyed());
    expect(await ledger.accept(keyed({ request: requestOf(change) }))).toEqual({ kind: 'key-reused' });
  });

  it.each([
    ['requester', { requester: 'bob@example.com' }],
    ['path', { request: requestOf({ url: '/payments/4712/settle?force=1' }) }],
    ['method', { request: requestOf({ method: 'PUT' }) }],
  ])('of another %s is another key', async (_, change) => {
    const { ledger } = await bench.open();
    const first = await accepted(ledger, { idempotencyKey: 'order-17' });
    const other = await ledger.accept(keyed(change));
    expect(other).toMatchObject({ kind: 'accepted', repeated: false });
    if (other.kind === 'accepted') expect(other.deferral.id).not.toBe(first.id);
  });

  it('is found by requester, method and path, and by nothing else', async () => {
    const { ledger } = await bench.open();
    const { id } = await accepted(ledger, { idempotencyKey: 'order-17' });
    const find = (requester: string, key: string) =>
      ledger.findByKey(requester, 'POST', '/payments/4711/settle?other=query', key);
    expect((await find('alice@example.com', 'order-17'))?.id).toBe(id);
    expect(await find('bob@example.com', 'order-17')).toBeUndefined();
    expect(await find('alice@example.com', 'order-18')).toBeUndefined();
  });

  it('is answered only when its deferral is on the queue, where the process that recorded it did not get so far', async () => {
    const cutOff = await bench.open({
      between: (engine) => ({
        ...engine,
        queue: {
          ...engine.queue,
          enqueue: () => Promise.reject(new EngineError('engine-unavailable', 'none', 'cut off')),
        },
      }),
    });
    await expect(cutOff.ledger.accept(keyed({ orderKey: 'card 4711' }))).rejects.toMatchObject({
      fate: 'unknown',
    });
    const { ledger, engine } = await bench.open();
    const { id } = await accepted(ledger, { idempotencyKey: 'order-17', orderKey: 'card 4711' });
    const next = await accepted(ledger, { orderKey: 'card 4711' });
    const claim = { partition: 'payments', limit: 10, leaseMs: 1_000, holder: 'test' };
    expect((await engine.queue.claim(claim)).map((item) => item.id)).toEqual([id]);
    expect(next.position).toBeGreaterThan(0);
  });

  it('shares one deferral among requests that come at once, in two processes as well', async () => {
    const one = await bench.open();
    const other = await bench.open();
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? one : other).ledger.accept(keyed())),
    );
    const ids = results.map((result) => (result.kind === 'accepted' ? result.deferral.id : result.kind));
    expect(new Set(ids).size).toBe(1);
    for (const result of results) {
      if (result.kind !== 'accepted') continue;
      expect(await one.ledger.admitsCapability(result.deferral.id, result.capability)).toBe(true);
    }
    const backlog = await one.engine.queue.backlog();
    expect(backlog.map(({ items }) => items)).toEqual([1]);
    await one.ledger.request(ids[0] ?? '');
  });

  it('is free again when it has expired', async () => {
    const { ledger } = await bench.open({ keepOutcomeMs: 0 });
    const first = await accepted(ledger, { idempotencyKey: 'order-17' });
    const second = await accepted(ledger, { idempotencyKey: 'order-17' });
    expect(second.id).not.toBe(first.id);
  });

  it('makes the completion key that a request performed directly has', async () => {
    const { ledger } = await bench.open();
    const deferral = await accepted(ledger, { idempotencyKey: 'order-17' });
    const facts = { requester: 'alice@example.com', method: 'POST', idempotencyKey: 'order-17' };
    expect(ledger.completionKey({ ...facts, url: '/payments/4711/settle' })).toBe(deferral.completionKey);
    expect(ledger.completionKey({ ...facts, url: '/payments/4712/settle' })).not.toBe(deferral.completionKey);
    const unkeyed = await accepted(ledger);
    expect(unkeyed.completionKey).toBe(unkeyed.id);
  });

  it('whose deferral was never appended is taken over with the same id', async () => {
    const full = await bench.open({ between: (engine) => failingLog(engine, 'none') });
    await expect(full.ledger.accept(keyed())).rejects.toMatchObject({ code: 'engine-full', fate: 'none' });
    await full.abandon();
    const { ledger } = await bench.open();
    expect(
      await ledger.findByKey('alice@example.com', 'POST', '/payments/4711/settle', 'order-17'),
    ).toBeUndefined();
    const payloads = payloadIds();
    const result = await ledger.accept(keyed());
    if (result.kind !== 'accepted') throw new Error(result.kind);
    expect([result.deferral.id]).toEqual(payloads);
    expect(await ledger.admitsCapability(result.deferral.id, result.capability)).toBe(true);
    await ledger.request(result.deferral.id);
  });

  it('whose append had an unknown fate and was done is the same deferral', async () => {
    const flaky = await bench.open({ between: (engine) => failingLog(engine, 'unknown') });
    const failure = await flaky.ledger.accept(keyed()).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'engine-unavailable', fate: 'unknown' });
    const again = await flaky.ledger.accept(keyed());
    if (again.kind !== 'accepted') throw new Error(again.kind);
    expect(failure).toMatchObject({ deferralId: again.deferral.id });
    expect(again.repeated).toBe(true);
    expect(await flaky.engine.log.size()).toBe(1);
    await flaky.ledger.recover();
    expect(bench.verifyBytes(flaky.ledger.verifierKey)).toMatchObject({ ok: true, size: 1 });
  });

  function payloadIds(): string[] {
    return bench.database((db) =>
      db
        .prepare("SELECT key FROM store_1 WHERE key LIKE 'payload/%'")
        .all()
        .map((row) => String(row['key']).slice('payload/'.length)),
    );
  }
});

/** The first append fails: `none`, and is not done; `unknown`, and is done. */
function failingLog(engine: OpenEngine, fate: 'none' | 'unknown'): OpenEngine {
  let failed = false;
  return {
    ...engine,
    log: {
      ...inTwo(engine.log),
      async append(entries) {
        if (failed) return engine.log.append(entries);
        failed = true;
        if (fate === 'none') throw new EngineError('engine-full', 'none', 'no room');
        await engine.log.append(entries);
        throw new EngineError('engine-unavailable', 'unknown', 'the answer was lost');
      },
    },
  };
}
