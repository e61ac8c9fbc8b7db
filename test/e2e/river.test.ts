import { createClient } from '@slackwater/client-sdk';
import { isDeferralResource, isRetryLaterProblem, parseReceipt, verifyReceipt } from '@slackwater/shared';
import { type PostgresServer, type SlowCommits, startPostgres } from '@slackwater/test-support/postgres';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  eventually,
  type OrdersApp,
  overUntilHealed,
  post,
  prepareDatabase,
  showThatItIsSlow,
  startOrders,
} from './orders-app.ts';

let server: PostgresServer;
let slow: SlowCommits;
let orders: OrdersApp;
let part = 0;
const asking = { prefer: 'respond-async', 'x-customer': 'ann' };

beforeAll(async () => {
  server = await startPostgres();
  slow = await prepareDatabase(server);
});

afterEach(async () => {
  await slow.set(0);
  await orders.close();
});

afterAll(async () => {
  await server.stop();
});

async function open(more: Partial<Parameters<typeof startOrders>[1]> = {}): Promise<OrdersApp> {
  orders = await startOrders(server, { partition: `river ${++part}`, ...more });
  return orders;
}

describe('a request to a quick database', () => {
  it('is performed at once, with a commit, whatever its work type (D-20)', async () => {
    await open();
    for (const path of ['/payments', '/orders', '/reports']) {
      const answer = await post(`${orders.url}${path}`, { reference: `quick ${path}` }, asking);
      expect(answer.status).toBe(201);
      expect([...answer.headers.keys()].filter((name) => name.startsWith('slackwater'))).toEqual([]);
    }
    expect(await orders.counts()).toMatchObject({ 'quick /orders': 1, 'quick /reports': 1 });
  });
});

describe('a request to a slow database', () => {
  it('of exempt work is performed, all of them (D-21)', async () => {
    await open();
    await overUntilHealed(orders, slow);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => post(`${orders.url}/payments`, { reference: `pay ${n}` })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 201));
  });

  it('is asked to retry later, with nothing recorded, by a caller that did not ask for more (D-28)', async () => {
    await open();
    await overUntilHealed(orders, slow);
    const answer = await post(`${orders.url}/orders`, { reference: 'unasked' }, { 'x-customer': 'ann' });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const problem = (await answer.json()) as Record<string, unknown>;
    expect(isRetryLaterProblem(problem)).toBe(true);
    expect(problem).toMatchObject({
      type: 'urn:slackwater:problem:retry-later',
      title: 'Retry later',
      status: 503,
      code: 'retry-later',
      recorded: false,
      retryable: true,
      workType: 'order',
      reasons: ['over-threshold', 'not-asked'],
    });
    const afterMs = Number(answer.headers.get('slackwater-retry-after-ms'));
    expect(problem['retryAfterMs']).toBe(afterMs);
    expect(afterMs).toBeGreaterThan(0);
    expect(answer.headers.get('retry-after')).toBe(String(Math.ceil(afterMs / 1_000)));
    expect(answer.headers.get('slackwater-partition')).toBe(problem['partition']);
    // Opaque: it says nothing of what the partition is called.
    expect(problem['partition']).toMatch(/^[\w-]{12}$/);
    expect(await orders.counts()).not.toHaveProperty('unasked');
  });

  it('is deferred, durably and with its receipt, for a caller that asked', async () => {
    await open();
    await overUntilHealed(orders, slow);
    const answer = await post(`${orders.url}/orders`, { reference: 'asked' }, asking);
    expect(answer.status).toBe(202);
    const resource: unknown = await answer.json();
    if (!isDeferralResource(resource)) throw new Error('not a deferral resource');
    const location = answer.headers.get('operation-location') ?? '';
    expect(location).toMatch(/^\/slackwater\/deferrals\/[0-9A-Z]{26}\?capability=[\w-]{43}$/);
    expect(answer.headers.get('location')).toBe(location.replace('?', '/outcome?'));
    expect(answer.headers.get('preference-applied')).toBe('respond-async');
    expect(answer.headers.get('vary')).toBe('Prefer');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(resource).toMatchObject({
      status: 'NotStarted',
      phase: 'queued',
      workType: 'order',
      durable: 'fsync',
    });
    const verifierKey = await orders.gate.ledger.verifierKey();
    const entry = Buffer.from(resource.entry, 'base64');
    expect(() => verifyReceipt(resource.receipt, { entry, verifierKeys: [verifierKey] })).not.toThrow();
    expect(parseReceipt(resource.receipt).index).toBeGreaterThanOrEqual(0);
    // The entry names pattern and digest, and nothing that the request said.
    expect(entry.toString()).toContain('"route":"/orders"');
    expect(entry.toString()).not.toContain('ann');
  });

  it('is postponed again as long as it is slow, and performed later, once, by its own route (D-25, D-26, D-27)', async () => {
    // No further probes: they would perform the deferrals one by one before any was looked at twice.
    await open({ options: { latency: { probeEveryMs: 60_000 } } });
    await overUntilHealed(orders, slow);
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) => post(`${orders.url}/orders`, { reference: `later ${n}` }, asking)),
    );
    const accepted = answers.filter(({ status }) => status === 202);
    expect(accepted.length).toBeGreaterThanOrEqual(10);
    const urls = accepted.map((answer) => `${orders.url}${answer.headers.get('operation-location')}`);
    await eventually(async () => {
      const resources = await Promise.all(urls.map(async (url) => (await fetch(url)).json()));
      expect(resources.some(({ postponements }) => postponements >= 2)).toBe(true);
    });
    const pending = await fetch(urls.at(-1)?.replace('?', '/outcome?') ?? '');
    expect(pending.status).toBe(202);
    expect(pending.headers.get('slackwater-outcome')).toBe('pending');
    await slow.set(0);
    await eventually(async () => {
      await post(`${orders.url}/payments`, { reference: 'shows that it is quick' });
      const resources = await Promise.all(urls.map(async (url) => (await fetch(url)).json()));
      expect(resources.map(({ status }) => status)).toEqual(urls.map(() => 'Succeeded'));
    });
    const outcome = await fetch(urls[0]?.replace('?', '/outcome?') ?? '');
    expect(outcome.status).toBe(201);
    expect(outcome.headers.get('slackwater-outcome')).toBe('final');
    expect(await outcome.json()).toHaveProperty('reference');
    const counts = await orders.counts();
    for (let n = 0; n < 12; n++) expect(counts[`later ${n}`]).toBe(1);
    const report = await orders.gate.audit.verify();
    expect(report.ok).toBe(true);
  });

  it('ends for the caller of the SDK with the response of the route, and a receipt that was verified (D-72)', async () => {
    await open();
    await overUntilHealed(orders, slow);
    const client = createClient({ baseURL: orders.url, headers: { 'x-customer': 'ann' } });
    const responses = Array.from({ length: 4 }, (_, n) =>
      client.post<{ reference: string }>('/orders', { reference: `sdk ${n}` }),
    );
    setTimeout(() => void slow.set(0), 700);
    const settled = await Promise.all(responses);
    expect(settled.map(({ status, data }) => [status, data.reference])).toEqual(
      [0, 1, 2, 3].map((n) => [201, `sdk ${n}`]),
    );
    expect(settled.filter(({ slackwater }) => slackwater.deferral !== undefined).length).toBeGreaterThan(0);
  });

  it('passes a gate whose every request is postponed soon after it has recovered, with no exempt traffic (D-64)', async () => {
    await open({ options: { latency: { probeEveryMs: 200 } } });
    await overUntilHealed(orders, slow);
    await slow.set(0);
    await eventually(async () => {
      const answer = await post(`${orders.url}/reports`, { reference: 'recovered' });
      expect(answer.status).toBe(201);
    });
  });
});

describe('a stalled database', () => {
  it('hears no more than a probe now and then, and exempt work still finds a connection', async () => {
    await open({ poolSize: 4 });
    await showThatItIsSlow(orders);
    await server.stallCommits(true);
    const hanging = Array.from({ length: 3 }, (_, n) =>
      post(`${orders.url}/orders`, { reference: `hangs ${n}` }, { 'x-customer': 'ann' }),
    );
    await eventually(() => expect(orders.gate.latency.read(`river ${part}`).valueMs).toBeGreaterThan(200));
    const answered: number[] = [];
    const probing = Array.from({ length: 20 }, (_, n) =>
      post(`${orders.url}/orders`, { reference: `s ${n}` }, { 'x-customer': 'ann' }).then(({ status }) =>
        answered.push(status),
      ),
    );
    await eventually(() =>
      expect(answered.filter((status) => status === 503).length).toBeGreaterThanOrEqual(16),
    );
    // Reads by exempt work, while commits of others hold connections.
    const read = await fetch(`${orders.url}/orders/none`);
    expect(read.status).toBe(200);
    await server.stallCommits(false);
    expect((await Promise.all(hanging)).map(({ status }) => status)).toEqual([201, 201, 201]);
    await Promise.all(probing);
  });
});
