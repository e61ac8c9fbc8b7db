import { Buffer } from 'node:buffer';
import { parseEntry, verifyReceipt } from '@slackwater/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../perform/until.ts';
import { acceptanceOf, accepted, type Bench, ledgerBench, requestOf } from './ledgers.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await ledgerBench();
});
afterEach(() => bench.end());

describe('an accepted deferral', () => {
  it('is tied to the application, the operation and the one it is done for (B-02)', async () => {
    const { ledger } = await bench.open();
    const deferral = await accepted(ledger);
    const { entry } = await ledger.proof(deferral.id);
    expect(parseEntry(entry)).toMatchObject({
      type: 'accepted',
      id: deferral.id,
      application: 'payments',
      group: 'default',
      method: 'POST',
      route: '/payments/:id/settle',
      workType: 'settle',
      partition: 'payments',
      requester: deferral.requester,
      reasons: ['over-threshold'],
    });
    expect(await ledger.isRequester(deferral, 'alice@example.com')).toBe(true);
    expect(await ledger.isRequester(deferral, 'bob@example.com')).toBe(false);
  });

  it('stands in the chain after the answer, linked by hash to its predecessor (B-04)', async () => {
    const { ledger } = await bench.open();
    for (let i = 0; i < 3; i++) {
      const deferral = await accepted(ledger);
      const report = bench.verifyBytes(ledger.verifierKey, await ledger.checkpoint());
      expect(report).toMatchObject({ ok: true, size: i + 1 });
      expect(deferral.position).toBe(i);
    }
    const first = JSON.parse((await ledger.block(0)) ?? '');
    const second = JSON.parse((await ledger.block(1)) ?? '');
    expect(first.previous).toBe(Buffer.alloc(32).toString('base64'));
    expect(second.previous).not.toBe(first.previous);
    expect(await ledger.block(99)).toBeUndefined();
  });

  it('shares blocks with others and stays individually addressable (B-05)', async () => {
    const { ledger } = await bench.open();
    const deferrals = await Promise.all(Array.from({ length: 64 }, () => accepted(ledger)));
    const report = bench.verifyBytes(ledger.verifierKey);
    expect(report).toMatchObject({ ok: true, size: 64 });
    if (report.ok) expect(report.blocks).toBeLessThan(64);
    for (const { id } of deferrals) {
      const { entry, receipt } = await ledger.proof(id);
      expect(parseEntry(entry).id).toBe(id);
      expect(verifyReceipt(receipt, { entry, verifierKeys: [ledger.verifierKey] })).toMatchObject({
        size: 64,
      });
    }
  });

  it('waits on the queue of its partition, by priority, behind what undoes, and position', async () => {
    const { ledger, engine } = await bench.open();
    const deferral = await accepted(ledger, { orderKey: 'card 4711' });
    const claims = await engine.queue.claim({
      partition: 'payments',
      limit: 10,
      leaseMs: 1_000,
      holder: 'test',
    });
    expect(claims).toMatchObject([
      { id: deferral.id, priority: 2 + 1, position: 0, orderKey: deferral.orderKey },
    ]);
    expect(deferral.orderKey).not.toContain('4711');
  });

  it('gives its request back as it came', async () => {
    const { ledger } = await bench.open();
    const full = await accepted(ledger);
    const request = await ledger.request(full.id);
    expect({ ...request, body: Buffer.from(request.body).toString() }).toEqual({
      ...requestOf(),
      body: '{"amount":42}',
    });
    const bare = {
      method: 'DELETE',
      headers: [],
      body: new Uint8Array(0),
      remoteAddress: undefined,
      identity: undefined,
    };
    const empty = await accepted(ledger, { request: requestOf(bare) });
    const back = await ledger.request(empty.id);
    expect(back).toMatchObject({
      method: 'DELETE',
      headers: [],
      remoteAddress: undefined,
      identity: undefined,
    });
    expect(back.body.length).toBe(0);
  });

  it.each([true, false, undefined])('gives back whether it came by TLS: %s', async (secure) => {
    const { ledger } = await bench.open();
    const { id } = await accepted(ledger, { request: requestOf(secure === undefined ? {} : { secure }) });
    expect((await ledger.request(id)).secure ?? false).toBe(secure ?? false);
  });

  it('holds its order key until it is settled, in the words of the application', async () => {
    const { ledger } = await bench.open();
    const { id } = await accepted(ledger, { orderKey: 'account 4711' });
    expect(await ledger.holdsOrderKey('account 4711')).toBe(true);
    expect(await ledger.holdsOrderKey('account 4712')).toBe(false);
    await ledger.step(id, { type: 'canceled', error: { code: 'canceled-by-requester', message: 'x' } });
    expect(await ledger.holdsOrderKey('account 4711')).toBe(false);
  });

  it('has one pseudonym per requester, whichever process asks', async () => {
    const one = await bench.open();
    const other = await bench.open();
    const [a, b, c] = await Promise.all([
      accepted(one.ledger),
      accepted(other.ledger),
      accepted(other.ledger, { requester: 'bob@example.com' }),
    ]);
    expect(a.requester).toBe(b.requester);
    expect(a.requester).not.toBe(c.requester);
  });

  it('is refused where an entry or the queue could not hold it, before anything is recorded', async () => {
    const { ledger, engine } = await bench.open();
    await expect(accepted(ledger, { partition: '' })).rejects.toMatchObject({ code: 'parameter-invalid' });
    await expect(accepted(ledger, { priority: 0 })).rejects.toMatchObject({ code: 'parameter-invalid' });
    await expect(accepted(ledger, { route: 'x'.repeat(70_000) })).rejects.toMatchObject({
      code: 'parameter-invalid',
    });
    expect(await engine.log.size()).toBe(0);
  });

  it('may have an entry of 65,535 bytes; with one more it is refused, and nothing is left of it', async () => {
    const { ledger, engine } = await bench.open();
    const plain = await accepted(ledger, { reasons: [''] });
    const { entry } = await ledger.proof(plain.id);
    const room = 65_535 - entry.length;
    const longest = await accepted(ledger, { reasons: ['x'.repeat(room)] });
    expect((await ledger.proof(longest.id)).entry).toHaveLength(65_535);
    const tooLong = accepted(ledger, { reasons: ['x'.repeat(room + 1)] });
    await expect(tooLong).rejects.toMatchObject({
      code: 'parameter-invalid',
      message: expect.stringMatching(/longer than 65535 bytes/),
    });
    await accepted(ledger, { reasons: ['y'] });
    expect(bench.verifyBytes(ledger.verifierKey)).toMatchObject({ ok: true, size: 3 });
    await until(async () => (await engine.store.list('payload/', { limit: 10 })).length === 3);
  });

  it('is turned away as queue-full where as many wait as may', async () => {
    const { ledger, engine } = await bench.open({ maxQueued: 3 });
    for (let i = 0; i < 3; i++) await accepted(ledger);
    expect(await ledger.accept(acceptanceOf())).toEqual({ kind: 'queue-full' });
    expect(await engine.log.size()).toBe(3);
  });
});

describe('a capability', () => {
  it('admits to its own deferral and to no other', async () => {
    const { ledger } = await bench.open();
    const one = await ledger.accept(acceptanceOf());
    const other = await ledger.accept(acceptanceOf());
    if (one.kind !== 'accepted' || other.kind !== 'accepted') throw new Error('not accepted');
    expect(Buffer.from(one.capability, 'base64url')).toHaveLength(32);
    expect(await ledger.admitsCapability(one.deferral.id, one.capability)).toBe(true);
    expect(await ledger.admitsCapability(other.deferral.id, one.capability)).toBe(false);
    expect(await ledger.admitsCapability(one.deferral.id, '')).toBe(false);
    expect(await ledger.admitsCapability('01ARZ3NDEKTSV4RRFFQ69G5FAV', one.capability)).toBe(false);
    expect(await ledger.admitsCapability('../../etc', one.capability)).toBe(false);
  });

  it('is one of the first and the last sixteen', async () => {
    const { ledger } = await bench.open();
    const given: string[] = [];
    for (let i = 0; i < 19; i++) {
      const result = await ledger.accept(acceptanceOf({ idempotencyKey: 'k' }));
      if (result.kind !== 'accepted') throw new Error(result.kind);
      given.push(result.capability);
      if (i > 0) expect(result.repeated).toBe(true);
    }
    const found = await ledger.findByKey('alice@example.com', 'POST', '/payments/4711/settle', 'k');
    const admitted = await Promise.all(
      given.map((capability) => ledger.admitsCapability(found?.id ?? '', capability)),
    );
    expect(admitted).toEqual(given.map((_, i) => i === 0 || i > 2));
  });
});
