import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PerformerEvent } from '../../../packages/middleware/src/perform/performer-events.ts';
import { admitted, type Place, place, turnedAway } from './workshop.ts';

let here: Place;
beforeEach(() => {
  here = place();
});
afterEach(() => here.remove());

const ofType = <T extends PerformerEvent['type']>(events: readonly PerformerEvent[], type: T) =>
  events.filter((event): event is Extract<PerformerEvent, { type: T }> => event.type === type);

describe('a parked deferral', () => {
  it('is redriven once what it was parked for is mended, with attempts of its own, and its order key waits for it', async () => {
    const shop = await here.open({ options: { routeMissingForMs: 0, maxAttempts: 1 } });
    const orderKey = 'shelf 7';
    const { id } = await shop.accept('/moved', { orderKey });
    shop.performer.start();
    await shop.ended(id);
    expect(await shop.performer.redrive(id, { by: 'code:test' })).toBe('redriven');
    expect(await shop.ended(id)).toMatchObject({ phase: 'parked', attempts: 2 });
    const seen: string[] = [];
    shop.admission.answer = () => turnedAway();
    shop.app.use((req, res) => {
      seen.push(req.url);
      res.status(201).end();
    });
    const later = await shop.accept('/later', { orderKey });
    expect(await shop.performer.redrive(id, { by: 'code:test' })).toBe('redriven');
    shop.admission.answer = admitted;
    shop.performer.wake();
    expect(await shop.ended(id)).toMatchObject({ status: 'Succeeded', attempts: 3 });
    await shop.ended(later.id);
    expect(seen).toEqual(['/moved', '/later']);
    expect(ofType(shop.events, 'redriven')).toHaveLength(2);
    for (const settled of [id, later.id, 'nowhere']) {
      expect(await shop.performer.redrive(settled, { by: 'code:test' })).toBe('not-redrivable');
    }
    expect(await shop.ledger.verify()).toMatchObject({ ok: true });
  });

  it('is parked with what the route answered last, where that is to become of the last attempt', async () => {
    const shop = await here.open({ options: { whenExhausted: 'park', maxAttempts: 2, retryBaseMs: 1 } });
    let status = 503;
    shop.app.use((_req, res) => void res.status(status).end(`answer ${status}`));
    const { id } = await shop.accept('/pay');
    shop.performer.start();
    expect(await shop.ended(id)).toMatchObject({
      phase: 'parked',
      attempts: 2,
      error: { code: 'attempts-exhausted', message: expect.stringContaining('The route answered 503') },
    });
    const bodyOf = async (ledger: typeof shop.ledger): Promise<string> =>
      Buffer.from((await ledger.outcome(id))?.body ?? '').toString();
    expect(await bodyOf(shop.ledger)).toBe('answer 503');
    // Whatever is recorded of it meanwhile, and whoever asks.
    await shop.ledger.revealOutcome(id, { by: 'code:test', purpose: 'to mend it' });
    expect(await bodyOf((await here.open()).ledger)).toBe('answer 503');
    status = 200;
    await shop.performer.redrive(id, { by: 'code:test' });
    expect(await shop.ended(id)).toMatchObject({ status: 'Succeeded', attempts: 3 });
    expect(await bodyOf(shop.ledger)).toBe('answer 200');
    expect(await shop.ledger.verify()).toMatchObject({ ok: true });
  });

  it('is begun anew where its transactions are done in part, if whoever redrives it says so', async () => {
    const rows = [{ ordinal: 0, tombstone: false }];
    const shop = await here.open({
      completionsOf: () => ({
        ready: async () => {},
        find: async () => rows,
        shutOut: async () => 'shut-out',
      }),
      knownTransactions: () => 2,
    });
    let performed = 0;
    shop.app.use((_req, res) => {
      performed += 1;
      res.end();
    });
    const { id } = await shop.accept('/pay');
    shop.performer.start();
    expect(await shop.ended(id)).toMatchObject({ error: { code: 'interrupted-between-transactions' } });
    await shop.performer.redrive(id, { by: 'code:test' });
    expect(await shop.ended(id)).toMatchObject({ phase: 'parked' });
    expect(performed).toBe(0);
    await shop.performer.redrive(id, { by: 'code:test', repeat: true });
    expect(await shop.ended(id)).toMatchObject({ status: 'Succeeded' });
    expect(performed).toBe(1);
  });

  it('is put back by whoever recovers the ledger, where the process that redrove it ended after the entry', async () => {
    const shop = await here.open({ options: { routeMissingForMs: 0 } });
    const { id } = await shop.accept('/moved');
    shop.performer.start();
    await shop.ended(id);
    const { queue } = shop.engine;
    await shop.until(async () => (await queue.backlog()).length === 0);
    const crashing = await here.open({});
    Object.defineProperty(crashing.engine.queue, 'revive', {
      value: () => Promise.reject(new Error('the process has ended')),
    });
    await expect(crashing.performer.redrive(id, { by: 'code:test' })).rejects.toThrow();
    expect(await queue.backlog()).toEqual([]);
    await shop.close();
    const next = await here.open({});
    expect(await next.engine.queue.backlog()).toMatchObject([{ items: 1 }]);
    next.app.use((_req, res) => void res.end());
    next.performer.start();
    expect(await next.ended(id)).toMatchObject({ status: 'Succeeded', attempts: 2 });
  });

  it('is not given back to the attempt that parked it, where that has not left the queue yet', async () => {
    const shop = await here.open();
    const { id } = await shop.accept('/pay');
    const [claim] = await shop.engine.queue.claim({
      partition: 'orders',
      limit: 1,
      leaseMs: 600_000,
      holder: 'slow',
    });
    const token = claim?.token ?? 0;
    const error = { code: 'route-missing', message: 'none' } as const;
    await shop.ledger.step(id, { type: 'parked', token, error });
    expect(await shop.performer.redrive(id, { by: 'code:test' })).toBe('redriven');
    expect(await shop.engine.queue.deadLetter(id, token)).toBe(false);
    shop.app.use((_req, res) => void res.end());
    shop.performer.start();
    expect(await shop.ended(id)).toMatchObject({ status: 'Succeeded', attempts: 1 });
  });

  it('is canceled or redriven, whichever comes first', async () => {
    const shop = await here.open({ options: { routeMissingForMs: 0 } });
    const { id } = await shop.accept('/moved');
    shop.performer.start();
    await shop.ended(id);
    const [canceled, redriven] = await Promise.all([
      shop.performer.cancel(id),
      shop.performer.redrive(id, { by: 'code:test' }),
    ]);
    const { status } = await shop.ended(id);
    if (canceled === 'canceled') expect(['Canceled', 'Failed']).toContain(status);
    else expect(redriven).toBe('redriven');
    expect(await shop.ledger.verify()).toMatchObject({ ok: true });
  });
});
