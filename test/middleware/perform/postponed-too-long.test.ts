import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PostponedAct } from '../../../packages/middleware/src/perform/postponed-too-long.ts';
import { type Place, place, turnedAway, type Workshop } from './workshop.ts';

const maxPostponeMs = 3_600_000;

let here: Place;
let shop: Workshop;
let performed: string[];
beforeEach(async () => {
  here = place();
  shop = await here.open({ options: { lookEveryMs: 1_000, lookCapMs: 30_000 } });
  performed = [];
  shop.admission.answer = () => turnedAway();
  shop.app.use((req, res) => {
    performed.push(req.url);
    res.status(req.url === '/bad' ? 503 : 201).end();
  });
});
afterEach(() => here.remove());

const look = (act: PostponedAct, at = shop): Promise<void> =>
  at.ledger.lookAtPostponed((deferral) => at.performer.postponedTooLong(deferral, act));
/** Looks until the deferral stands like that: the lane may be looking at it just then. */
async function lookUntil(act: PostponedAct, id: string, expected: object, at = shop): Promise<void> {
  await at.until(async () => {
    await look(act, at);
    const deferral = await at.find(id);
    return Object.entries(expected).every(([name, value]) => Reflect.get(deferral, name) === value);
  });
}
const acts = (): readonly string[] =>
  shop.events.flatMap((event) => (event.type === 'postponed-too-long' ? [`${event.act} ${event.id}`] : []));
const noted = async (): Promise<number> =>
  (await shop.engine.store.list('postponed/', { limit: 100 })).length;

describe('a deferral that is postponed for longer than its work type allows (D-69)', () => {
  it('is postponed as long as it may be, and then told of once and postponed on', async () => {
    const { id } = await shop.accept('/pay', { maxPostponeMs });
    await shop.accept('/pay');
    shop.performer.start();
    await shop.until(async () => (await shop.find(id)).phase === 'postponed');
    here.clock.advance(maxPostponeMs - 60_000);
    await look('alert');
    expect(acts()).toEqual([]);
    here.clock.advance(60_001);
    await look('alert');
    await look('alert');
    expect(acts()).toEqual([`alert ${id}`]);
    expect(await shop.find(id)).toMatchObject({ phase: 'postponed', attempts: 0 });
    expect(performed).toEqual([]);
  });

  it('is performed all the same, at once, also behind others of its partition that are not', async () => {
    const ahead = await shop.accept('/ahead', { priority: 1 });
    const { id } = await shop.accept('/pay', { maxPostponeMs });
    shop.performer.start();
    here.clock.advance(maxPostponeMs + 1);
    await lookUntil('perform', id, { status: 'Succeeded', attempts: 1 });
    expect(performed).toEqual(['/pay']);
    expect(acts()).toEqual([`perform ${id}`]);
    expect((await shop.find(ahead.id)).attempts).toBe(0);
    expect(await noted()).toBe(0);
    expect(await shop.ledger.verify()).toMatchObject({ ok: true });
  });

  it('is performed again and again where that fails, and never left for longer than lookCapMs', async () => {
    const { id } = await shop.accept('/bad', { maxPostponeMs });
    shop.performer.start();
    here.clock.advance(maxPostponeMs + 1);
    await lookUntil('perform', id, { phase: 'retrying', attempts: 1 });
    await lookUntil('perform', id, { phase: 'retrying', attempts: 2 });
  });

  it('fails for good, unperformed, where that is to become of it', async () => {
    const { id } = await shop.accept('/pay', { maxPostponeMs });
    shop.performer.start();
    here.clock.advance(maxPostponeMs + 1);
    await lookUntil('fail', id, { status: 'Failed' });
    expect(await shop.find(id)).toMatchObject({ error: { code: 'postponed-too-long' } });
    shop.admission.answer = () => ({ admitted: true, reasons: ['clear'], finished: () => {} });
    shop.performer.wake();
    await shop.until(async () => (await shop.engine.queue.backlog()).length === 0);
    expect(performed).toEqual([]);
  });

  it('counts as done where an attempt before had done it', async () => {
    const done = await here.open({
      completionsOf: () => ({
        ready: async () => {},
        find: async () => [],
        shutOut: async () => 'completed',
      }),
    });
    done.admission.answer = () => turnedAway();
    const { id } = await done.accept('/pay', { maxPostponeMs });
    const [claim] = await done.engine.queue.claim({
      partition: 'orders',
      limit: 1,
      leaseMs: 1_000,
      holder: 'dead',
    });
    await done.ledger.step(id, { type: 'performing', token: claim?.token ?? 0 });
    done.performer.start();
    here.clock.advance(maxPostponeMs + 1);
    await lookUntil('fail', id, { status: 'Succeeded', outcomeKnown: false }, done);
  });

  it('does not go before an earlier one of its order key, nor while its partition is paused', async () => {
    let paused = true;
    const held = await here.open({ pauses: { isPaused: () => paused, look: async () => false } });
    held.admission.answer = () => turnedAway();
    held.app.use((req, res) => {
      performed.push(req.url);
      res.end();
    });
    const orderKey = 'shelf 7';
    const first = await held.accept('/first', { orderKey });
    const second = await held.accept('/second', { orderKey, maxPostponeMs });
    held.performer.start();
    here.clock.advance(maxPostponeMs + 1);
    await look('perform', held);
    paused = false;
    here.clock.advance(30_001);
    await look('perform', held);
    expect(performed).toEqual([]);
    expect(await noted()).toBe(1);
    expect(await held.performer.cancel(first.id)).toBe('canceled');
    await lookUntil('perform', second.id, { status: 'Succeeded' }, held);
    expect(performed).toEqual(['/second']);
  });

  it('is no concern any more once it is settled', async () => {
    const { id } = await shop.accept('/pay', { maxPostponeMs });
    await shop.performer.cancel(id);
    here.clock.advance(maxPostponeMs + 1);
    await look('perform');
    expect(acts()).toEqual([]);
    expect(await noted()).toBe(0);
  });
});
