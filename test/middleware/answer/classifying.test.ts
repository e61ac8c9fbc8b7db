import { setTimeout as sleep } from 'node:timers/promises';
import type { DecisionEvent, GateWarning } from '@slackwater/middleware';
import { manualClock } from '@slackwater/test-support/manual-clock';
import type { Request } from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { factFinder } from '../../../packages/middleware/src/answer/find-facts.ts';
import { LearnedRoutes } from '../../../packages/middleware/src/decide/learned-routes.ts';
import { resolveOptions } from '../../../packages/middleware/src/options/resolve-options.ts';
import { type GatedApp, overload, partition, post, serve } from './gated-app.ts';

let app: GatedApp;
const decisions: DecisionEvent[] = [];
const warnings: GateWarning[] = [];
const asking = { prefer: 'respond-async', 'x-customer': 'ann' };

beforeAll(async () => {
  app = await serve(
    (express, gate) => {
      express.use(gate);
      express.use((_req, res) => {
        res.status(201).json({});
      });
    },
    {
      workTypes: {
        order: { priority: 1, thresholdMs: 30 },
        rest: { priority: 2, thresholdMs: 30, whenOver: 'defer' },
      },
      defaultWorkType: 'rest',
      classify(req) {
        if (req.path === '/throws') throw new Error('no classes today');
        if (req.path === '/rejects') return Promise.reject(new Error('no classes today'));
        if (req.path === '/symbol') return Symbol('order') as never;
        return req.path.slice(1) === 'silent' ? undefined : req.path.slice(1);
      },
      routes: { 'POST /rules/:kind': { workType: ({ params }) => params['kind'] } },
    },
  );
  app.gate.on('decision', (decision) => decisions.push(decision));
  app.gate.on('warning', (warning) => warnings.push(warning));
});
afterAll(() => app.close());

describe('a classifier that fails', () => {
  it.each(['throws', 'rejects', 'unheard-of', 'symbol', '__proto__', 'rules/unheard-of'])(
    'leaves the request the default work type, and a reason: %s',
    async (path) => {
      decisions.length = 0;
      expect((await post(`${app.url}/${path}`, {})).status).toBe(201);
      expect(decisions).toMatchObject([{ workType: 'rest', reasons: ['clear', 'work-type-unknown'] }]);
    },
  );

  it('is warned of once', () => {
    expect(warnings.map(({ code }) => code)).toEqual(['work-type-unknown']);
  });

  it('is no trouble where it says nothing, or what exists', async () => {
    decisions.length = 0;
    for (const path of ['silent', 'order', 'rules/order']) await post(`${app.url}/${path}`, {});
    expect(decisions.map(({ workType, reasons }) => [workType, reasons])).toEqual([
      ['rest', ['clear']],
      ['order', ['clear']],
      ['order', ['clear']],
    ]);
  });

  it('is told of in the answer and in the ledger, too', async () => {
    await overload(app);
    const later = await post(`${app.url}/throws`, {});
    expect(await later.json()).toMatchObject({
      reasons: ['over-threshold', 'not-asked', 'work-type-unknown'],
    });
    const deferred = (await (await post(`${app.url}/throws`, {}, asking)).json()) as { id: string };
    const { entry } = await app.gate.audit.proof(deferred.id);
    expect(JSON.parse(Buffer.from(entry).toString('utf8'))).toMatchObject({
      partition,
      workType: 'rest',
      reasons: ['over-threshold', 'work-type-unknown'],
    });
  });
});

describe('a classifier that hangs', () => {
  it('is waited for no longer than 5 s, and then it counts as one that failed', async () => {
    const clock = manualClock();
    const failed: string[] = [];
    const factsOf = factFinder({
      options: resolveOptions({ classify: () => new Promise(() => {}) }),
      clock,
      findRoute: () => undefined,
      learned: new LearnedRoutes({ clock, maxRoutes: 10, maxAgeMs: 60_000 }),
      wouldPerform: () => true,
      failed: (option) => failed.push(option),
    });
    const facts = factsOf({ method: 'POST', originalUrl: '/' } as Request);
    clock.advance(4_999);
    await sleep(1);
    expect(failed).toEqual([]);
    clock.advance(1);
    expect(await facts).toMatchObject({ workType: { name: 'default' }, workTypeUnknown: true });
    expect(failed).toEqual(['classify']);
  });
});
