import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PerformerEvent } from '../../../packages/middleware/src/perform/performer-events.ts';
import { replayOf } from '../../../packages/middleware/src/perform/replay-identity.ts';
import { seededRandom } from '../../crash/random.ts';
import { captured } from './replaying.ts';
import { signal } from './signal.ts';
import { until } from './until.ts';
import { type Place, place, turnedAway, type Workshop } from './workshop.ts';

let here: Place;
beforeEach(() => {
  here = place();
});
afterEach(() => here.remove());

const ofType = <T extends PerformerEvent['type']>(events: readonly PerformerEvent[], type: T) =>
  events.filter((event): event is Extract<PerformerEvent, { type: T }> => event.type === type);

describe('an attempt that fails', () => {
  it('is followed by another, later each time, until one succeeds', async () => {
    const shop = await here.open({ random: () => 1, options: { retryBaseMs: 2_000 } });
    const at: number[] = [];
    shop.app.post('/pay', (_req, res) => {
      at.push(here.clock.now());
      res.status(at.length < 4 ? 503 : 200).end();
    });
    const { id } = await shop.accept('/pay');
    shop.performer.start();
    expect(await shop.ended(id)).toMatchObject({ status: 'Succeeded', attempts: 4 });
    const gaps = at.slice(1).map((time, index) => time - (at[index] ?? 0));
    [2_000, 4_000, 8_000].forEach((gap, index) => {
      expect(gaps[index]).toBeGreaterThanOrEqual(gap);
      expect(gaps[index]).toBeLessThan(gap + 1_500);
    });
    expect(ofType(shop.events, 'retrying')).toHaveLength(3);
  });

  it('is the last one after maxAttempts; the deferral then fails, with the last outcome', async () => {
    const shop = await here.open({ options: { maxAttempts: 3 } });
    let attempts = 0;
    shop.app.post('/pay', (_req, res) => {
      attempts += 1;
      res.status(500).send(`failure ${attempts}`);
    });
    const { id } = await shop.accept('/pay');
    shop.performer.start();
    const deferral = await shop.ended(id);
    expect(deferral).toMatchObject({ status: 'Failed', attempts: 3, error: { code: 'attempts-exhausted' } });
    expect(deferral.error?.message).toContain('500');
    const outcome = await shop.ledger.outcome(id);
    expect([outcome?.status, Buffer.from(outcome?.body ?? []).toString()]).toEqual([500, 'failure 3']);
    expect(attempts).toBe(3);
    await shop.until(async () => (await shop.engine.queue.backlog()).length === 0);
  });

  it('is the only one where the route refuses; the deferral fails with that outcome', async () => {
    const shop = await here.open();
    shop.app.post('/pay', (_req, res) => void res.status(422).json({ why: 'no such account' }));
    const { id } = await shop.accept('/pay');
    shop.performer.start();
    expect(await shop.ended(id)).toMatchObject({
      status: 'Failed',
      attempts: 1,
      error: { code: 'route-refused' },
    });
    expect((await shop.ledger.outcome(id))?.status).toBe(422);
    expect(ofType(shop.events, 'failed')).toHaveLength(1);
  });

  it('may have had no answer in time; another follows', async () => {
    const shop = await here.open({ options: { attemptTimeoutMs: 20_000 } });
    const reached = signal();
    let attempts = 0;
    shop.app.post('/pay', (_req, res) => {
      attempts += 1;
      if (attempts === 2) res.end();
      else reached.tell();
    });
    const { id } = await shop.accept('/pay');
    shop.performer.start();
    await reached.happened;
    here.clock.advance(20_000);
    expect(await shop.ended(id)).toMatchObject({ status: 'Succeeded', attempts: 2 });
    expect(ofType(shop.events, 'retrying')[0]?.error.code).toBe('attempt-timed-out');
  });

  it('does not hide behind an answer too long to keep', async () => {
    const shop = await here.open({ options: { maxOutcomeBytes: 10 } });
    shop.app.post('/pay', (_req, res) => void res.send('x'.repeat(11)));
    const { id } = await shop.accept('/pay');
    shop.performer.start();
    expect(await shop.ended(id)).toMatchObject({ status: 'Succeeded', outcomeKnown: false });
    expect(ofType(shop.events, 'performed')[0]).toMatchObject({ status: 200, outcomeKnown: false });
  });
});

describe('a deferral that needs a person', () => {
  it('is parked where no route matches, after it was left to others for as long as that is said', async () => {
    const shop = await here.open({ options: { routeMissingForMs: 20_000 } });
    const { id } = await shop.accept('/nowhere');
    shop.performer.start();
    await shop.until(async () => (await shop.find(id)).phase === 'retrying');
    expect(await shop.find(id)).toMatchObject({ status: 'Running', error: { code: 'route-missing' } });
    const since = here.clock.now();
    expect(await shop.ended(id)).toMatchObject({ phase: 'parked', error: { code: 'route-missing' } });
    expect(here.clock.now() - since).toBeGreaterThan(19_000);
    // Each time between it was only put back.
    expect((await shop.find(id)).attempts).toBe(2);
    expect(await shop.ledger.outcome(id)).toBeUndefined();
    await shop.until(async () => (await shop.engine.queue.backlog()).length === 0);
  });

  it('is parked at once where no route matches and it is to be left to nobody', async () => {
    const shop = await here.open({ options: { routeMissingForMs: 0 } });
    const { id } = await shop.accept('/nowhere');
    shop.performer.start();
    expect(await shop.ended(id)).toMatchObject({ phase: 'parked', attempts: 1 });
  });

  it('needs none where another process has the route, however many attempts found none', async () => {
    const options = { maxAttempts: 1 };
    const older = await here.open({ options });
    const { id } = await older.accept('/new');
    older.performer.start();
    await older.until(async () => (await older.find(id)).phase === 'retrying');
    const newer = await here.open({ options });
    newer.app.post('/new', (_req, res) => void res.status(201).end());
    newer.performer.start();
    expect(await newer.ended(id)).toMatchObject({ status: 'Succeeded', attempts: 2 });
  });

  it('is parked where the attempt was refused', async () => {
    const shop = await here.open();
    shop.app.use((req) => replayOf(req)?.refuse({ code: 'identity-not-restored', message: 'gone' }));
    const { id } = await shop.accept('/pay');
    shop.performer.start();
    expect(await shop.ended(id)).toMatchObject({
      phase: 'parked',
      error: { code: 'identity-not-restored', message: 'gone' },
    });
  });

  it.each([
    ['altered', (value: Uint8Array) => value.with(value.length >> 1, (value.at(value.length >> 1) ?? 0) ^ 1)],
    ['missing', () => undefined],
  ])('is parked and never performed where its stored payload is %s (B-09) (B-26)', async (_how, change) => {
    const shop = await here.open();
    let performed = 0;
    shop.app.use((_req, res) => {
      performed += 1;
      res.end();
    });
    const { id } = await shop.accept('/pay');
    const { store } = shop.engine;
    const stored = (await store.list('payload/', { limit: 10 })).find(({ key }) => key.includes(id));
    if (stored === undefined) throw new Error('where is the payload?');
    const changed = change(stored.value);
    if (changed === undefined) await store.delete(stored.key);
    else await store.put(stored.key, changed);
    shop.performer.start();
    expect(await shop.ended(id)).toMatchObject({ phase: 'parked', error: { code: 'record-corrupt' } });
    expect(ofType(shop.events, 'parked')).toMatchObject([{ id, error: { code: 'record-corrupt' } }]);
    expect(performed).toBe(0);
  });

  it('is failed for good, and never performed, where its requester was erased in spite of it', async () => {
    const [one, two] = [await here.open(), await here.open()];
    let performed = 0;
    two.app.use((_req, res) => {
      performed += 1;
      res.end();
    });
    const { id, requester } = await one.accept('/pay');
    await one.engine.wrappedKeys.destroy(`requester/${requester}`);
    two.performer.start();
    expect(await two.ended(id)).toMatchObject({ status: 'Failed', error: { code: 'requester-erased' } });
    expect(performed).toBe(0);
  });
});

describe('what an implementation is read from', () => {
  /** The keys that were read of the store, and the positions of the log, from now on. */
  function watched({ store, log }: Workshop['engine']): { keys: string[]; positions: number[] } {
    const seen = { keys: [] as string[], positions: [] as number[] };
    const { get } = store;
    const { read } = log;
    Object.assign(store, {
      get: (key: string) => {
        seen.keys.push(key);
        return get.call(store, key);
      },
    });
    Object.assign(log, {
      read: (from: number, limit: number) => {
        seen.positions.push(from);
        return read.call(log, from, limit);
      },
    });
    return seen;
  }

  it('is the second record: it is read for each attempt, and what the route gets is what stands there (B-24)', async () => {
    const shop = await here.open();
    const bodies: string[] = [];
    shop.app.post('/pay', (req, res) => {
      req.on('data', (chunk) => bodies.push(String(chunk)));
      req.on('end', () => res.status(bodies.length === 1 ? 503 : 201).end());
    });
    const request = { ...captured('POST', '/pay'), body: Buffer.from('from the second record') };
    const { id } = await shop.accept('/pay', { request });
    const seen = watched(shop.engine);
    shop.performer.start();
    expect(await shop.ended(id)).toMatchObject({ status: 'Succeeded', attempts: 2 });
    expect(bodies).toEqual(['from the second record', 'from the second record']);
    expect(seen.keys.filter((key) => key === `payload/${id}`)).toHaveLength(2);
  });

  it('is found through the mapping: the first record is read where that says, and nowhere else (B-24)', async () => {
    const shop = await here.open();
    shop.app.post('/:n', (_req, res) => res.status(201).end());
    const ids: string[] = [];
    for (let n = 0; n < 3; n += 1) ids.push((await shop.accept(`/${n}`)).id);
    const [, second = ''] = ids;
    const { position } = await shop.find(second);
    const seen = watched(shop.engine);
    const { request, readFrom } = await shop.ledger.readRequest(second);
    expect(request.url).toBe('/1');
    expect(readFrom).toEqual(['mapping', 'first', 'second']);
    expect(seen.keys.filter((key) => !/^(?:tile|blocks)\//.test(key))).toEqual([
      `deferral/${second}`,
      `payload/${second}`,
    ]);
    expect(seen.positions).toEqual([position]);
    expect(await shop.ledger.mapping(position)).toMatchObject({
      id: second,
      first: { position },
      second: { key: `payload/${second}`, state: 'intact' },
    });
  });
});

describe('two performers on one queue', () => {
  it('perform each item once', async () => {
    const [one, two] = [await here.open(), await here.open()];
    const performed: string[] = [];
    for (const shop of [one, two]) {
      shop.app.post('/:n', (req, res) => {
        performed.push(req.params.n);
        res.end();
      });
    }
    const ids: string[] = [];
    for (let n = 0; n < 30; n += 1) ids.push((await one.accept(`/${n}`)).id);
    one.performer.start();
    two.performer.start();
    for (const id of ids) expect(await one.ended(id)).toMatchObject({ status: 'Succeeded', attempts: 1 });
    expect(new Set(performed).size).toBe(30);
    expect(performed).toHaveLength(30);
  });

  it('keep the order of every key, one at a time, whatever fails and whoever has it, and other keys in parallel (B-50)', async () => {
    const setup = { random: () => 0.5, options: { retryBaseMs: 40, retryCapMs: 80, maxAttempts: 100 } };
    const shops = [await here.open(setup), await here.open(setup)] as const;
    const random = seededRandom('50');
    const keys = ['a', 'b', 'c', 'd'];
    const underWay = new Map<string, number>();
    const [together, done]: [number[], Map<string, number[]>] = [[], new Map()];
    const answers: (() => void)[] = [];
    for (const shop of shops) {
      shop.app.post('/:key/:n', (req, res) => {
        const { key, n } = req.params;
        underWay.set(key, (underWay.get(key) ?? 0) + 1);
        together.push(underWay.get(key) ?? 0);
        answers.push(() => {
          underWay.set(key, (underWay.get(key) ?? 0) - 1);
          const isBad = random.between(0, 1) < 0.25;
          if (!isBad) done.set(key, [...(done.get(key) ?? []), Number(n)]);
          res.status(isBad ? 500 : 200).end();
        });
      });
    }
    const ids: string[] = [];
    for (let n = 0; n < 32; n += 1) {
      const key = keys[Math.floor(random.between(0, keys.length))] ?? '';
      const priority = Math.ceil(random.between(0, 3));
      ids.push((await shops[n % 2 === 0 ? 0 : 1].accept(`/${key}/${n}`, { orderKey: key, priority })).id);
    }
    for (const { performer } of shops) performer.start();
    // Nobody is answered before two keys are at work, and from then on they are in any order.
    let mostKeys = 0;
    await shops[0].until(async () => {
      mostKeys = Math.max(mostKeys, [...underWay.values()].filter((count) => count > 0).length);
      if (mostKeys < 2) return false;
      const next = answers.splice(Math.floor(random.between(0, answers.length)), 1);
      if (answers.length > 0 || random.between(0, 1) < 0.3) for (const answer of next) answer();
      else answers.push(...next);
      return [...done.values()].reduce((sum, { length }) => sum + length, 0) === ids.length;
    });
    for (const id of ids) expect((await shops[0].ended(id)).status).toBe('Succeeded');
    for (const ns of done.values()) expect(ns).toEqual(ns.toSorted((one, other) => one - other));
    expect(Math.max(...together)).toBe(1);
  });

  it('leave it to the other one where one has nothing that it would perform, and record that ever less often (D-24, D-42)', async () => {
    const [sick, well] = [await here.open(), await here.open()];
    const records: number[] = [];
    sick.admission.answer = () => ({ ...turnedAway(50), closed: true });
    const { step } = sick.ledger;
    vi.spyOn(sick.ledger, 'step').mockImplementation((id, taken) => {
      records.push(here.clock.now());
      return step(id, taken);
    });
    well.app.post('/pay', (_req, res) => void res.end());
    const { id } = await sick.accept('/pay');
    sick.performer.start();
    await sick.until(async () => (await sick.find(id)).postponements >= 4);
    const gaps = records.slice(1).map((at, index) => at - (records[index] ?? 0));
    // 1, 2 and 4 s apart, and asked many times in between.
    gaps.forEach((gap, index) => {
      expect(gap).toBeGreaterThanOrEqual(1_000 * 2 ** index);
    });
    expect(sick.admission.asked.length).toBeGreaterThan(20);
    // The next record is due in 8 s; the item is due now: no time needs to pass any more.
    await until(() => sick.performer.inFlight === 0);
    well.performer.start();
    await until(async () => (await well.find(id)).phase === 'settled');
    expect(await well.find(id)).toMatchObject({ status: 'Succeeded', attempts: 1 });
  });

  it('leave an item to whoever took it over, and end their own attempt at it', async () => {
    const slow = await here.open({ options: { leaseMs: 60_000 } });
    const reached = signal();
    const closed = signal();
    slow.app.post('/pay', (_req, res) => {
      res.on('close', () => closed.tell());
      reached.tell();
    });
    const { id } = await slow.accept('/pay');
    slow.performer.start();
    await reached.happened;
    // As after a pause of the whole process: its lease is over before it can be prolonged.
    const quick = await here.open();
    quick.app.post('/pay', (_req, res) => void res.end('quick'));
    here.clock.jumpWall(here.clock.wallNow() + 61_000);
    quick.performer.start();
    expect(await quick.ended(id)).toMatchObject({ status: 'Succeeded', attempts: 2 });
    await slow.until(() => slow.events.length > 0);
    expect(slow.events).toMatchObject([{ type: 'lease-lost', id }]);
    await closed.happened;
    expect(Buffer.from((await slow.ledger.outcome(id))?.body ?? []).toString()).toBe('quick');
  });

  it('get through a process that stops without a word, when its lease is over', async () => {
    const dead = await here.open();
    const { id } = await dead.accept('/pay');
    const claimOptions = { partition: 'orders', limit: 1, leaseMs: 5_000, holder: 'dead' };
    const [claim] = await dead.engine.queue.claim(claimOptions);
    await dead.ledger.step(id, { type: 'performing', token: claim?.token ?? 0 });
    const next = await here.open();
    next.app.post('/pay', (_req, res) => void res.end());
    next.performer.start();
    const from = here.clock.now();
    expect(await next.ended(id)).toMatchObject({ status: 'Succeeded', attempts: 2 });
    expect(here.clock.now() - from).toBeLessThan(7_000);
  });
});

describe('a process that ends at any step', () => {
  it('leaves, after the outcome was recorded, an item that is taken off and not performed again (B-49)', async () => {
    const dead = await here.open();
    const { id } = await dead.accept('/pay');
    const claimOptions = { partition: 'orders', limit: 1, leaseMs: 5_000, holder: 'dead' };
    const token = (await dead.engine.queue.claim(claimOptions))[0]?.token ?? 0;
    await dead.ledger.step(id, { type: 'performing', token });
    const outcome = { status: 201, headers: [], body: Buffer.from('done') };
    await dead.ledger.step(id, { type: 'performed', token, outcome });

    const next = await here.open();
    let again = 0;
    next.app.post('/pay', (_req, res) => {
      again += 1;
      res.end();
    });
    next.performer.start();
    await next.until(async () => (await next.engine.queue.backlog()).length === 0);
    expect(again).toBe(0);
    expect(await next.find(id)).toMatchObject({ status: 'Succeeded', outcomeKnown: true, attempts: 1 });
    expect((await next.ledger.outcome(id))?.status).toBe(201);
  });
});

describe('cancelling', () => {
  it('works while nobody has performed it, and again', async () => {
    const shop = await here.open();
    const { id } = await shop.accept('/pay');
    expect(await shop.performer.cancel(id)).toBe('canceled');
    expect(await shop.find(id)).toMatchObject({
      status: 'Canceled',
      phase: 'settled',
      error: { code: 'canceled-by-requester' },
    });
    expect(await shop.performer.cancel(id)).toBe('canceled');
    shop.performer.start();
    await shop.until(async () => (await shop.engine.queue.backlog()).length === 0);
    expect(ofType(shop.events, 'canceled')).toHaveLength(1);
    expect((await shop.find(id)).attempts).toBe(0);
  });

  it('does not while it is performed, nor after, nor what does not exist', async () => {
    const shop = await here.open();
    const reached = signal();
    const answer = signal();
    shop.app.post('/pay', async (_req, res) => {
      reached.tell();
      await answer.happened;
      res.end();
    });
    const { id } = await shop.accept('/pay');
    shop.performer.start();
    await reached.happened;
    expect(await shop.performer.cancel(id)).toBe('not-cancelable');
    answer.tell();
    expect((await shop.ended(id)).status).toBe('Succeeded');
    expect(await shop.performer.cancel(id)).toBe('not-cancelable');
    expect(await shop.performer.cancel('01JUNKNOWN0000000000000000')).toBe('not-cancelable');
  });

  it('between two attempts that nothing can shut out fails it, and no attempt follows', async () => {
    const shop = await here.open({ random: () => 1 });
    let attempts = 0;
    shop.app.post('/pay', (_req, res) => {
      attempts += 1;
      res.status(503).end();
    });
    const { id } = await shop.accept('/pay');
    shop.performer.start();
    await shop.until(async () => (await shop.find(id)).phase === 'retrying');
    await shop.until(async () => (await shop.performer.cancel(id)) === 'canceled');
    expect(await shop.find(id)).toMatchObject({
      status: 'Failed',
      phase: 'settled',
      error: { code: 'canceled-by-requester' },
    });
    const so = attempts;
    const from = here.clock.now();
    await shop.until(() => here.clock.now() > from + 5_000);
    expect(attempts).toBe(so);
  });
});

describe('trouble of the engine', () => {
  it('is told, asked again ever less often, and never thrown', async () => {
    const shop = await here.open();
    shop.app.post('/pay', (_req, res) => void res.end());
    await shop.accept('/pay');
    shop.performer.start();
    await shop.until(() => shop.events.length === 1);
    await shop.engine.close();
    shop.performer.enqueued('orders');
    const from = here.clock.now();
    await shop.until(() => here.clock.now() > from + 20_000);
    const troubles = ofType(shop.events, 'trouble');
    const claiming = troubles.filter(({ doing }) => doing === 'claiming');
    expect(claiming.length).toBeGreaterThanOrEqual(2);
    expect(claiming.length).toBeLessThanOrEqual(6);
    expect(troubles[0]?.error).toMatchObject({ code: 'engine-closed' });
  });
});
