import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { replayOf } from '../../../packages/middleware/src/perform/replay-identity.ts';
import { captured } from './replaying.ts';
import { signal } from './signal.ts';
import { admitted, type Place, place, turnedAway } from './workshop.ts';

let here: Place;
beforeEach(() => {
  here = place();
});
afterEach(() => here.remove());

describe('the performer', () => {
  it('performs a postponed item later, through the route, and keeps what the route answered (D-25)', async () => {
    const shop = await here.open();
    shop.app.post('/pay', (req, res) => void res.status(201).json({ by: replayOf(req)?.attempt }));
    const { id } = await shop.accept('/pay');
    expect((await shop.find(id)).status).toBe('NotStarted');
    shop.performer.start();
    expect(await shop.ended(id)).toMatchObject({ status: 'Succeeded', outcomeKnown: true, attempts: 1 });
    const outcome = await shop.ledger.outcome(id);
    expect([outcome?.status, Buffer.from(outcome?.body ?? []).toString()]).toEqual([201, '{"by":1}']);
    await shop.until(async () => (await shop.engine.queue.backlog()).length === 0);
    expect(shop.events).toMatchObject([{ type: 'performed', id, status: 201, outcomeKnown: true }]);
    expect(shop.admission.open).toBe(0);
  });

  it('starts it by itself after a restart, from what is recorded (B-09)', async () => {
    const before = await here.open();
    const body = Buffer.from('{"amount":7}');
    const headers = [['content-type', 'application/json']] as const;
    const { id } = await before.accept('/pay', { request: captured('POST', '/pay', { headers, body }) });
    await before.close();

    const after = await here.open();
    let paid = '';
    after.app.post('/pay', (req, res) => {
      req.on('data', (chunk) => {
        paid += chunk;
      });
      req.on('end', () => void res.end());
    });
    after.performer.start();
    expect((await after.ended(id)).status).toBe('Succeeded');
    expect(paid).toBe('{"amount":7}');
  });

  it('leaves it postponed until the value no longer exceeds the threshold (D-26)', async () => {
    const shop = await here.open();
    let performed = 0;
    shop.app.post('/pay', (_req, res) => {
      performed += 1;
      res.end();
    });
    shop.admission.answer = () => turnedAway();
    const { id } = await shop.accept('/pay');
    shop.performer.start();
    await shop.until(async () => (await shop.find(id)).phase === 'postponed');
    const until = here.clock.now() + 20_000;
    await shop.until(() => here.clock.now() > until);
    expect(performed).toBe(0);
    shop.admission.answer = admitted;
    shop.performer.wake('orders');
    // At once, however long it was to be left alone.
    const stood = here.clock.now();
    while ((await shop.find(id)).phase !== 'settled') await new Promise(setImmediate);
    expect(here.clock.now()).toBe(stood);
    expect(performed).toBe(1);
  });

  it('looks at the state anew before performing, and postpones again, several times (D-27)', async () => {
    const shop = await here.open();
    shop.app.post('/pay', (_req, res) => void res.end());
    shop.admission.answer = () => turnedAway();
    const { id } = await shop.accept('/pay');
    shop.performer.start();
    await shop.until(async () => (await shop.find(id)).postponements >= 4);
    expect(shop.admission.asked.length).toBeGreaterThanOrEqual(4);
    expect(shop.admission.asked[0]).toEqual({ partition: 'orders', workType: 'settle', priority: 2 });
    expect(shop.events).toContainEqual({
      type: 'postponed',
      id,
      partition: 'orders',
      workType: 'settle',
      reasons: ['over-threshold'],
    });
    shop.admission.answer = admitted;
    expect(await shop.ended(id)).toMatchObject({ status: 'Succeeded', attempts: 1 });
  });

  it('leaves postponed items on the queue, evaluated again any number of times, ever less often (D-42)', async () => {
    const shop = await here.open();
    shop.admission.answer = () => turnedAway(50);
    const { id } = await shop.accept('/pay');
    shop.performer.start();
    const looks: number[] = [];
    await shop.until(async () => {
      const { postponements } = await shop.find(id);
      while (looks.length < postponements) looks.push(here.clock.now());
      return looks.length >= 5;
    });
    const gaps = looks.slice(1).map((at, index) => at - (looks[index] ?? 0));
    // 1, 2, 4 and 8 s apart; the test reads them up to two looks late.
    gaps.forEach((gap, index) => {
      expect(gap).toBeGreaterThan(1_000 * 2 ** index - 500);
    });
    expect(await shop.engine.queue.backlog()).toMatchObject([{ partition: 'orders', items: 1 }]);
  });

  it('records at most one look a second while a partition is held, however many items wait', async () => {
    const shop = await here.open();
    shop.admission.answer = () => turnedAway(20);
    for (let item = 0; item < 5; item += 1) await shop.accept(`/pay/${item}`);
    shop.performer.start();
    const from = here.clock.now();
    await shop.until(() => here.clock.now() > from + 6_000);
    const looks = shop.events.filter(({ type }) => type === 'postponed');
    expect(looks.length).toBeGreaterThanOrEqual(4);
    expect(looks.length).toBeLessThanOrEqual(12);
    expect(new Set(looks.map((look) => ('id' in look ? look.id : ''))).size).toBeGreaterThan(1);
  });

  it('performs a probe as soon as the admission lets one through', async () => {
    const shop = await here.open();
    shop.app.post('/pay/:n', (_req, res) => void res.end());
    let probeAt = Number.POSITIVE_INFINITY;
    shop.admission.answer = () => (here.clock.now() >= probeAt ? admitted() : turnedAway(200));
    for (let item = 0; item < 20; item += 1) await shop.accept(`/pay/${item}`);
    shop.performer.start();
    await shop.until(() => shop.admission.asked.length > 3);
    probeAt = here.clock.now() + 5_000;
    await shop.until(() => shop.events.some(({ type }) => type === 'performed'));
    expect(here.clock.now() - probeAt).toBeLessThan(700);
  });

  it('performs the more important first, and within a priority in the order of the ledger', async () => {
    // One at a time: who is performed together with another may come first or second.
    const shop = await here.open({ options: { maxConcurrency: 1 } });
    const order: string[] = [];
    shop.app.post('/:name', (req, res) => {
      order.push(req.params.name);
      res.end();
    });
    await shop.accept('/c', { priority: 3 });
    await shop.accept('/a', { priority: 1 });
    await shop.accept('/d', { priority: 3 });
    const last = await shop.accept('/b', { priority: 2 });
    shop.performer.start();
    await shop.ended(last.id);
    await shop.until(() => order.length === 4);
    expect(order).toEqual(['a', 'b', 'c', 'd']);
  });

  it('keeps the order of an order key, also while its first waits for another attempt', async () => {
    const shop = await here.open({ random: () => 1 });
    const order: string[] = [];
    let failures = 2;
    shop.app.post('/:name', (req, res) => {
      order.push(req.params.name);
      const fails = req.params.name === 'first' && failures-- > 0;
      res.status(fails ? 503 : 200).end();
    });
    await shop.accept('/first', { orderKey: 'k' });
    const second = await shop.accept('/second', { orderKey: 'k', priority: 1 });
    const other = await shop.accept('/other', { orderKey: 'l' });
    shop.performer.start();
    await shop.ended(second.id);
    await shop.ended(other.id);
    expect(order.filter((name) => name !== 'other')).toEqual(['first', 'first', 'first', 'second']);
    expect(order.indexOf('other')).toBeLessThan(order.indexOf('second'));
  });

  it('is not held up in one partition by another', async () => {
    const shop = await here.open();
    shop.app.post('/pay', (_req, res) => void res.end());
    shop.admission.answer = ({ partition }) => (partition === 'slow' ? turnedAway() : admitted());
    const slow = await shop.accept('/pay', { partition: 'slow' });
    const quick = await shop.accept('/pay', { partition: 'quick' });
    shop.performer.start();
    expect((await shop.ended(quick.id)).status).toBe('Succeeded');
    expect((await shop.find(slow.id)).attempts).toBe(0);
  });

  it('finds what another process enqueued within a second, and at once what it is told of', async () => {
    const shop = await here.open();
    const other = await here.open();
    shop.app.post('/pay', (_req, res) => void res.end());
    shop.performer.start();
    await shop.until(() => here.clock.now() > 3_000);
    const { id } = await other.accept('/pay');
    const from = here.clock.now();
    await shop.until(() => shop.events.length === 1);
    expect(here.clock.now() - from).toBeLessThanOrEqual(1_500);
    expect((await shop.ended(id)).status).toBe('Succeeded');

    const told = await shop.accept('/pay');
    shop.performer.enqueued('orders');
    const stood = here.clock.now();
    while ((await shop.find(told.id)).phase !== 'settled') await new Promise(setImmediate);
    expect(here.clock.now()).toBe(stood);
  });

  it('keeps a partition at work while the engine records what was done there', async () => {
    const shop = await here.open({ options: { maxConcurrency: 2 } });
    const arrived: string[] = [];
    shop.app.post('/:n', (req, res) => {
      arrived.push(req.params.n);
      res.end();
    });
    // From the third on an outcome is not recorded before it is said so.
    const recorded = signal();
    const { step } = shop.ledger;
    vi.spyOn(shop.ledger, 'step').mockImplementation(async (id, taken) => {
      if (taken.type === 'performed' && arrived.length > 2) await recorded.happened;
      return step(id, taken);
    });
    const ids: string[] = [];
    for (let n = 0; n < 8; n += 1) ids.push((await shop.accept(`/${n}`)).id);
    shop.performer.start();
    // Two at once, and twice as many that are recorded.
    await shop.until(() => arrived.length >= 6);
    recorded.tell();
    for (const id of ids) expect(await shop.ended(id)).toMatchObject({ status: 'Succeeded', attempts: 1 });
    expect(new Set(arrived).size).toBe(8);
  });

  it('looks at the partition when the turn of an item has come, not when it was made ready (D-27)', async () => {
    const shop = await here.open({ options: { maxConcurrency: 2 } });
    const answers: (() => void)[] = [];
    let arrived = 0;
    shop.app.post('/pay', (_req, res) => {
      arrived += 1;
      answers.push(() => res.end());
    });
    for (let n = 0; n < 6; n += 1) await shop.accept('/pay');
    shop.performer.start();
    await shop.until(() => answers.length === 1);
    answers.pop()?.();
    await shop.until(() => answers.length === 2 && shop.performer.inFlight > 2);
    shop.admission.answer = () => turnedAway();
    for (const answer of answers) answer();
    await shop.until(() => shop.events.some(({ type }) => type === 'postponed'));
    await shop.until(() => shop.performer.inFlight === 0);
    expect(arrived).toBe(3);
  });

  it('performs in no request’s context but its own', async () => {
    const shop = await here.open();
    const tenant = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    shop.app.post('/pay', (_req, res) => {
      seen.push(tenant.getStore());
      res.end();
    });
    await tenant.run('of the first request', async () => {
      await shop.accept('/pay');
      shop.performer.start();
    });
    await shop.until(() => seen.length === 1);
    await tenant.run('of the second request', async () => {
      await shop.accept('/pay');
      shop.performer.enqueued('orders');
    });
    await shop.until(() => seen.length === 2);
    await tenant.run('of the third request', async () => {
      await shop.accept('/pay');
      shop.performer.wake('orders');
    });
    await shop.until(() => seen.length === 3);
    expect(seen).toEqual([undefined, undefined, undefined]);
  });

  it('begins with one at a time, and never has more under way than it may', async () => {
    const shop = await here.open({ options: { maxConcurrency: 3, maxInFlight: 4 } });
    const under: Record<'p' | 'q', (() => void)[]> = { p: [], q: [] };
    shop.app.post('/:partition', (req, res) => {
      under[req.params.partition === 'p' ? 'p' : 'q'].push(() => res.end());
    });
    const answer = (partition: 'p' | 'q') => {
      for (const end of under[partition].splice(0)) end();
    };
    /** Exactly so many, also after a while. */
    const staysAt = async (p: number, q: number) => {
      await shop.until(() => under.p.length === p && under.q.length === q);
      const from = here.clock.now();
      await shop.until(() => here.clock.now() > from + 1_500);
      expect([under.p.length, under.q.length]).toEqual([p, q]);
    };
    for (let item = 0; item < 20; item += 1) await shop.accept('/p', { partition: 'p' });
    shop.performer.start();
    for (const p of [1, 2, 3, 3]) {
      await staysAt(p, 0);
      if (p < 3) answer('p');
    }
    for (let item = 0; item < 10; item += 1) await shop.accept('/q', { partition: 'q' });
    await staysAt(3, 1);
    answer('q');
    await staysAt(3, 1);
    expect(shop.performer.lanes().map(({ running }) => running)).toEqual([3, 1]);
    // Those that are made ready meanwhile are bounded, too.
    expect(shop.performer.inFlight).toBeLessThanOrEqual(12);
    for (const { id } of (await shop.ledger.list({ limit: 100 })).deferrals) {
      await shop.until(async () => {
        answer('p');
        answer('q');
        return (await shop.find(id)).phase === 'settled';
      });
    }
  });
});

describe('the performer, closing', () => {
  it('waits for the attempt under way and claims nothing more', async () => {
    const shop = await here.open();
    const reached = signal();
    const answer = signal();
    shop.app.post('/pay', async (_req, res) => {
      reached.tell();
      await answer.happened;
      res.end();
    });
    const first = await shop.accept('/pay');
    const second = await shop.accept('/pay');
    shop.performer.start();
    await shop.until(() => shop.performer.inFlight === 1);
    await reached.happened;
    const closed = shop.performer.close();
    answer.tell();
    await closed;
    expect((await shop.find(first.id)).status).toBe('Succeeded');
    expect((await shop.find(second.id)).attempts).toBe(0);
    expect(shop.performer.inFlight).toBe(0);
  });

  it('ends an attempt that takes too long, and leaves its item to whoever comes next', async () => {
    const shop = await here.open();
    const reached = signal();
    shop.app.post('/pay', () => reached.tell());
    const { id } = await shop.accept('/pay');
    shop.performer.start();
    await reached.happened;
    const from = here.clock.now();
    await shop.close();
    expect(here.clock.now() - from).toBeLessThan(12_000);

    const next = await here.open();
    // Without waiting for the lease, which has minutes left.
    const [claim] = await next.engine.queue.claim({
      partition: 'orders',
      limit: 1,
      leaseMs: 1_000,
      holder: 'next',
    });
    expect(claim?.id).toBe(id);
    await next.engine.queue.postpone(id, claim?.token ?? 0, 0);
    next.app.post('/pay', (_req, res) => void res.end());
    next.performer.start();
    expect(await next.ended(id)).toMatchObject({ status: 'Succeeded', attempts: 2 });
  });

  it('may happen before it ever started, and twice', async () => {
    const shop = await here.open();
    await shop.performer.close();
    await shop.performer.close();
    shop.performer.start();
    shop.performer.wake();
    expect(here.clock.pending).toBeGreaterThan(0);
    expect(shop.performer.inFlight).toBe(0);
  });
});
