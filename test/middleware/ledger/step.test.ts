import { parseEntry } from '@slackwater/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EngineError } from '../../../packages/middleware/src/engines/engine-error.ts';
import type { Outcome, Step } from '../../../packages/middleware/src/ledger/deferral.ts';
import { accepted, type Bench, ledgerBench, type OpenedLedger } from './ledgers.ts';

const outcome: Outcome = {
  status: 201,
  headers: [['content-type', 'text/plain']],
  body: Buffer.from('settled'),
};
const refusal: Outcome = { status: 409, headers: [], body: Buffer.from('no') };
const performed = (token: number): Step => ({ type: 'performed', token, outcome });
const failed = (token: number, retryAt?: number): Step => ({
  type: 'failed',
  token,
  outcome: refusal,
  error: { code: 'route-refused', message: 'The route answered 409 to /payments/4711.' },
  ...(retryAt !== undefined && { retryAt }),
});
const canceled = { type: 'canceled', error: { code: 'canceled-by-requester', message: 'canceled' } } as const;

let bench: Bench;
let opened: OpenedLedger;
beforeEach(async () => {
  bench = await ledgerBench();
  opened = await bench.open();
});
afterEach(() => bench.end());

async function types(id: string): Promise<string[]> {
  const entries = (await opened.engine.log.read(0, 1_000)).map(parseEntry);
  return entries.filter((entry) => entry.id === id).map(({ type }) => type);
}

describe('a step', () => {
  it('becomes an entry, and the ledger verifies after each', async () => {
    const { ledger } = opened;
    const { id } = await accepted(ledger);
    const steps: Step[] = [
      { type: 'postponed', token: 1, reasons: ['over-threshold'] },
      { type: 'performing', token: 2 },
      failed(2, Date.now() + 1_000),
      { type: 'performing', token: 3 },
      performed(3),
    ];
    const seen: unknown[] = [];
    for (const step of steps) {
      const deferral = await ledger.step(id, step);
      seen.push([deferral?.status, deferral?.phase, deferral?.attempts, deferral?.postponements]);
      expect(bench.verifyBytes(ledger.verifierKey, await ledger.checkpoint())).toMatchObject({ ok: true });
      expect(await ledger.find(id)).toEqual(deferral);
    }
    expect(seen).toEqual([
      ['NotStarted', 'postponed', 0, 1],
      ['Running', 'performing', 1, 1],
      ['Running', 'retrying', 1, 1],
      ['Running', 'performing', 2, 1],
      ['Succeeded', 'settled', 2, 1],
    ]);
    expect(await types(id)).toEqual([
      'accepted',
      'postponed',
      'performing',
      'failed',
      'performing',
      'performed',
    ]);
  });

  it('keeps the outcome as it was, and none before there is one', async () => {
    const { ledger } = opened;
    const { id } = await accepted(ledger);
    expect(await ledger.outcome(id)).toBeUndefined();
    await ledger.step(id, { type: 'performing', token: 1 });
    await ledger.step(id, performed(1));
    const kept = await ledger.outcome(id);
    expect({ ...kept, body: Buffer.from(kept?.body ?? []).toString() }).toEqual({
      ...outcome,
      body: 'settled',
    });
    expect((await ledger.find(id))?.outcomeKnown).toBe(true);
  });

  it('says so where the work is done and the answer is lost', async () => {
    const { ledger } = opened;
    const { id } = await accepted(ledger);
    const deferral = await ledger.step(id, { type: 'performed', token: 4, outcome: undefined });
    expect(deferral).toMatchObject({ status: 'Succeeded', outcomeKnown: false, attempts: 0 });
    expect(await ledger.outcome(id)).toBeUndefined();
  });

  it('by an older token changes nothing', async () => {
    const { ledger, engine } = opened;
    const { id } = await accepted(ledger);
    await ledger.step(id, { type: 'performing', token: 7 });
    const size = await engine.log.size();
    for (const step of [performed(6), failed(6), { type: 'performing', token: 6 } as const]) {
      expect(await ledger.step(id, step)).toBeUndefined();
    }
    expect(await engine.log.size()).toBe(size);
    expect(await ledger.find(id)).toMatchObject({ phase: 'performing', token: 7, attempts: 1 });
  });

  it('changes nothing where the log knows that an earlier holder performed it, though the state does not', async () => {
    let cut = false;
    const cutOff = await bench.open({
      between: (engine) => ({
        ...engine,
        store: {
          ...engine.store,
          update: (...write) =>
            cut
              ? Promise.reject(new EngineError('engine-unavailable', 'none', 'cut off'))
              : engine.store.update(...write),
        },
      }),
    });
    const { id } = await accepted(cutOff.ledger);
    await cutOff.ledger.step(id, { type: 'performing', token: 1 });
    cut = true;
    await expect(cutOff.ledger.step(id, performed(1))).rejects.toThrow('cut off');
    const { ledger } = opened;
    expect(await ledger.step(id, { type: 'performed', token: 2, outcome: undefined })).toBeUndefined();
    expect(await ledger.find(id)).toMatchObject({ status: 'Succeeded', outcomeKnown: true });
    expect((await ledger.outcome(id))?.status).toBe(201);
  });

  it('changes nothing once the deferral is settled', async () => {
    const { ledger, engine } = opened;
    const { id } = await accepted(ledger);
    await ledger.step(id, { type: 'performing', token: 1 });
    await ledger.step(id, failed(1));
    const size = await engine.log.size();
    for (const step of [performed(9), canceled, { type: 'performing', token: 9 } as const]) {
      expect(await ledger.step(id, step)).toBeUndefined();
    }
    expect(await engine.log.size()).toBe(size);
    expect(await ledger.find(id)).toMatchObject({ status: 'Failed', error: { code: 'route-refused' } });
    expect((await ledger.outcome(id))?.status).toBe(409);
  });

  it('by the same performer again, whose answer was lost, is the same attempt', async () => {
    const { ledger } = opened;
    const { id } = await accepted(ledger);
    await ledger.step(id, { type: 'performing', token: 1 });
    expect(await ledger.step(id, { type: 'performing', token: 1 })).toMatchObject({ attempts: 1 });
  });

  it('of several performers at once is taken by the newest token, and one settles', async () => {
    const other = await bench.open();
    const { id } = await accepted(opened.ledger);
    const ledgers = [opened.ledger, other.ledger];
    await Promise.all(
      [1, 2, 3, 4].map((token) => ledgers[token % 2]?.step(id, { type: 'performing', token })),
    );
    expect(await opened.ledger.find(id)).toMatchObject({ token: 4, phase: 'performing' });
    await Promise.all([1, 2, 3, 4].map((token) => ledgers[token % 2]?.step(id, performed(token))));
    expect(await opened.ledger.find(id)).toMatchObject({ status: 'Succeeded', token: 4 });
    expect((await types(id)).filter((type) => type === 'performed')).toHaveLength(1);
    expect(bench.verifyBytes(opened.ledger.verifierKey)).toMatchObject({ ok: true });
  });

  it('for a deferral that does not exist is refused', async () => {
    const step = opened.ledger.step('01ARZ3NDEKTSV4RRFFQ69G5FAV', performed(1));
    await expect(step).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('canceling', () => {
  it('ends a deferral that nobody has begun, and takes it off the queue', async () => {
    const { ledger, engine } = opened;
    const { id } = await accepted(ledger);
    expect(await ledger.step(id, canceled)).toMatchObject({ status: 'Canceled', phase: 'settled' });
    expect(await ledger.step(id, { type: 'performing', token: 1 })).toBeUndefined();
    expect(await engine.queue.backlog()).toEqual([]);
    await ledger.recover();
    expect(await engine.queue.backlog()).toEqual([]);
  });

  it('is refused while it is performed, whatever its caller knows of attempts', async () => {
    const { ledger } = opened;
    const { id } = await accepted(ledger);
    await ledger.step(id, { type: 'performing', token: 1 });
    expect(await ledger.step(id, canceled)).toBeUndefined();
    expect(await ledger.step(id, { ...canceled, attempts: 1 })).toBeUndefined();
  });

  it('between attempts is for who has shut out all of them', async () => {
    const { ledger, engine } = opened;
    const { id } = await accepted(ledger);
    await ledger.step(id, { type: 'performing', token: 1 });
    await ledger.step(id, failed(1, Date.now()));
    await ledger.step(id, { type: 'performing', token: 2 });
    await ledger.step(id, failed(2, Date.now()));
    for (const attempts of [0, 1, 3]) {
      expect(await ledger.step(id, { ...canceled, attempts })).toBeUndefined();
    }
    expect(await ledger.step(id, { ...canceled, attempts: 2 })).toMatchObject({
      status: 'Canceled',
      phase: 'settled',
      attempts: 2,
    });
    expect(await ledger.step(id, { type: 'performing', token: 3 })).toBeUndefined();
    expect(await engine.queue.backlog()).toEqual([]);
    expect(bench.verifyBytes(ledger.verifierKey, await ledger.checkpoint())).toMatchObject({ ok: true });
  });

  it('ends also what is parked', async () => {
    const { ledger } = opened;
    const { id } = await accepted(ledger);
    const error = { code: 'route-missing', message: 'No route matches.' } as const;
    await ledger.step(id, { type: 'parked', token: 1, error });
    expect(await ledger.step(id, canceled)).toMatchObject({ status: 'Canceled' });
  });

  it('and performing at once: one of them wins', async () => {
    const { ledger } = opened;
    for (let i = 0; i < 20; i++) {
      const { id } = await accepted(ledger);
      const [began, ended] = await Promise.all([
        ledger.step(id, { type: 'performing', token: 1 }),
        ledger.step(id, canceled),
      ]);
      expect([began, ended].filter((deferral) => deferral !== undefined)).toHaveLength(1);
      const happened = await types(id);
      expect(happened).toEqual(['accepted', began === undefined ? 'canceled' : 'performing']);
    }
  });
});

describe('a list', () => {
  it('is newest first, in pages, by filters', async () => {
    const { ledger } = opened;
    const ids: string[] = [];
    for (let i = 0; i < 7; i++) {
      const requester = i % 2 === 0 ? 'even' : 'odd';
      ids.unshift((await accepted(ledger, { requester, workType: i < 3 ? 'settle' : 'report' })).id);
    }
    const first = await ledger.list({ limit: 3 });
    expect(first.deferrals.map(({ id }) => id)).toEqual(ids.slice(0, 3));
    const rest = await ledger.list({ limit: 10, ...(first.next !== undefined && { cursor: first.next }) });
    expect(rest.deferrals.map(({ id }) => id)).toEqual(ids.slice(3));
    expect(rest.next).toBeUndefined();
    expect((await ledger.list({ limit: 10, requester: 'odd' })).deferrals).toHaveLength(3);
    expect((await ledger.list({ limit: 10, workType: 'settle', requester: 'even' })).deferrals).toHaveLength(
      2,
    );
    expect((await ledger.list({ limit: 10, requester: 'nobody' })).deferrals).toHaveLength(0);
    expect((await ledger.list({ limit: 10, status: 'Succeeded' })).deferrals).toHaveLength(0);
  });

  it.each([{ limit: 0 }, { limit: 1_001 }, { limit: 1.5 }, { limit: 1, cursor: '../x' }])(
    'refuses %o',
    async (query) => {
      await expect(opened.ledger.list(query)).rejects.toMatchObject({ code: 'parameter-invalid' });
    },
  );
});
