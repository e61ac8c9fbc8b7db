import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withHandlers } from '../../../../packages/middleware/src/perform/parts/call-handler.ts';
import { type PartWish, recordPart } from '../../../../packages/middleware/src/perform/parts/defer-part.ts';
import type { OwnHandlers } from '../../../../packages/middleware/src/perform/parts/own-work.ts';
import type { PartOptions } from '../../../../packages/middleware/src/perform/parts/part-options.ts';
import { createPerformer, type Performer } from '../../../../packages/middleware/src/perform/performer.ts';
import type { PerformerEvent } from '../../../../packages/middleware/src/perform/performer-events.ts';
import { admitted, type Place, place, turnedAway, type Workshop } from '../workshop.ts';

let here: Place;
let shop: Workshop;
let events: PerformerEvent[];
let performer: Performer;
const registered = new Map<string, PartOptions>();
const underWay = new Set<string>();
/** Each test has one of its own. */
let request = '';
let requests = 0;

beforeAll(async () => {
  here = place(Date.now());
  shop = await here.open();
});
beforeEach(() => {
  shop.admission.answer = admitted;
  shop.admission.asked = [];
  request = `request ${++requests}`;
  events = [];
  registered.clear();
  underWay.clear();
  const handlers: OwnHandlers = { part: (name) => registered.get(name), compensation: () => undefined };
  performer = createPerformer({
    queue: shop.engine.queue,
    ledger: shop.ledger,
    admission: shop.admission,
    own: { handlers, isUnderWay: (parent) => underWay.has(parent) },
    replay: withHandlers(() => Promise.resolve({ kind: 'route-missing' }), {
      handlers,
      ledger: shop.ledger,
      clock: here.clock,
      onHandlerError() {},
    }),
    completionsOf: () => 'at-least-once',
    clock: here.clock,
    random: () => 0,
    options: {
      leaseMs: 300_000,
      attemptTimeoutMs: 2_000,
      routeMissingForMs: 5_000,
      lookCapMs: 3_000,
      maxAttempts: 2,
      holdPartsMs: 1_000,
    },
    on: (event) => events.push(event),
  });
});
afterEach(async () => {
  const closing = performer.close();
  let closed = false;
  void closing.then(() => {
    closed = true;
  });
  await shop.until(() => closed);
  await shop.cancelAll();
});
afterAll(() => here.remove());

const wish = (more: Partial<PartWish> = {}): PartWish => ({
  name: 'email',
  payload: Buffer.from('{"to":"ann"}'),
  parent: { kind: 'request', id: request },
  key: request,
  ordinal: 1,
  workType: 'settle',
  priority: 2,
  partition: 'orders',
  requester: 'ann',
  ...more,
});

async function recorded(more: Partial<PartWish> = {}): Promise<string> {
  const part = await recordPart(shop.ledger, wish(more));
  if (part === undefined) throw new Error('the queue is full');
  return part.deferral.id;
}

async function released(more: Partial<PartWish> = {}): Promise<string> {
  const id = await recorded(more);
  await shop.ledger.step(id, { type: 'released' });
  return id;
}

describe('a part whose handler is not registered any more', () => {
  it('is left to other hosts, then parked with the reason, and performed when its handler is back', async () => {
    const id = await released();
    performer.start();
    await shop.until(async () => (await shop.find(id)).phase === 'parked');
    expect(await shop.find(id)).toMatchObject({
      attempts: 0,
      error: {
        code: 'handler-missing',
        message: expect.stringContaining('no part "email" any more: register it'),
      },
    });
    expect(events.map(({ type }) => type)).toEqual(['parked']);
    const parkedAt = here.clock.now();
    await shop.until(() => here.clock.now() > parkedAt + 8_000);
    expect(events).toHaveLength(1);
    registered.set('email', { perform: (payload) => payload });
    await shop.until(async () => (await shop.find(id)).phase === 'settled');
    expect(await shop.find(id)).toMatchObject({ status: 'Succeeded', attempts: 1 });
    expect(Buffer.from((await shop.ledger.outcome(id))?.body ?? []).toString()).toBe('{"to":"ann"}');
  });
});

describe('a held part', () => {
  it('is not begun while this process performs its request, and is as soon as it is released', async () => {
    registered.set('email', { perform() {} });
    underWay.add(request);
    const id = await recorded();
    performer.start();
    const begunAt = here.clock.now();
    await shop.until(() => here.clock.now() > begunAt + 10_000);
    expect(await shop.find(id)).toMatchObject({ phase: 'queued', held: true, attempts: 0, postponements: 0 });
    await shop.ledger.step(id, { type: 'released' });
    expect(await shop.ended(id)).toMatchObject({ status: 'Succeeded', held: false });
  });

  it('is replaced by that of the next try of its request, which can be another one', async () => {
    const first = await recorded();
    const second = await recorded({ payload: Buffer.from('{"to":"bob"}') });
    const third = await recorded();
    expect(new Set([first, second, third]).size).toBe(3);
    for (const id of [first, second]) {
      expect(await shop.find(id)).toMatchObject({ status: 'Canceled', error: { code: 'request-failed' } });
    }
    await shop.ledger.step(third, { type: 'released' });
    expect(await recorded({ payload: Buffer.from('{"to":"eve"}') })).toBe(third);
    expect(await recorded({ ordinal: 2 })).not.toBe(third);
  });

  it('is parked where its record was altered, and canceled where nobody can read it any more', async () => {
    registered.set('email', { perform() {} });
    const [altered, erased] = [await recorded(), await recorded({ requester: 'bob', ordinal: 2 })];
    const key = `payload/${altered}`;
    const bytes = Buffer.from((await shop.engine.store.get(key))?.value ?? []);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await shop.engine.store.put(key, bytes);
    const erasure = await shop.ledger.erasures.begin('bob', { by: 'code:test', purpose: 'test' });
    if (erasure === undefined) throw new Error('bob has nothing');
    await shop.ledger.erasures.finish(erasure);
    const goneAt = here.clock.now() + 10_000;
    await shop.until(() => here.clock.now() > goneAt);
    performer.start();
    expect(await shop.ended(altered)).toMatchObject({ phase: 'parked', error: { code: 'record-corrupt' } });
    expect(await shop.ended(erased)).toMatchObject({ status: 'Canceled' });
  });

  it('can not be begun by anybody who does not look', async () => {
    const id = await recorded();
    expect(await shop.ledger.step(id, { type: 'performing', token: 1 })).toBeUndefined();
    expect(await shop.find(id)).toMatchObject({ attempts: 0, phase: 'queued' });
  });
});

describe('a released part', () => {
  it('waits while its partition is slow, by its work type', async () => {
    registered.set('email', { perform() {} });
    shop.admission.answer = () => turnedAway();
    const id = await released();
    performer.start();
    await shop.until(() => shop.admission.asked.length > 1);
    expect(shop.admission.asked[0]).toEqual({ partition: 'orders', workType: 'settle', priority: 2 });
    expect((await shop.find(id)).attempts).toBe(0);
    shop.admission.answer = admitted;
    expect(await shop.ended(id)).toMatchObject({ status: 'Succeeded' });
  });

  it('whose handler never ends is ended by its time limit, told so, and tried again', async () => {
    const signals: AbortSignal[] = [];
    registered.set('email', {
      perform: (_payload, { signal }) => {
        signals.push(signal);
        return new Promise(() => {});
      },
    });
    const id = await released();
    performer.start();
    expect(await shop.ended(id)).toMatchObject({ status: 'Failed', attempts: 2 });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  });

  it('whose outcome JSON has no text for is done all the same', async () => {
    registered.set('email', { perform: () => 1n });
    const id = await released();
    performer.start();
    expect(await shop.ended(id)).toMatchObject({ status: 'Succeeded', outcomeKnown: false });
  });

  it('has no outcome to show where its handler gives nothing, and a final one where it refuses', async () => {
    registered.set('email', { perform() {} });
    registered.set('sms', {
      perform() {
        throw Object.assign(new Error('no such number'), { statusCode: 404 });
      },
    });
    const [nothing, refused] = [await released(), await released({ name: 'sms' })];
    performer.start();
    await shop.ended(nothing);
    expect(await shop.ledger.outcome(nothing)).toMatchObject({ status: 204 });
    expect(await shop.ended(refused)).toMatchObject({ status: 'Failed', attempts: 1 });
    expect(await shop.ledger.outcome(refused)).toMatchObject({ status: 404 });
  });
});
