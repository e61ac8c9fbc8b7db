import type { DecisionEvent, SlackwaterOptions } from '@slackwater/middleware';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type GatedApp, options, overload, partition, post, serve } from './gated-app.ts';

/** What the world is like; each test sets what it needs. */
const world = { waiting: 0, failing: false, reads: 0 };
const hanging = new Promise<never>(() => {});

const deferred = { priority: 1, thresholdMs: 30, whenOver: 'defer' } as const;
const more: SlackwaterOptions = {
  workTypes: {
    ...options.workTypes,
    byClass: { ...deferred, candidates: { any: [{ requesterClass: ['free'] }] } },
    byMetric: { ...deferred, candidates: { any: [{ metric: 'jobs', over: 5 }] } },
    byBoth: { ...deferred, candidates: { all: [{ requesterClass: ['free'] }, { metric: 'jobs', over: 5 }] } },
    byScore: { ...deferred, candidates: { any: [{ scorer: 'size', over: 100 }, { scorer: 'shaky' }] } },
    hangs: { ...deferred, candidates: { any: [{ scorer: 'hangs' }] } },
    always: { ...deferred, candidates: 'always' },
    alwaysNotGold: { ...deferred, candidates: 'always', neverDeferFor: ['gold'] },
    notGold: { ...deferred, neverDeferFor: ['gold'] },
    sheds: { priority: 1, thresholdMs: 30, candidates: { any: [{ metric: 'jobs', over: 5 }] } },
    shadowed: { ...deferred, candidates: 'always', neverDeferFor: ['gold'], shadow: true },
    pays: { priority: 1, exempt: true },
  },
  defaultWorkType: 'order',
  classify: (req) => req.path.split('/')[1],
  routes: { 'POST /alwaysNotGold/in-order': { orderKey: () => 'one' } },
  requesterClass: (req) => {
    if (req.get('x-class') === 'broken') throw new Error('no classes today');
    return req.get('x-class') === 'later' ? Promise.resolve('free') : req.get('x-class');
  },
  metrics: {
    jobs: () => {
      world.reads += 1;
      if (world.failing) throw new Error('no jobs today');
      return world.waiting;
    },
  },
  metricEveryMs: 100,
  scorers: {
    size: {
      score: ({ bodyBytes, own }) => ({
        score: bodyBytes + Number(own['more'] ?? 0),
        version: '7',
        ruleId: 'long',
      }),
    },
    shaky: {
      score: () => {
        throw new Error('no scores today');
      },
    },
    hangs: { score: () => hanging },
  },
  scorerTimeoutMs: 20,
  scorerFacts: (req) => ({ more: req.get('x-more') }),
};

let app: GatedApp;
let decisions: DecisionEvent[];
const troubles: string[] = [];
let held = false;

beforeAll(async () => {
  app = await serve((express, gate) => {
    express.use(gate);
    express.use((req, res) => {
      if (held) res.status(503).end();
      else res.status(201).json({ path: req.path });
    });
  }, more);
  app.gate.on('decision', (decision) => decisions.push(decision));
  app.gate.on('trouble', ({ doing }) => troubles.push(doing));
  await app.gate.start();
  expect(await decide('always', asking)).toMatchObject({
    reasons: ['clear', 'always-defer', 'partition-unknown'],
  });
  // From now on somebody measures the partition.
  await app.gate.latency.commit(partition, async () => {});
});
afterEach(() => jobs(0));
afterAll(() => app.close());

const asking = { prefer: 'respond-async', 'x-customer': 'ann' };

async function decide(path: string, headers: Readonly<Record<string, string>> = {}, body: unknown = {}) {
  decisions = [];
  const answer = await post(`${app.url}/${path}`, body, headers);
  const { status } = answer;
  const { id } = (await answer.json()) as { id?: string };
  const [decision] = decisions;
  return { status, id, reasons: decision?.reasons, because: decision?.because };
}

async function entryOf(id: string | undefined): Promise<{ reasons: string[]; because: unknown }> {
  const { entry } = await app.gate.audit.proof(id ?? '');
  return JSON.parse(Buffer.from(entry).toString('utf8'));
}

async function jobs(waiting: number | 'failing'): Promise<void> {
  world.failing = waiting === 'failing';
  world.waiting = waiting === 'failing' ? 0 : waiting;
  const { reads } = world;
  await expect.poll(() => world.reads, { interval: 5, timeout: 30_000 }).toBeGreaterThan(reads);
}

describe('a request is deferred', () => {
  it('because its requester is of a class, and one of another class is performed (B-11)', async () => {
    expect(await decide('byClass', { ...asking, 'x-class': 'free' })).toMatchObject({
      status: 202,
      reasons: ['requester-class'],
      because: { requesterClass: 'free' },
    });
    expect(await decide('byClass', { ...asking, 'x-class': 'paid' })).toMatchObject({
      status: 201,
      reasons: ['clear'],
    });
    expect(await decide('byClass', { ...asking, 'x-class': 'later' })).toMatchObject({ status: 202 });
    expect(await decide('byClass', asking)).toMatchObject({ status: 201 });
  });

  it('because a metric is over, and not where it equals the figure (B-12)', async () => {
    await jobs(5);
    expect(await decide('byMetric', asking)).toMatchObject({ status: 201, reasons: ['clear'] });
    await jobs(6);
    expect(await decide('byMetric', asking)).toMatchObject({ status: 202, reasons: ['metric-over'] });
  });

  it('because all that is asked for holds, and the reasons list it, also in the ledger (B-01, B-15)', async () => {
    await jobs(6);
    expect(await decide('byBoth', { ...asking, 'x-class': 'paid' })).toMatchObject({ status: 201 });
    const { status, id } = await decide('byBoth', { ...asking, 'x-class': 'free' });
    expect(status).toBe(202);
    expect(await entryOf(id)).toMatchObject({
      reasons: ['requester-class', 'metric-over'],
      because: { requesterClass: 'free', metrics: { jobs: { value: 6, over: 5 } } },
    });
  });

  it('because of its score, the more so the more it is told; the version is in the record (B-16, B-18)', async () => {
    const { id, ...long } = await decide('byScore', asking, 'x'.repeat(200));
    expect(long).toMatchObject({ status: 202, reasons: ['scored', 'scorer-unavailable'] });
    expect(await entryOf(id)).toMatchObject({
      because: { scores: { size: { score: 202, version: '7', ruleId: 'long' } } },
    });
    expect(await decide('byScore', { ...asking, 'x-more': '300' })).toMatchObject({ status: 202 });
  });

  it('always, where its work type says so (B-44), and performed at once with its own answer', async () => {
    const { status, id, reasons } = await decide('always', asking);
    expect({ status, reasons }).toEqual({ status: 202, reasons: ['always-defer'] });
    await expect.poll(async () => (await app.gate.deferrals.find(id ?? ''))?.status).toBe('Succeeded');
  });
});

describe('a candidate that can not be deferred', () => {
  it('is performed where nothing that speaks for deferring it will pass', async () => {
    expect(await decide('always')).toMatchObject({
      status: 201,
      reasons: ['clear', 'always-defer', 'not-asked'],
    });
    expect(await decide('byClass', { prefer: 'respond-async', 'x-class': 'free' })).toMatchObject({
      status: 201,
      reasons: ['clear', 'requester-class', 'requester-unknown'],
    });
  });

  it('gets retry later where something will, and so does one whose work type says so', async () => {
    await jobs(6);
    expect(await decide('byMetric')).toMatchObject({ status: 503, reasons: ['metric-over', 'not-asked'] });
    expect(await decide('sheds', asking)).toMatchObject({ status: 503, reasons: ['metric-over'] });
  });
});

describe('what can not be asked is left out with a reason, and no request fails (B-19)', () => {
  it('a scorer that throws', async () => {
    expect(await decide('byScore', asking)).toMatchObject({
      status: 201,
      reasons: ['clear', 'scorer-unavailable'],
    });
  });

  it('a scorer that hangs, which costs its time limit once and not each request', async () => {
    for (let n = 0; n < 20; n++) {
      expect(await decide('hangs', asking)).toMatchObject({
        status: 201,
        reasons: ['clear', 'scorer-unavailable'],
      });
    }
    expect(troubles.filter((doing) => doing === 'asking the scorer hangs')).toHaveLength(1);
  });

  it('a metric that throws, and a class that does', async () => {
    await jobs('failing');
    expect(await decide('byMetric', asking)).toMatchObject({
      status: 201,
      reasons: ['clear', 'metric-unavailable'],
    });
    expect(troubles).toContain('measuring jobs');
    const broken = { ...asking, 'x-class': 'broken' };
    expect(await decide('byClass', broken)).toMatchObject({
      status: 201,
      reasons: ['clear', 'requester-class-unknown'],
    });
    expect(await decide('alwaysNotGold', broken)).toMatchObject({
      status: 201,
      reasons: ['clear', 'requester-class-unknown'],
    });
  });
});

describe('requests of a class that is never deferred (B-40, B-41)', () => {
  it('are performed, whatever speaks for deferring them', async () => {
    expect(await decide('alwaysNotGold', { ...asking, 'x-class': 'gold' })).toMatchObject({
      status: 201,
      reasons: ['clear', 'never-defer-class'],
    });
    expect(await decide('alwaysNotGold', { ...asking, 'x-class': 'free' })).toMatchObject({ status: 202 });
  });

  it('get retry later where they must wait for an earlier one of their order key', async () => {
    held = true;
    const first = await decide('alwaysNotGold/in-order', { ...asking, 'x-class': 'free' });
    expect(first.status).toBe(202);
    expect(await decide('alwaysNotGold/in-order', { ...asking, 'x-class': 'gold' })).toMatchObject({
      status: 503,
      reasons: ['order-key-waiting', 'never-defer-class'],
    });
    held = false;
  });
});

describe('in shadow mode', () => {
  it('candidates are performed, and told to be candidates', async () => {
    expect(await decide('shadowed', asking)).toMatchObject({ status: 201, reasons: ['always-defer'] });
    expect(decisions).toMatchObject([{ decision: 'perform', wouldBe: 'defer' }]);
    expect(await decide('shadowed')).toMatchObject({
      status: 201,
      reasons: ['clear', 'always-defer', 'not-asked'],
    });
    expect(decisions[0]?.wouldBe).toBeUndefined();
    expect(await decide('shadowed', { ...asking, 'x-class': 'gold' })).toMatchObject({
      reasons: ['clear', 'never-defer-class'],
    });
  });
});

describe('with slow commits', () => {
  it('who is no candidate gets retry later, who is one is deferred, exempt work is performed', async () => {
    await overload(app);
    const gold = { ...asking, 'x-class': 'gold' };
    const over = ['over-threshold'];
    expect(await decide('order', asking)).toMatchObject({ status: 202, reasons: over });
    expect(await decide('notGold', { ...asking, 'x-class': 'free' })).toMatchObject({
      status: 202,
      reasons: over,
    });
    expect(await decide('notGold', gold)).toMatchObject({
      status: 503,
      reasons: [...over, 'never-defer-class'],
    });
    expect(await decide('byClass', gold)).toMatchObject({ status: 503, reasons: over });
    expect(await decide('byClass', { ...asking, 'x-class': 'free' })).toMatchObject({
      status: 202,
      reasons: ['requester-class'],
    });
    expect(await decide('always')).toMatchObject({ status: 503 });
    expect(await decide('pays', gold)).toMatchObject({ status: 201, reasons: ['exempt'] });
  });

  it('the entry tells the latency that decided, and what it was compared with (B-01)', async () => {
    const { id, because } = await decide('order', asking);
    expect(because?.metrics?.['commitLatencyMs']?.over).toBe(30);
    expect(because?.metrics?.['commitLatencyMs']?.value).toBeGreaterThan(30);
    expect(await entryOf(id)).toMatchObject({ reasons: ['over-threshold'], because });
    expect(app.gate.latency.read(partition).valueMs).toBe(because?.metrics?.['commitLatencyMs']?.value);
  });
});
