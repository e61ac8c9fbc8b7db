import type { DecisionEvent } from '@slackwater/middleware';
import express from 'express';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type GatedApp, overload, partition, pause, patiently as post, serve } from './gated-app.ts';

/** Name and value of each header, but for those that differ from one moment to the next. */
function headersOf({ headers }: Response): readonly (readonly [string, string])[] {
  return [...headers].filter(([name]) => name !== 'date');
}

describe('shadow mode', () => {
  let served: GatedApp;
  let runs = 0;
  const decisions: DecisionEvent[] = [];

  beforeAll(async () => {
    served = await serve(
      (app, gate) => {
        gate.on('decision', (decision) => decisions.push(decision));
        app.post('/bare', (_req, res) => void res.status(201).json({ done: true }));
        app.use(gate);
        app.use(express.json());
        app.post('/work', async (_req, res) => {
          runs += 1;
          await gate.latency.commit(partition, () => pause(40));
          res.status(201).json({ done: true });
        });
      },
      { shadow: true, ledger: { engineTimeoutMs: 30_000 } },
    );
    await served.gate.start();
    await overload(served);
    decisions.splice(0);
  });
  afterAll(() => served.close());
  afterEach(() => decisions.splice(0));

  it('decides, counts and tells, and lets everything through as if there were no gate', async () => {
    const before = runs;
    const through = await post(`${served.url}/work`, {});
    const bare = await post(`${served.url}/bare`, {});
    expect([through.status, runs - before]).toEqual([201, 1]);
    expect(headersOf(through)).toEqual(headersOf(bare));
    await post(`${served.url}/work`, {}, { prefer: 'respond-async' });
    expect(decisions).toMatchObject([
      { decision: 'perform', wouldBe: 'retry-later', reasons: ['over-threshold'], partition },
      { decision: 'perform', wouldBe: 'defer', reasons: ['over-threshold'] },
    ]);
    expect(served.gate.shadow()).toEqual({
      order: {
        performed: 1,
        retryLater: 1,
        deferred: 1,
        reasons: { 'over-threshold': 2 },
        commits: 2,
        commitMs: expect.any(Number),
      },
    });
  });

  it('leaves keys to the route', async () => {
    const before = runs;
    const keyed = { 'idempotency-key': '"twice"', 'x-customer': 'ann' };
    for (let i = 0; i < 2; i++) expect((await post(`${served.url}/work`, {}, keyed)).status).toBe(201);
    expect((await post(`${served.url}/work`, {}, { 'idempotency-key': '"', 'x-customer': 'a' })).status).toBe(
      201,
    );
    expect(runs - before).toBe(3);
  });

  it('can be left and entered again while running, and keeps what was promised in between', async () => {
    const { gate, url } = served;
    await gate.workTypes.change('order', { shadow: false });
    expect((await post(`${url}/work`, {})).status).toBe(503);
    const keyed = { 'idempotency-key': '"once"', 'x-customer': 'ann', prefer: 'respond-async' };
    const deferred = await post(`${url}/work`, {}, keyed);
    expect(deferred.status).toBe(202);
    const { id } = (await deferred.json()) as { id: string };
    await gate.workTypes.change('order', { shadow: true });
    expect((await post(`${url}/work`, {})).status).toBe(201);
    const again = await post(`${url}/work`, {}, keyed);
    expect(again.status).toBe(202);
    expect(await again.json()).toMatchObject({ id });
  });
});
