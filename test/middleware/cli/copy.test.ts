import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { verifyReceipt } from '@slackwater/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EngineError } from '../../../packages/middleware/src/engines/engine-error.ts';
import type { Ledger } from '../../../packages/middleware/src/ledger/open-ledger.ts';
import { acceptanceOf, accepted, type Bench, inTwo, ledgerBench } from '../ledger/ledgers.ts';
import { copied, slackwaterSays } from './command-line.ts';
import { rowsOf } from './rows.ts';

let source: Bench;
let target: Bench;
beforeEach(async () => {
  source = await ledgerBench();
  target = await ledgerBench();
});
afterEach(async () => {
  await source.end();
  await target.end();
});

const body = Buffer.from('settled');

/** Something of everything: keyed, ordered, postponed, performed, parked, canceled, and blocks of several sizes. */
async function fill(ledger: Ledger): Promise<{ readonly performed: string; readonly open: string[] }> {
  const performed = await accepted(ledger, { idempotencyKey: 'once' });
  await ledger.step(performed.id, { type: 'performing', token: 7 });
  await ledger.step(performed.id, {
    type: 'performed',
    token: 7,
    outcome: { status: 200, headers: [], body },
  });
  const parked = await accepted(ledger);
  await ledger.step(parked.id, { type: 'performing', token: 8 });
  await ledger.step(parked.id, {
    type: 'parked',
    token: 8,
    error: { code: 'route-missing', message: 'no such route' },
  });
  const canceled = await accepted(ledger);
  await ledger.step(canceled.id, {
    type: 'canceled',
    error: { code: 'canceled-by-requester', message: 'not any more' },
  });
  const many = await Promise.all(
    Array.from({ length: 40 }, (_, i) =>
      accepted(ledger, { orderKey: `order ${i % 3}`, requester: `u${i}` }),
    ),
  );
  const tried = await accepted(ledger);
  await ledger.step(tried.id, { type: 'performing', token: 9 });
  await ledger.accept(acceptanceOf({ idempotencyKey: 'once' }));
  return { performed: performed.id, open: [...many.map(({ id }) => id), tried.id] };
}

describe('slackwater copy', () => {
  it('carries entries, blocks, values and their expiry byte for byte, and the keys, and ends verified', async () => {
    const { ledger, close } = await source.open();
    await fill(ledger);
    const checkpoint = await ledger.checkpoint();
    await close();

    const result = await copied(source.directory, target.directory);
    const rows = rowsOf(source);
    expect(rowsOf(target)).toEqual(rows);
    expect(result).toEqual({
      entries: rows.log.length,
      blocks: rows.blocks.length,
      root: checkpoint.split('\n')[2],
      // The identity is there besides.
      values: rows.values.length - 1,
      verified: true,
      origin: ledger.origin,
      verifierKey: ledger.verifierKey,
      application: 'payments',
      group: 'default',
    });
    expect(target.verifyBytes(ledger.verifierKey, checkpoint)).toMatchObject({ ok: true });
    const [keys = ''] = readdirSync(source.directory).filter((name) => name.startsWith('keys-'));
    expect(readFileSync(join(target.directory, keys))).toEqual(readFileSync(join(source.directory, keys)));
    expect(statSync(join(target.directory, keys)).mode & 0o777).toBe(0o600);
  });

  it('leaves receipts and checkpoints that were given out before valid against the copy', async () => {
    const { ledger, close } = await source.open();
    const { open, performed } = await fill(ledger);
    const checkpoint = await ledger.checkpoint();
    const before = await Promise.all([performed, ...open].map((id) => ledger.proof(id)));
    await accepted(ledger);
    await close();

    await copied(source.directory, target.directory);
    const { ledger: copy } = await target.open();
    expect(await copy.verify(checkpoint)).toMatchObject({ ok: true });
    for (const [i, id] of [performed, ...open].entries()) {
      const { entry, receipt } = await copy.proof(id);
      expect(entry).toEqual(before[i]?.entry);
      verifyReceipt(receipt, { entry, verifierKeys: [ledger.verifierKey] });
      verifyReceipt(before[i]?.receipt ?? '', { entry, verifierKeys: [copy.verifierKey] });
    }
  });

  it('makes a ledger that knows its requests, outcomes, requesters, callers and Idempotency-Keys, and goes on', async () => {
    const { ledger, close } = await source.open();
    const { performed, open } = await fill(ledger);
    const first = await ledger.accept(acceptanceOf({ idempotencyKey: 'capable' }));
    const again = await ledger.accept(acceptanceOf({ idempotencyKey: 'capable' }));
    if (first.kind !== 'accepted' || again.kind !== 'accepted') throw new Error('not accepted');
    await close();

    await copied(source.directory, target.directory);
    const { ledger: copy } = await target.open();
    expect(await copy.outcome(performed)).toMatchObject({ status: 200, body });
    for (const id of open) expect((await copy.request(id)).body).toEqual(acceptanceOf().request.body);
    const { id } = first.deferral;
    expect(await copy.admitsCapability(id, first.capability)).toBe(true);
    expect(await copy.admitsCapability(id, again.capability)).toBe(true);
    const repeated = await copy.accept(acceptanceOf({ idempotencyKey: 'capable' }));
    expect(repeated).toMatchObject({ kind: 'accepted', repeated: true, deferral: { id } });
    const next = await accepted(copy);
    expect(next).toMatchObject({ requester: first.deferral.requester });
    expect(await copy.verify()).toMatchObject({ ok: true, size: next.position + 1 });
  });

  it('makes the queue from the log: what is open can be claimed in order, by tokens that its state takes', async () => {
    const { ledger, close } = await source.open();
    const { open } = await fill(ledger);
    await close();

    await copied(source.directory, target.directory);
    const { ledger: copy, engine } = await target.open();
    const claims: string[] = [];
    for (;;) {
      const some = await engine.queue.claim({
        partition: 'payments',
        limit: 100,
        leaseMs: 60_000,
        holder: 't',
      });
      if (some.length === 0) break;
      for (const { id, token } of some) {
        claims.push(id);
        // The source's tokens were greater: a state that was carried over would refuse these.
        expect(await copy.step(id, { type: 'performing', token })).toMatchObject({ status: 'Running' });
        const outcome = { status: 204, headers: [], body: Buffer.alloc(0) };
        await copy.step(id, { type: 'performed', token, outcome });
        expect(await engine.queue.settle(id, token)).toBe(true);
      }
    }
    expect([...claims].sort()).toEqual([...open].sort());
    const ofOneKey = open.slice(0, 40).filter((_, i) => i % 3 === 0);
    expect(claims.filter((id) => ofOneKey.includes(id))).toEqual(ofOneKey);
  });

  it('seals on the copy what the source had recorded and not sealed, and leaves the source as it was', async () => {
    let isCut = false;
    const { ledger, abandon } = await source.open({
      between: (engine) => ({
        ...engine,
        log: inTwo(engine.log),
        store: {
          ...engine.store,
          create: (key, ...rest) =>
            isCut && key.startsWith('blocks/')
              ? Promise.reject(new EngineError('engine-unavailable', 'none', 'cut off'))
              : engine.store.create(key, ...rest),
        },
      }),
    });
    await accepted(ledger);
    isCut = true;
    await expect(accepted(ledger)).rejects.toMatchObject({ fate: 'unknown' });
    await abandon();

    const before = rowsOf(source);
    expect([before.log.length, before.blocks.length]).toEqual([2, 1]);
    expect(await copied(source.directory, target.directory)).toMatchObject({ entries: 2, blocks: 2 });
    expect(rowsOf(source)).toEqual(before);
    expect(target.verifyBytes(ledger.verifierKey)).toMatchObject({ ok: true, size: 2, blocks: 2 });
    // What was done is looked at and not done again.
    expect(await copied(source.directory, target.directory)).toMatchObject({ entries: 2, blocks: 2 });
  });

  it('copies a ledger that has no entries yet', async () => {
    const { ledger, close } = await source.open();
    await close();
    expect(await copied(source.directory, target.directory)).toMatchObject({
      entries: 0,
      blocks: 0,
      origin: ledger.origin,
      verified: true,
    });
  });

  it('brings an older copy up to date, and there and back again', async () => {
    const { ledger, close } = await source.open();
    await accepted(ledger);
    await close();
    await copied(source.directory, target.directory);

    const there = await target.open();
    await accepted(there.ledger, { idempotencyKey: 'there' });
    await there.close();
    expect(await copied(target.directory, source.directory)).toMatchObject({ entries: 2, blocks: 2 });
    const { values, ...rest } = rowsOf(source);
    expect(rest).toEqual({ log: rowsOf(target).log, blocks: rowsOf(target).blocks });
    expect(values).toEqual(rowsOf(target).values);
  });

  it('carries the one of several ledgers that is named, and lists them where none is', async () => {
    const one = await source.open({ application: 'payments', group: 'eu' });
    const other = await source.open({ application: 'payments', group: 'us' });
    await accepted(one.ledger);
    await accepted(other.ledger);
    await accepted(other.ledger);
    await one.close();
    await other.close();
    const places = ['--from', `sqlite:${source.directory}`, '--to', `sqlite:${target.directory}`];
    const said = await slackwaterSays('copy', ...places);
    expect(said).toMatchObject({ code: 2, out: '' });
    expect(said.err).toContain('--application payments --group eu; --application payments --group us');
    expect(await copied(source.directory, target.directory, '--group', 'us')).toMatchObject({
      entries: 2,
      group: 'us',
      origin: other.ledger.origin,
    });
  });

  it('takes the database file for its directory', async () => {
    const { ledger, close } = await source.open();
    await accepted(ledger);
    await close();
    const result = copied(
      join(source.directory, 'slackwater.db'),
      join(target.directory, 'new', 'slackwater.db'),
    );
    expect(await result).toMatchObject({ entries: 1 });
    expect(readdirSync(join(target.directory, 'new'))).toContain('slackwater.db');
  });
});
