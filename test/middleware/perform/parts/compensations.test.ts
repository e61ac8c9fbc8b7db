import type { LedgerEntry } from '@slackwater/shared';
import { parseEntry } from '@slackwater/shared';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Ledger } from '../../../../packages/middleware/src/ledger/open-ledger.ts';
import { eraseRequester } from '../../../../packages/middleware/src/perform/erase-requester.ts';
import { withHandlers } from '../../../../packages/middleware/src/perform/parts/call-handler.ts';
import { compensatingStep } from '../../../../packages/middleware/src/perform/parts/compensations.ts';
import { noOwnWork, type OwnHandlers } from '../../../../packages/middleware/src/perform/parts/own-work.ts';
import type {
  Compensate,
  CompensationContext,
} from '../../../../packages/middleware/src/perform/parts/part-options.ts';
import { createPerformer, type Performer } from '../../../../packages/middleware/src/perform/performer.ts';
import type { PerformerEvent } from '../../../../packages/middleware/src/perform/performer-events.ts';
import { createReplay } from '../../../../packages/middleware/src/perform/replay.ts';
import { admitted, type Place, place, turnedAway, type Workshop } from '../workshop.ts';

let here: Place;
let shop: Workshop;
/** What the route answers. */
let answer = 409;

beforeAll(async () => {
  here = place(Date.now());
  shop = await here.open();
  shop.app.post('/pay', (_req, res) => void res.status(answer).end());
});
beforeEach(() => {
  answer = 409;
  shop.admission.answer = admitted;
});
afterEach(() => shop.cancelAll());
afterAll(() => here.remove());

interface Undoing {
  readonly performer: Performer;
  readonly events: PerformerEvent[];
  readonly calls: CompensationContext[];
}

/** A workshop whose work type settle undoes what its caller was told to have succeeded. */
function undoing(compensate: Compensate | undefined, maxAttempts = 3): Undoing {
  const calls: CompensationContext[] = [];
  const events: PerformerEvent[] = [];
  const handlers: OwnHandlers = {
    part: () => undefined,
    compensation: () =>
      compensate &&
      ((context) => {
        calls.push(context);
        return compensate(context);
      }),
  };
  const through = createReplay({ app: () => shop.app as never, clock: here.clock });
  const performer = createPerformer({
    queue: shop.engine.queue,
    ledger: {
      find: shop.ledger.find,
      readRequest: shop.ledger.readRequest,
      step: compensatingStep(shop.ledger, handlers),
    },
    admission: shop.admission,
    own: { ...noOwnWork, handlers },
    replay: withHandlers(through, {
      handlers,
      ledger: shop.ledger,
      clock: here.clock,
      onHandlerError() {},
    }),
    completionsOf: () => 'at-least-once',
    clock: here.clock,
    random: () => 1,
    options: { leaseMs: 300_000, attemptTimeoutMs: 120_000, maxAttempts },
    on: (event) => events.push(event),
  });
  return { performer, events, calls };
}

/** The compensation of a deferral, once there is one. */
const undoingOf = (ledger: Ledger, id: string) => ledger.findByKey('', 'COMPENSATE', '/', id);

async function entries({ engine }: Workshop): Promise<LedgerEntry[]> {
  return (await engine.log.read(0, 500)).map(parseEntry);
}

const types = (all: readonly LedgerEntry[], id: string): string[] =>
  all.filter((entry) => entry.id === id).map(({ type }) => type);

describe('a request whose success was told', () => {
  it('is undone when its route refuses it, and both are entries that a verifier accepts (B-48)', async () => {
    const { performer, events, calls } = undoing(() => ({ refunded: true }));
    const { id } = await shop.accept('/pay', { acknowledged: true });
    performer.start();
    await shop.until(() => events.some(({ type }) => type === 'reversed'));
    await performer.close();
    const undone = await undoingOf(shop.ledger, id);
    expect(undone).toMatchObject({ status: 'Succeeded', parent: id, method: 'COMPENSATE', route: '/pay' });
    expect(events.filter(({ type }) => type === 'reversed')).toEqual([
      { type: 'reversed', id, compensation: undone?.id, partition: 'orders', workType: 'settle' },
    ]);
    expect(calls).toMatchObject([
      { of: id, attempt: 1, idempotencyKey: undone?.completionKey, error: { code: 'route-refused' } },
    ]);
    expect(calls[0]?.request).toMatchObject({ method: 'POST', url: '/pay' });
    const log = await entries(shop);
    expect(types(log, id)).toEqual(['accepted', 'performing', 'failed']);
    expect(types(log, undone?.id ?? '')).toEqual(['accepted', 'released', 'performing', 'performed']);
    expect(log.find((entry) => entry.id === undone?.id)).toMatchObject({
      parent: id,
      reasons: ['compensation'],
    });
    expect(log.find((entry) => entry.id === id)).toMatchObject({ acknowledged: 'succeeded' });
    expect(await shop.ledger.verify()).toMatchObject({ ok: true });
    expect(Buffer.from((await shop.ledger.outcome(undone?.id ?? ''))?.body ?? []).toString()).toBe(
      '{"refunded":true}',
    );
  });

  it('is undone when it is canceled, and that can not be canceled', async () => {
    const { performer, events } = undoing(() => {});
    answer = 200;
    const { id } = await shop.accept('/pay', { acknowledged: true });
    expect(await performer.cancel(id)).toBe('canceled');
    const undone = await undoingOf(shop.ledger, id);
    expect(await performer.cancel(undone?.id ?? '')).toBe('not-cancelable');
    performer.start();
    await shop.until(() => events.some(({ type }) => type === 'reversed'));
    await performer.close();
  });

  it('is undone however slow its partition is, and before everything else that waits there', async () => {
    const { performer, events, calls } = undoing(() => {});
    const order: string[] = [];
    const { id } = await shop.accept('/pay', { acknowledged: true });
    await shop.accept('/more important', { priority: 1 });
    expect(await performer.cancel(id)).toBe('canceled');
    shop.admission.answer = ({ workType }) => {
      order.push(workType);
      return { ...turnedAway(), closed: true };
    };
    performer.start();
    await shop.until(() => events.some(({ type }) => type === 'reversed'));
    await performer.close();
    expect(calls).toHaveLength(1);
  });

  it('is tried to be undone again, later each time, and then left to a person: it never counts as failed', async () => {
    const at: number[] = [];
    const { performer, events } = undoing(() => {
      at.push(here.clock.now());
      throw new Error('the bank is closed');
    });
    const { id } = await shop.accept('/pay', { acknowledged: true });
    performer.start();
    await shop.until(() => events.some(({ type }) => type === 'parked'));
    await performer.close();
    expect(at).toHaveLength(3);
    const [first = 0, second = 0, third = 0] = at;
    expect(third - second).toBeGreaterThan(second - first);
    expect(await undoingOf(shop.ledger, id)).toMatchObject({
      phase: 'parked',
      error: { code: 'attempts-exhausted', message: expect.stringContaining('the bank is closed') },
    });
    expect(events.some(({ type }) => type === 'reversed')).toBe(false);
  });

  it('is undone once the person says so, and while its requester is being erased', async () => {
    let isOpen = false;
    const { performer, events, calls } = undoing(() => {
      if (!isOpen) throw Object.assign(new Error('the bank is closed'), { status: 403 });
    });
    const { id } = await shop.accept('/pay', { acknowledged: true });
    performer.start();
    await shop.until(() => events.some(({ type }) => type === 'parked'));
    isOpen = true;
    const undone = (await undoingOf(shop.ledger, id))?.id ?? '';
    expect(await performer.redrive(undone, { by: 'code:test' })).toBe('redriven');
    await shop.until(() => events.some(({ type }) => type === 'reversed'));
    expect(await shop.find(undone)).toMatchObject({ status: 'Succeeded', attempts: 2 });
    // Nobody has begun with the next one when its requester is erased.
    shop.admission.answer = () => turnedAway();
    const next = await shop.accept('/pay', { acknowledged: true, requester: 'eve' });
    const erasure = await shop.ledger.erasures.begin('eve', { by: 'code:test', purpose: 'test' });
    if (erasure === undefined) throw new Error('eve has nothing');
    const error = { code: 'requester-erased', message: 'test' } as const;
    const parts = { ledger: shop.ledger, clock: here.clock };
    const erasing = eraseRequester(
      { ...parts, cancel: (one) => performer.cancel(one, error) },
      erasure,
      10_000,
    );
    await shop.until(() => calls.length === 3);
    expect(calls.map(({ of }) => of)).toEqual([id, id, next.id]);
    expect(calls.at(-1)?.request).toMatchObject({ url: '/pay' });
    let pending: unknown;
    void erasing.then((result) => {
      pending = result;
    });
    await shop.until(() => pending !== undefined);
    expect(pending).toMatchObject({ status: 'pending', unsettled: 0 });
    await performer.close();
  });

  it('is left to a person where its compensation refuses for good, without shutting it out', async () => {
    const { performer, events } = undoing(() => {
      throw Object.assign(new Error('no such payment'), { status: 404 });
    });
    const { id } = await shop.accept('/pay', { acknowledged: true });
    performer.start();
    await shop.until(() => events.some(({ type }) => type === 'parked'));
    await performer.close();
    expect(await undoingOf(shop.ledger, id)).toMatchObject({ phase: 'parked', attempts: 1 });
  });

  it('is not undone where it succeeded after all, though its end was prepared', async () => {
    const { performer, events, calls } = undoing(() => {});
    answer = 200;
    const { id } = await shop.accept('/pay', { acknowledged: true });
    // As a process leaves it that was killed between the two.
    const step = compensatingStep(
      { ...shop.ledger, step: () => Promise.reject(new Error('killed')) },
      { compensation: () => () => {} },
    );
    const error = { code: 'canceled-by-requester', message: '' } as const;
    await expect(step(id, { type: 'canceled', error })).rejects.toThrow('killed');
    const undone = (await undoingOf(shop.ledger, id))?.id ?? '';
    expect(await shop.find(undone)).toMatchObject({ held: true, phase: 'queued' });
    performer.start();
    await shop.until(async () => (await shop.find(undone)).phase === 'settled');
    await performer.close();
    expect(calls).toEqual([]);
    expect(await shop.find(id)).toMatchObject({ status: 'Succeeded' });
    expect(await shop.find(undone)).toMatchObject({
      status: 'Canceled',
      error: { code: 'compensation-not-needed' },
    });
    expect(events.filter(({ type }) => type === 'canceled')).toMatchObject([{ id: undone }]);
    expect(await shop.ledger.verify()).toMatchObject({ ok: true });
  });

  it('is not undone where its work type names nothing that does', async () => {
    const { performer, events } = undoing(undefined);
    const { id } = await shop.accept('/pay', { acknowledged: true });
    performer.start();
    await shop.until(() => events.some(({ type }) => type === 'failed'));
    await performer.close();
    expect(await undoingOf(shop.ledger, id)).toBeUndefined();
  });
});

it('undoes nothing of a request whose caller was told that it was deferred', async () => {
  const { performer, events } = undoing(() => {});
  const { id } = await shop.accept('/pay');
  performer.start();
  await shop.until(() => events.some(({ type }) => type === 'failed'));
  await performer.close();
  expect(await undoingOf(shop.ledger, id)).toBeUndefined();
});
