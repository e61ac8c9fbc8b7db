import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type CreateClientOptions, createClient, failureFactsOf } from '@slackwater/client-sdk';
import { fakeClock, proofForger, replies, scriptedServer } from '@slackwater/client-sdk/testing';
import type { AxiosAdapter, InternalAxiosRequestConfig } from 'axios';
import { describe, expect, it, vi } from 'vitest';

const { answer, connectionRefused, deferred, outcome, retryLater, status } = replies;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const pace = { backoffBaseMs: 8_000, backoffMaxMs: 8_000 };

/** A client, and what its adapter was given and answered, as far as somebody else holds it. */
function watched(
  script: Parameters<typeof scriptedServer>[0],
  chances = [0],
  options: Partial<CreateClientOptions> = {},
) {
  const clock = fakeClock({ chances });
  const server = scriptedServer(script);
  const held: WeakRef<object>[] = [];
  const counts: unknown[] = [];
  const adapter: AxiosAdapter = async (config: InternalAxiosRequestConfig) => {
    held.push(new WeakRef(config), new WeakRef(config.headers));
    counts.push(config['axios-retry']?.retryCount);
    const answered = server.adapter(config);
    answered.then(keep, keep);
    return await answered;
  };
  const keep = (end: object): void => {
    held.push(new WeakRef(end));
    if (!('data' in end) || !('status' in end) || Number(end.status) >= 300) return;
    // A body that is an object already is taken as it is.
    const data: object = JSON.parse(String(end.data));
    held.push(new WeakRef(data));
    end.data = data;
  };
  const client = createClient({
    baseURL: 'https://shop.example',
    runtime: clock,
    axios: { adapter },
    ...pace,
    ...options,
  });
  return { client, clock, server, held, counts };
}

async function heldStill(held: readonly WeakRef<object>[]): Promise<number> {
  // What was dereferenced lives to the end of its turn.
  await new Promise((resolve) => setTimeout(resolve, 1));
  collect();
  return held.filter((one) => one.deref() !== undefined).length;
}

describe('a call that waits', () => {
  it.each([
    ['the server asked for it', retryLater(9_000)],
    ['it was refused its connection', connectionRefused()],
  ])('holds nothing that axios made of its attempts, where %s', async (_why, refusal) => {
    const { client, clock, held } = watched(({ nth }) => (nth < 3 ? refusal : answer(201)), [0.5]);
    const ends = client.post('/orders', { sku: 'a' }, { slackwater: { deadlineMs: 200_000 } });
    await clock.advance(100);
    expect([clock.timers, held.length]).toEqual([1, 3]);
    await vi.waitUntil(async () => (await heldStill(held)) === 0, { timeout: 30_000 });
    expect(clock.timers).toBe(1);
    expect(await clock.settle(ends)).toMatchObject({ status: 201 });
  });

  it('for a deferral holds neither its resource nor its proof, and gives both in the end', async () => {
    const forger = await proofForger();
    const first = await forger.accept({ body: '{"sku":"a"}', contentType: 'application/json' });
    const settled = status({ ...first, status: 'Succeeded' });
    const script = [deferred(first, 9_000), settled, outcome(201)];
    const { client, clock, held } = watched(script, [0], { verifierKeys: [forger.verifierKey] });
    const ends = client.post('/orders', { sku: 'a' });
    await clock.advance(100);
    expect(held).toHaveLength(4);
    await vi.waitUntil(async () => (await heldStill(held)) === 0, { timeout: 30_000 });
    const { receipt, id } = first;
    const slackwater = { receipt, receiptVerified: true, deferral: { id, status: 'Succeeded' } };
    expect(await clock.settle(ends)).toMatchObject({ status: 201, slackwater });
  });

  it('has one listener on its caller\u2019s signal, however many wait for that', async () => {
    const { client, clock } = watched([retryLater(9_000), retryLater(9_000), retryLater(9_000), answer(200)]);
    const { signal, abort } = counting();
    const ends = [1, 2, 3].map(() => client.get('/orders', { signal }).catch((error: unknown) => error));
    await clock.advance(100);
    expect(signal.listeners).toBe(1);
    abort();
    for (const end of await Promise.all(ends)) expect(end).toMatchObject({ code: 'aborted', attempts: 1 });
    expect([signal.listeners, clock.timers]).toEqual([0, 0]);
  });

  it('tells afterwards how its attempt failed, by status, words and problem document', async () => {
    const { client, clock } = watched([retryLater(9_000, { partition: 'p', workType: 'settle' })]);
    const abort = new AbortController();
    const ends = client.post('/orders', {}, { signal: abort.signal }).catch((error: unknown) => error);
    await clock.advance(100);
    abort.abort();
    expect(failureFactsOf(await ends)).toMatchObject({
      attempts: 1,
      problem: { code: 'retry-later', status: 503 },
      lastError: {
        isAxiosError: true,
        message: 'Request failed with status code 503',
        code: 'ERR_BAD_RESPONSE',
        config: { url: '/orders', method: 'POST', baseURL: 'https://shop.example' },
        response: {
          status: 503,
          headers: { 'slackwater-retry-after-ms': '9000', 'slackwater-partition': 'p' },
        },
      },
    });
  });

  it('is repeated by axios-retry where it is due at once, up to three times in one request of axios', async () => {
    const { client, clock, counts } = watched(({ nth }) => (nth < 6 ? answer(503, '') : answer(200)));
    expect(await clock.settle(client.get('/orders'))).toMatchObject({ status: 200 });
    expect(counts).toEqual([0, 1, 2, 3, 0, 1, 2]);
  });

  it('and begins a request of axios anew after a longer wait', async () => {
    const { client, clock, counts } = watched(({ nth }) => (nth < 3 ? retryLater(900) : answer(200)));
    expect(await clock.settle(client.get('/orders'))).toMatchObject({ status: 200 });
    expect(counts).toEqual([0, 0, 0, 0]);
  });

  it('goes by the defaults of its instance as they are, with the body and the headers of its first attempt', async () => {
    const { client, clock, server } = watched([retryLater(900), retryLater(900), answer(200)]);
    const order = { sku: 'a' };
    const ends = client.post('/orders', order, { headers: { 'X-Trace': '1' } });
    await clock.advance(100);
    order.sku = 'changed meanwhile';
    await clock.settle(ends);
    const [first, ...rest] = server.seen;
    for (const one of rest) expect(one).toMatchObject({ body: first?.body, headers: first?.headers });
    expect(first).toMatchObject({ body: '{"sku":"a"}', headers: { 'x-trace': '1' } });
  });
});

function counting() {
  const controller = new AbortController();
  const signal = {
    listeners: 0,
    get aborted() {
      return controller.signal.aborted;
    },
    addEventListener(_type: 'abort', listener: () => void) {
      signal.listeners += 1;
      controller.signal.addEventListener('abort', listener);
    },
    removeEventListener(_type: 'abort', listener: () => void) {
      signal.listeners -= 1;
      controller.signal.removeEventListener('abort', listener);
    },
  };
  return { signal, abort: () => controller.abort() };
}
