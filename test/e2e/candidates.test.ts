import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type DecisionEvent,
  modelScorer,
  type SlackwaterOptions,
  sqliteEngine,
} from '@slackwater/middleware';
import { rulesScorer } from '@slackwater/middleware/rules';
import { type PostgresServer, type SlowCommits, startPostgres } from '@slackwater/test-support/postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { slackwaterSays } from '../middleware/cli/command-line.ts';
import {
  eventually,
  type OrdersApp,
  post,
  prepareDatabase,
  showThatItIsSlow,
  startOrders,
} from './orders-app.ts';

const partition = 'orders by candidates';
const asking = { prefer: 'respond-async', 'x-customer': 'ann' };
let directory: string;
let server: PostgresServer;
let slow: SlowCommits;
let orders: OrdersApp;
const decisions: DecisionEvent[] = [];

const rulesFile = (): string => join(directory, 'rules.json');
const modelFile = (): string => join(directory, 'model.json');

function writeRules(version: string, above: number): void {
  const conditions = { all: [{ fact: 'own', path: '$.items', operator: 'greaterThan', value: above }] };
  const rules = [{ name: `more than ${above}`, conditions, event: { type: 'defer' } }];
  writeFileSync(rulesFile(), JSON.stringify({ version, rules }));
}

/** The score is one half where `items` is the mean. */
function writeModel(version: string, mean: number): void {
  const feature = { from: 'own.items', kind: 'number', mean, deviation: 1, weight: 1 };
  writeFileSync(
    modelFile(),
    JSON.stringify({ v: 1, kind: 'logistic-regression', version, intercept: 0, features: [feature] }),
  );
}

const base = { priority: 2, thresholdMs: 250, whenOver: 'defer' } as const;
const free = { requesterClass: ['free'] };
const waiters = { metric: 'poolWaiters', over: 2 };

/** A second for a period: what is recorded in two seconds is enough for a forecast. */
const forecast = { forecast: 'requests', over: 5, withinMs: 200, probability: 0.7 } as const;

function options(): SlackwaterOptions {
  return {
    application: 'candidates',
    workTypes: {
      pay: { priority: 1, exempt: true },
      class: { ...base, candidates: { any: [free] } },
      waiters: { ...base, candidates: { any: [waiters] } },
      forecast: { ...base, candidates: { any: [forecast] } },
      gone: { ...base, candidates: { any: [{ unavailable: true }] }, neverDeferFor: ['gold'] },
      rules: { ...base, candidates: { any: [{ scorer: 'rules' }] } },
      model: { ...base, candidates: { any: [{ scorer: 'model', over: 0.5 }] } },
      all: { ...base, candidates: { all: [free, waiters, { scorer: 'rules' }] } },
      any: {
        ...base,
        candidates: { any: [free, waiters, { metric: 'commitLatencyMs' }, { scorer: 'rules' }] },
      },
      always: { ...base, candidates: 'always' },
    },
    defaultWorkType: 'class',
    classify: (req) => (req.path === '/payments' ? 'pay' : req.get('x-work')),
    partition,
    requester: (req) => req.get('x-customer'),
    requesterClass: (req) => req.get('x-class'),
    forecast: { periodMs: 1_000, bucketMs: 100 },
    scorers: {
      rules: rulesScorer({ file: rulesFile(), reloadEveryMs: 10 }),
      model: modelScorer({ file: modelFile(), reloadEveryMs: 10 }),
    },
    scorerTimeoutMs: 1_000,
    scorerFacts: (req) => ({ items: Number(req.get('x-items') ?? 0) }),
    engine: sqliteEngine({ directory }),
    perform: { lookEveryMs: 50, lookCapMs: 200 },
    latency: { probeEveryMs: 100 },
  };
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slackwater-candidates-'));
  writeRules('1', 10);
  writeModel('1', 10);
  server = await startPostgres();
  slow = await prepareDatabase(server);
  orders = await startOrders(server, { partition, directory, bare: options(), poolSize: 3 });
  orders.gate.on('decision', (decision) => decisions.push(decision));
  await orders.gate.start();
});
afterAll(async () => {
  await orders.close();
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

let sent = 0;

/** Orders something by a work type; `more` are further headers. */
async function order(workType: string, more: Readonly<Record<string, string>> = {}) {
  const reference = `${workType} ${++sent}`;
  const answer = await post(
    `${orders.url}/orders`,
    { reference },
    { ...asking, 'x-work': workType, ...more },
  );
  const { status } = answer;
  const body = (await answer.json().catch(() => ({}))) as { id?: unknown; reasons?: string[] };
  const id = String(body.id);
  const { reasons, because } = decisions.findLast((one) => one.workType === workType) ?? {};
  return { status, id, reference, reasons, because };
}

async function entryOf(id: string): Promise<{ reasons: string[]; because: unknown }> {
  const { entry } = await orders.gate.audit.proof(id);
  return JSON.parse(Buffer.from(entry).toString('utf8'));
}

async function done(...references: readonly string[]): Promise<void> {
  await eventually(async () => {
    const counts = await orders.counts();
    expect(references.map((reference) => counts[reference])).toEqual(references.map(() => 1));
  });
}

/** Holds connections of the pool, so that so many wait for one. */
async function withWaiters<T>(count: number, work: () => Promise<T>): Promise<T> {
  const held = await Promise.all([orders.pool.connect(), orders.pool.connect(), orders.pool.connect()]);
  const waiting = Array.from({ length: count }, () => orders.pool.query('SELECT 1'));
  try {
    return await work();
  } finally {
    for (const client of held) client.release();
    await Promise.all(waiting);
  }
}

describe('on a real database, requests are deferred and done later', () => {
  it('for the class of their requester alone', async () => {
    const deferred = await order('class', { 'x-class': 'free' });
    expect(deferred).toMatchObject({ status: 202, reasons: ['requester-class'] });
    expect(await order('class', { 'x-class': 'paid' })).toMatchObject({ status: 201, reasons: ['clear'] });
    await done(deferred.reference);
  });

  it('for callers that wait for a connection, strictly more than the figure, and not before they are gone', async () => {
    const deferred = await withWaiters(3, () => order('waiters'));
    expect(deferred).toMatchObject({ status: 202, reasons: ['metric-over'] });
    expect(deferred.because).toEqual({ metrics: { poolWaiters: { value: 3, over: 2 } } });
    await done(deferred.reference);
    const [atFigure, others] = await withWaiters(
      2,
      async () => [decisions.length, order('waiters')] as const,
    );
    await others;
    expect(decisions.slice(atFigure).find(({ workType }) => workType === 'waiters')).toMatchObject({
      reasons: ['clear'],
    });
  });

  it('for rules, which are changed without code, and the rule that fired is in the ledger (B-17)', async () => {
    const deferred = await order('rules', { 'x-items': '11' });
    expect(deferred).toMatchObject({ status: 202, reasons: ['scored'] });
    expect(await entryOf(deferred.id)).toMatchObject({
      reasons: ['scored'],
      because: { scores: { rules: { defer: true, ruleId: 'more than 10', version: '1' } } },
    });
    expect(await order('rules', { 'x-items': '10' })).toMatchObject({ status: 201 });
    writeRules('2', 50);
    await eventually(async () =>
      expect(await order('rules', { 'x-items': '11' })).toMatchObject({ status: 201 }),
    );
    const other = await order('rules', { 'x-items': '51' });
    expect(await entryOf(other.id)).toMatchObject({
      because: { scores: { rules: { ruleId: 'more than 50', version: '2' } } },
    });
    await done(deferred.reference, other.reference);
    writeRules('3', 10);
    await eventually(async () => expect((await order('rules', { 'x-items': '11' })).status).toBe(202));
  });

  it('for the score of a model: another model across the cut-off flips the decision (B-16)', async () => {
    const deferred = await order('model', { 'x-items': '11' });
    expect(deferred).toMatchObject({ status: 202, reasons: ['scored'] });
    expect(await entryOf(deferred.id)).toMatchObject({
      because: { scores: { model: { score: expect.closeTo(0.731, 3), version: '1' } } },
    });
    expect(await order('model', { 'x-items': '10' })).toMatchObject({ status: 201 });
    writeModel('2', 12);
    await eventually(async () =>
      expect(await order('model', { 'x-items': '11' })).toMatchObject({ status: 201 }),
    );
    await done(deferred.reference);
  });

  it('for a workload that is predicted, once it was seen for two periods', async () => {
    const rush = setInterval(
      () => void fetch(`${orders.url}/nothing`, { method: 'PUT' }).catch(() => {}),
      10,
    );
    const deferred = await eventually(async () => {
      const one = await order('forecast');
      expect(one.status).toBe(202);
      return one;
    });
    clearInterval(rush);
    expect(deferred.reasons).toEqual(['workload-predicted']);
    expect(deferred.because?.forecasts).toMatchObject([{ forecast: 'requests', over: 5, withinMs: 200 }]);
    expect(deferred.because?.forecasts?.[0]?.probability).toBeGreaterThanOrEqual(0.7);
    await done(deferred.reference);
  });

  it('always', async () => {
    const deferred = await order('always');
    expect(deferred).toMatchObject({ status: 202, reasons: ['always-defer'] });
    await done(deferred.reference);
  });

  it('for all criteria together, and for any of them, with all that fired (B-15)', async () => {
    const headers = { 'x-class': 'free', 'x-items': '11' };
    expect(await order('all', headers)).toMatchObject({ status: 201, reasons: ['clear'] });
    const [all, any] = await withWaiters(
      3,
      async () => [await order('all', headers), await order('any', headers)] as const,
    );
    const reasons = ['requester-class', 'metric-over', 'scored'];
    expect(all).toMatchObject({ status: 202, reasons });
    expect(any).toMatchObject({ status: 202, reasons });
    expect((await entryOf(all.id)).reasons).toEqual(reasons);
    await done(all.reference, any.reference);
  });

  it('for slow commits among others (D-30)', async () => {
    await slow.set(600);
    await showThatItIsSlow(orders);
    const deferred = await eventually(async () => {
      const one = await order('any', { 'x-class': 'free' });
      expect(one.reasons).toEqual(['requester-class', 'over-threshold']);
      return one;
    });
    expect(deferred).toMatchObject({ status: 202 });
    // It is no candidate for that: latency postpones it all the same.
    await eventually(async () =>
      expect(await order('rules')).toMatchObject({ status: 503, reasons: ['over-threshold'] }),
    );
    await slow.set(0);
    await done(deferred.reference);
  });
});

describe('what was deferred', () => {
  it('is a history that a model is trained from, as far as it goes', async () => {
    const said = await slackwaterSays('train', '--ledger', `sqlite:${directory}`, '--out', modelFile());
    const tried = /^slackwater: of (\d+) deferrals that were tried/m.exec(said.err)?.[1];
    expect(said.code).toBe(1);
    expect(Number(tried)).toBeGreaterThan(5);
  });
});

describe('with a database that is gone (B-14)', () => {
  it('the route still answers, and the write is done when the database is back', async () => {
    await eventually(async () => expect((await order('gone')).status).toBe(201));
    await server.kill();
    const deferred = await eventually(async () => {
      const one = await order('gone');
      expect(one.status).toBe(202);
      return one;
    });
    expect(deferred.reasons).toEqual(['database-unreachable']);
    const wave = await Promise.all(Array.from({ length: 20 }, () => order('gone')));
    expect(wave.map(({ status }) => status)).toEqual(wave.map(() => 202));
    expect(await entryOf(deferred.id)).toMatchObject({
      reasons: ['database-unreachable'],
      because: { unreachable: expect.stringMatching(/^(?:refused|lost|timed-out)$/) },
    });
    // Whoever is never deferred gets what the route has to say (B-41).
    expect(await order('gone', { 'x-class': 'gold' })).toMatchObject({ status: 500 });
    await server.restart();
    await done(deferred.reference, ...wave.map(({ reference }) => reference));
    expect((await orders.gate.audit.verify()).ok).toBe(true);
    await eventually(async () =>
      expect(await order('gone')).toMatchObject({ status: 201, reasons: ['clear'] }),
    );
  });
});
