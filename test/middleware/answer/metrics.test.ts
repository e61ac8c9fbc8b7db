import { slackwater } from '@slackwater/middleware';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auth, claims, signed } from '../audit/issuer.ts';
import { until } from '../perform/until.ts';
import { type GatedApp, overload, partition, patiently as post, serve } from './gated-app.ts';

/** The values of one metric, by what stands between its braces. */
function valuesOf(text: string, metric: string): Readonly<Record<string, number>> {
  const lines = [...text.matchAll(new RegExp(`^${metric}(?:\\{(.*)\\})? (\\S+)$`, 'gm'))];
  return Object.fromEntries(lines.map(([, labels = '', value]) => [labels, Number(value)]));
}

describe('GET /metrics', () => {
  let served: GatedApp;
  const registry = new Registry();
  const scrape = async (): Promise<string> => {
    const headers = { authorization: `Bearer ${signed(claims(Date.now(), 'audit:read'))}` };
    const answer = await fetch(`${served.url}/slackwater/metrics`, { headers });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, registry.contentType]);
    return answer.text();
  };

  beforeAll(async () => {
    served = await serve(
      (app, gate) => {
        app.use(gate);
        app.use((_req, res) => void res.status(201).end());
      },
      {
        auth,
        prometheus: { registry },
        ledger: { engineTimeoutMs: 30_000 },
        workTypes: {
          free: { priority: 1, exempt: true },
          order: { priority: 2, thresholdMs: 30, whenOver: 'defer' },
          quiet: { priority: 3, thresholdMs: 30, shadow: true },
        },
        routes: {
          'POST /free': { workType: 'free' },
          'POST /quiet': { workType: 'quiet' },
          'POST /*rest': { workType: 'order' },
        },
      },
    );
    await served.gate.start();
    await post(`${served.url}/a`, {});
    await overload(served);
    await post(`${served.url}/free`, {});
    for (let i = 0; i < 3; i++) await post(`${served.url}/quiet`, {});
    await post(`${served.url}/b/hunter2`, {}, { 'x-customer': 'ann@example.com' });
    await post(`${served.url}/c`, {}, { prefer: 'respond-async', 'x-customer': 'ann@example.com' });
  });
  afterAll(() => served.close());

  it('counts decisions, and tells the state of partitions, in what Prometheus reads', async () => {
    const text = await scrape();
    expect(valuesOf(text, 'slackwater_decisions_total')).toMatchObject({
      'work_type="order",decision="perform",reason="clear"': 1,
      'work_type="order",decision="retry-later",reason="over-threshold"': 1,
      'work_type="order",decision="defer",reason="over-threshold"': 1,
      'work_type="free",decision="perform",reason="exempt"': 1,
    });
    expect(valuesOf(text, 'slackwater_latency_seconds')[`partition="${partition}"`]).toBeGreaterThan(0.03);
    expect(valuesOf(text, 'slackwater_threshold_seconds')).toEqual({
      [`partition="${partition}",work_type="order"`]: 0.03,
      [`partition="${partition}",work_type="quiet"`]: 0.03,
    });
    expect(valuesOf(text, 'slackwater_state')[`partition="${partition}",work_type="order"`]).toBe(2);
    expect(valuesOf(text, 'slackwater_state_changes_total')['work_type="order",to="over"']).toBe(1);
    expect(valuesOf(text, 'slackwater_window_commits')[`partition="${partition}"`]).toBe(8);
    expect(valuesOf(text, 'slackwater_partitions')).toEqual({ '': 1 });
    expect(valuesOf(text, 'slackwater_retry_after_seconds_count')).toEqual({ 'work_type="order"': 1 });
    expect(text).not.toMatch(/hunter2|ann@/);
  });

  it('tells of the queue, recording, the ledger and shadow mode', async () => {
    const text = await scrape();
    expect(valuesOf(text, 'slackwater_deferrals_queued')).toEqual({ 'group="main"': 1 });
    const queue = `group="main",partition="${partition}"`;
    expect(valuesOf(text, 'slackwater_queue_items')).toEqual({ [queue]: 1 });
    const waited = valuesOf(text, 'slackwater_queue_oldest_seconds')[queue];
    expect(waited).toBeGreaterThan(0);
    expect(waited).toBeLessThan(3_600);
    await until(async () => valuesOf(await scrape(), 'slackwater_deferrals_parked')['group="main"'] === 0);
    await until(async () => valuesOf(await scrape(), 'slackwater_queue_paused')[queue] === 0);
    expect(valuesOf(text, 'slackwater_record_seconds_count')).toEqual({
      'outcome="deferred",group="main"': 1,
    });
    expect(valuesOf(text, 'slackwater_ledger_ready')).toEqual({ 'group="main"': 1 });
    const shadow = valuesOf(text, 'slackwater_shadow_requests_total');
    expect(shadow['work_type="quiet",would_be="retry-later"']).toBeGreaterThan(0);
    // Nobody has measured it: the engine has no servers.
    expect(valuesOf(text, 'slackwater_engine_connected')).toEqual({});
    expect(valuesOf(await registry.metrics(), 'slackwater_deferrals_queued')).toEqual({ 'group="main"': 1 });
  });

  it('goes on counting where it was, however often and by however many it is read', async () => {
    const [one, two] = await Promise.all([scrape(), scrape()]);
    const all = (text: string): unknown => valuesOf(text, 'slackwater_decisions_total');
    expect(all(one)).toEqual(all(two));
    await post(`${served.url}/free`, {});
    const key = 'work_type="free",decision="perform",reason="exempt"';
    const before = valuesOf(one, 'slackwater_decisions_total')[key] ?? 0;
    expect(valuesOf(await scrape(), 'slackwater_decisions_total')[key]).toBe(before + 1);
  });

  it('is for auditors and administrators alone', async () => {
    const get = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(`${served.url}/slackwater/metrics`, { headers })).status;
    const bearer = (scope: string): Record<string, string> => ({
      authorization: `Bearer ${signed(claims(Date.now(), scope))}`,
    });
    expect([await get({}), await get(bearer('audit:reveal')), await get(bearer('admin'))]).toEqual([
      404, 404, 200,
    ]);
  });
});

describe('metrics of a gate', () => {
  it('may be open to anybody, where the option says so', async () => {
    const own = await serve((app, gate) => app.use(gate), { prometheus: { public: true } });
    const answer = await fetch(`${own.url}/slackwater/metrics`);
    expect([answer.status, await answer.text()]).toEqual([
      200,
      expect.stringContaining('slackwater_partitions 0'),
    ]);
    await own.close();
  });

  it('do not exist where nobody is said to read them', async () => {
    const own = await serve((app, gate) => app.use(gate));
    expect((await fetch(`${own.url}/slackwater/metrics`)).status).toBe(404);
    await own.close();
  });

  it.each([
    [{}, /^auth: missing; prometheus is there, and nobody could read/],
    [{ registry: {} }, /^prometheus.registry: this is an object; give a registry of prom-client/],
    [{ registry: null }, /^prometheus.registry: null/],
    [{ public: 'yes' }, /^prometheus.public: "yes" is a string; give true or false/],
    [{ maxPartitions: -1 }, /^prometheus.maxPartitions: -1/],
    [{ prefix: 'x' }, /^prometheus.prefix: there is no such option/],
  ])('are refused where they are set up as %j', (prometheus, message) => {
    expect(() => slackwater({ prometheus: prometheus as never })).toThrow(message);
  });

  it('share no registry with those of another gate, and leave it when theirs is closed', async () => {
    const registry = new Registry();
    const first = slackwater({ prometheus: { registry } });
    expect(() => slackwater({ prometheus: { registry } })).toThrow(
      /^prometheus.registry: it has slackwater_decisions_total already, of another gate/,
    );
    await first.close();
    expect(await registry.metrics()).toBe('\n');
    const second = slackwater({ prometheus: { registry } });
    expect(await registry.metrics()).toContain('slackwater_partitions 0');
    await second.close();
  });
});
