import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownStore } from '../../../packages/middleware/src/perform/batches/shared-state.ts';
import { QueuePauses } from '../../../packages/middleware/src/perform/queue-pauses.ts';
import { until } from './until.ts';
import { type Place, place } from './workshop.ts';

let here: Place;
beforeEach(() => {
  here = place();
});
afterEach(() => here.remove());

describe('a queue that is paused by hand', () => {
  it('is left alone, by partition and by group, on a host that only hears of it, and goes on when it is resumed', async () => {
    const store = ownStore();
    const operator = new QueuePauses(store, here.clock);
    const shop = await here.open({ pauses: new QueuePauses(store, here.clock) });
    const performed: string[] = [];
    shop.app.post('/:name', (req, res) => {
      performed.push(req.params.name);
      res.end();
    });
    const looks = async (times: number): Promise<void> => {
      const until = here.clock.now() + times * 1_000;
      await shop.until(() => here.clock.now() > until);
    };
    await operator.set('a', true, 'code:ann');
    shop.performer.start();
    await shop.accept('/a1', { partition: 'a' });
    const first = await shop.accept('/b1', { partition: 'b' });
    shop.performer.enqueued('a');
    await shop.ended(first.id);
    await looks(5);
    expect(performed).toEqual(['b1']);

    await operator.set(undefined, true, 'code:ann');
    await looks(2);
    const second = await shop.accept('/b2', { partition: 'b' });
    shop.performer.enqueued('b');
    await looks(5);
    expect(performed).toEqual(['b1']);
    expect(shop.admission.open).toBe(0);

    await operator.set(undefined, false, 'code:ann');
    await shop.ended(second.id);
    await looks(3);
    expect(performed).toEqual(['b1', 'b2']);
    await operator.set('a', false, 'code:ann');
    await shop.until(() => performed.length === 3);
    expect(performed).toEqual(['b1', 'b2', 'a1']);
  });

  it('says who paused it and when, keeps what was said first, and knows its own changes at once', async () => {
    const pauses = new QueuePauses(ownStore(), here.clock);
    expect(pauses.isPaused('a')).toBe(true);
    expect(await pauses.look()).toBe(true);
    expect(pauses.isPaused('a')).toBe(false);
    await pauses.set('a', true, 'code:ann');
    await pauses.set('a', true, 'code:bob');
    expect([pauses.isPaused('a'), pauses.isPaused('b')]).toEqual([true, false]);
    const at = new Date(here.clock.wallNow()).toISOString();
    expect(await pauses.read()).toEqual({ partitions: new Map([['a', { by: 'code:ann', at }]]) });
    await pauses.set(undefined, true, 'code:ann');
    expect([pauses.isPaused('b'), await pauses.look()]).toEqual([true, false]);
    await Promise.all(['a', 'b', undefined].map((one) => pauses.set(one, false, 'code:ann')));
    expect(['a', 'b'].map((one) => pauses.isPaused(one))).toEqual([false, false]);
  });

  it('stays as this host has said it, where what was read before comes in late', async () => {
    const store = ownStore();
    let answer: (() => void) | undefined;
    const late = {
      ...store,
      async get(key: string) {
        const found = await store.get(key);
        if (answer === undefined) await new Promise<void>((resolve) => (answer = resolve));
        return found;
      },
    };
    const pauses = new QueuePauses(late, here.clock);
    const looking = pauses.look();
    await until(() => answer !== undefined);
    await pauses.set('a', true, 'code:ann');
    answer?.();
    expect([await looking, pauses.isPaused('a')]).toEqual([false, true]);
  });

  it('is bounded, and left as it is known where the store has what nobody understands', async () => {
    const store = ownStore();
    const pauses = new QueuePauses(store, here.clock);
    const many = {
      v: 1,
      partitions: Array.from({ length: 1_000 }, (_, at) => [`p${at}`, { by: 'x', at: 'y' }]),
    };
    await store.create('queues/paused', Buffer.from(JSON.stringify(many)));
    await expect(pauses.set('one more', true, 'code:ann')).rejects.toMatchObject({
      code: 'parameter-invalid',
    });
    await pauses.set('p7', false, 'code:ann');
    expect((await pauses.read()).partitions.size).toBe(999);
    for (const text of ['{"v":2}', 'none', '{"v":1,"partitions":[["a"]]}']) {
      const there = await store.get('queues/paused');
      await store.update('queues/paused', Buffer.from(text), there?.revision ?? 0);
      await expect(pauses.look()).rejects.toThrow("What the store has at queues/paused can't be read");
    }
    expect([pauses.isPaused('p8'), pauses.isPaused('p7')]).toEqual([true, false]);
  });

  it('does not keep the performer from going on with the rest where the store can not be read', async () => {
    const store = ownStore();
    let isDown = false;
    const failing = {
      ...store,
      get: (key: string) => (isDown ? Promise.reject(new Error('down')) : store.get(key)),
    };
    const shop = await here.open({ pauses: new QueuePauses(failing, here.clock) });
    shop.app.post('/pay', (_req, res) => void res.end());
    shop.performer.start();
    await shop.ended((await shop.accept('/pay')).id);
    isDown = true;
    expect((await shop.ended((await shop.accept('/pay')).id)).status).toBe('Succeeded');
    expect(shop.events).toContainEqual(
      expect.objectContaining({ type: 'trouble', doing: 'looking for what is paused' }),
    );
  });
});
