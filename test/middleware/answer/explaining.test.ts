import { slackwater } from '@slackwater/middleware';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auth, claims, signed } from '../audit/issuer.ts';
import { type GatedApp, overload, partition, patiently as post, serve } from './gated-app.ts';

const bearer = (scope: string): { authorization: string } => ({
  authorization: `Bearer ${signed(claims(Date.now(), scope))}`,
});
const header = 'slackwater-decision';

describe('decisions can be explained', () => {
  let served: GatedApp;
  const get = (path: string, scope = 'audit:read'): Promise<Response> =>
    fetch(`${served.url}/slackwater/decisions${path}`, { headers: bearer(scope) });
  const rows = async (path: string): Promise<readonly Record<string, unknown>[]> =>
    ((await (await get(path)).json()) as { decisions: readonly Record<string, unknown>[] }).decisions;

  beforeAll(async () => {
    served = await serve(
      (app, gate) => {
        app.use(gate);
        app.use((_req, res) => void res.status(201).end());
      },
      {
        auth,
        explain: 'scope',
        ledger: { engineTimeoutMs: 30_000 },
        workTypes: {
          pay: { priority: 1, thresholdMs: 35 },
          order: { priority: 2, thresholdMs: 30, whenOver: 'defer' },
          free: { priority: 1, exempt: true },
        },
        routes: {
          'POST /pay': { workType: 'pay' },
          'POST /secrets/:token': {},
          'POST /free': { workType: 'free' },
        },
      },
    );
    await served.gate.start();
    await post(`${served.url}/calm`, {});
    await overload(served);
    await post(`${served.url}/pay`, {});
    await post(`${served.url}/pay`, {});
  });
  afterAll(() => served.close());

  it('afterwards, with all that they rest on', async () => {
    const { status } = await post(
      `${served.url}/secrets/hunter2?key=hunter3`,
      {},
      { 'x-customer': 'ann@example.com' },
    );
    expect(status).toBe(503);
    const [newest, ...older] = await rows('?partition=answering&limit=5');
    expect(newest).toEqual({
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      decision: 'retry-later',
      method: 'POST',
      route: '/secrets/:token',
      workType: 'order',
      partition,
      reasons: ['over-threshold', 'not-asked'],
      valueMs: expect.any(Number),
      thresholdMs: 30,
      state: 'over',
      ahead: ['pay'],
      because: { metrics: { commitLatencyMs: { over: 30, value: expect.any(Number) } } },
      retryAfterMs: expect.any(Number),
    });
    expect(older.length).toBeGreaterThan(2);
    expect(JSON.stringify([newest, older])).not.toMatch(/hunter|ann/);
  });

  it('by decision, work type and partition, also those that were performed', async () => {
    expect((await rows('?decision=perform')).map(({ reasons }) => reasons)).toContainEqual(['clear']);
    expect(new Set((await rows('?workType=pay')).map(({ workType }) => workType))).toEqual(new Set(['pay']));
    expect(await rows('?partition=none')).toEqual([]);
    await post(`${served.url}/free`, {});
    const [free] = await rows('?workType=free');
    expect(free).toMatchObject({ decision: 'perform', reasons: ['exempt'] });
    expect(free).not.toHaveProperty('thresholdMs');
    const { id } = (await (
      await post(`${served.url}/order`, {}, { prefer: 'respond-async', 'x-customer': 'ann' })
    ).json()) as { id: string };
    expect((await rows('?decision=defer'))[0]).toMatchObject({
      id,
      reasons: ['over-threshold'],
      state: 'over',
    });
  });

  it.each([
    '?limit=0',
    '?limit=-1',
    '?limit=x',
    '?decision=refuse',
    '?requester=ann',
    '?limit=1&limit=2',
    '?partition=',
  ])('and %s is refused', async (query) => {
    const answer = await get(query);
    expect([answer.status, await answer.json()]).toMatchObject([400, { code: 'parameter-invalid' }]);
  });

  it('to auditors and administrators alone', async () => {
    expect((await get('', 'admin')).status).toBe(200);
    expect((await get('', 'audit:reveal')).status).toBe(404);
    expect((await fetch(`${served.url}/slackwater/decisions`)).status).toBe(404);
  });

  it('at once, in a header, to holders of a scope where it is for them', async () => {
    const asked = (headers: Record<string, string>): Promise<Response> =>
      post(`${served.url}/pay`, {}, headers);
    const said = (await asked(bearer('audit:read'))).headers.get(header);
    expect(said).toMatch(
      /^decision=retry-later, reasons=\(over-threshold\), work-type="pay", partition="[\w-]{12}", state=over, value=[\d.]+, threshold=35$/,
    );
    expect((await asked(bearer('audit:reveal'))).headers.has(header)).toBe(false);
    expect((await asked({ authorization: 'Bearer x' })).headers.has(header)).toBe(false);
    expect((await asked({})).headers.has(header)).toBe(false);
    const free = await post(`${served.url}/free`, {}, bearer('admin'));
    expect([free.status, free.headers.get(header)]).toEqual([
      201,
      'decision=perform, reasons=(exempt), work-type="free"',
    ]);
  });

  it('to nobody by scope where there are no tokens', () => {
    expect(() => slackwater({ explain: 'scope' })).toThrow(/^auth: missing; explain is "scope"/);
  });
});

describe('the header Slackwater-Decision', () => {
  it('is on every answer where it is on, and nothing breaks where it can not say what a statistic gave', async () => {
    const served = await serve(
      (app, gate) => {
        app.use(gate);
        app.use((_req, res) => void res.status(201).end());
      },
      { explain: 'on', latency: { statistic: () => 1e300, probeEveryMs: 60_000 } },
    );
    try {
      const calm = await post(`${served.url}/a`, {});
      expect([calm.status, calm.headers.get(header)]).toMatchObject([
        201,
        expect.stringContaining('decision=perform'),
      ]);
      await overload(served);
      const over = await post(`${served.url}/a`, {});
      expect([over.status, over.headers.get(header)]).toMatchObject([
        503,
        expect.stringContaining('state=over, threshold=30'),
      ]);
      expect(served.gate.decisions()).toEqual([]);
    } finally {
      await served.close();
    }
  });
});
