import type { RetryNotice } from '@slackwater/client-sdk';
import { freePort } from '@slackwater/test-support/free-port';
import { AxiosError } from 'axios';
import { describe, expect, it } from 'vitest';
import { fastClient, rejection } from './support/fast-client.ts';
import { json, serve } from './support/http-server.ts';
import { problem, retryLater } from './support/wire.ts';

describe('retry later', () => {
  it('waits as long as Retry-After asks and sends a POST again, with the same key (D-71)', async () => {
    const server = await serve(({ nth }, response) =>
      nth < 2 ? retryLater(response, 1_500) : json(response, 201, { ok: true }),
    );
    const { client, waits } = fastClient(server.origin);
    const response = await client.post<{ ok: boolean }>('/orders', { sku: 'a' });
    expect(response.status).toBe(201);
    expect(response.data).toEqual({ ok: true });
    expect(response.slackwater.attempts).toBe(3);
    expect(waits()).toEqual([1_500, 1_500]);
    expect(new Set(server.seen.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
    expect(server.seen.map(({ body }) => body)).toEqual(Array(3).fill('{"sku":"a"}'));
  });

  it.each([
    ['seconds', '2'],
    ['an IMF-fixdate', 'Fri, 01 May 2026 12:00:02 GMT'],
    ['an RFC 850 date', 'Friday, 01-May-26 12:00:02 GMT'],
    ['an asctime date', 'Fri May  1 12:00:02 2026'],
  ])('understands Retry-After as %s, by the Date of the answer (D-71)', async (_form, value) => {
    const server = await serve(({ nth }, response) =>
      nth === 0
        ? json(response, 503, {}, { 'retry-after': value, date: 'Fri, 01 May 2026 12:00:00 GMT' })
        : json(response, 200, {}),
    );
    const { client, waits } = fastClient(server.origin);
    await client.get('/orders');
    expect(waits()).toEqual([2_000]);
  });

  it('adds its jitter on top, never earlier than asked (D-71)', async () => {
    const server = await serve(({ nth }, response) =>
      nth < 3 ? retryLater(response, 1_000) : json(response, 200, {}),
    );
    const { client, waits } = fastClient(server.origin, { random: () => 0.5 });
    await client.post('/orders', {});
    for (const wait of waits()) expect(wait).toBeGreaterThan(1_000);
    expect(waits()).toEqual([1_100, 1_200, 1_400]);
  });

  it('backs off exponentially with full jitter where the server says nothing (D-71)', async () => {
    const server = await serve(({ nth }, response) =>
      nth < 4 ? json(response, 503, {}) : json(response, 200, {}),
    );
    const { client, waits } = fastClient(server.origin, { random: () => 0.5 });
    await client.get('/orders');
    expect(waits()).toEqual([100, 200, 400, 800]);
  });

  it('is told of each retry once, when it is sent', async () => {
    const notices: RetryNotice[] = [];
    const server = await serve(({ nth }, response) =>
      nth < 2 ? retryLater(response, 200) : json(response, 200, {}),
    );
    const { client } = fastClient(server.origin, { onRetry: (notice) => notices.push(notice) });
    await client.post('/orders', {});
    expect(notices).toEqual([
      { retry: 1, reason: 'retry-later', waitedMs: 200, status: 503 },
      { retry: 2, reason: 'retry-later', waitedMs: 200, status: 503 },
    ]);
  });
});

describe('what is sent again (D-71)', () => {
  it.each(['get', 'put', 'delete'] as const)('%s after a 502, a 504 and a lost answer', async (method) => {
    const server = await serve(({ nth }, response, request) => {
      if (nth === 0) json(response, 502, {});
      else if (nth === 1) json(response, 504, {});
      else if (nth === 2) request.socket.destroy();
      else json(response, 200, { nth });
    });
    const { client } = fastClient(server.origin);
    const response = await client.request({ method, url: '/orders/1' });
    expect(response.data).toEqual({ nth: 3 });
  });

  it.each(['post', 'patch'] as const)(
    '%s not after a lost answer, by a server that nothing is known of',
    async (method) => {
      const server = await serve((_seen, _response, request) => request.socket.destroy());
      const { client } = fastClient(server.origin);
      const error = await rejection(client.request({ method, url: '/orders', data: {} }));
      expect(error).toBeInstanceOf(AxiosError);
      expect(error).toMatchObject({ code: 'ECONNRESET' });
      expect(server.seen).toHaveLength(1);
    },
  );

  it.each([500, 502, 504])('a POST not after a bare %d', async (status) => {
    const server = await serve((_seen, response) => json(response, status, {}));
    const { client } = fastClient(server.origin);
    const error = await rejection(client.post('/orders', {}));
    expect(error).toMatchObject({ isAxiosError: true, status });
    expect(server.seen).toHaveLength(1);
  });

  it('a POST after a lost answer, where the server is said to keep keys', async () => {
    const server = await serve(({ nth }, response, request) =>
      nth === 0 ? request.socket.destroy() : json(response, 201, {}),
    );
    const { client } = fastClient(server.origin, { serverKeepsKeys: true });
    expect((await client.post('/orders', {})).status).toBe(201);
    expect(server.seen[0]?.headers['idempotency-key']).toBe(server.seen[1]?.headers['idempotency-key']);
  });

  it('a POST after a lost answer, once the server has shown that it keeps keys', async () => {
    const server = await serve(({ nth }, response, request) => {
      if (nth === 0) {
        problem(response, 503, 'record-fate-unknown', {
          headers: { 'retry-after': '1', 'slackwater-retry-after-ms': '1000' },
          members: { recorded: 'unknown', retryable: true, retryAfterMs: 1_000, id: 'x' },
        });
      } else if (nth === 1) request.socket.destroy();
      else json(response, 201, {});
    });
    const { client } = fastClient(server.origin);
    expect((await client.post('/orders', {})).status).toBe(201);
  });

  it('no request without a key after "recorded: unknown"', async () => {
    const server = await serve((_seen, response) =>
      problem(response, 503, 'record-fate-unknown', {
        headers: { 'slackwater-retry-after-ms': '100' },
        members: { recorded: 'unknown', retryable: true, retryAfterMs: 100 },
      }),
    );
    const { client } = fastClient(server.origin);
    const error = await rejection(client.post('/orders', {}, { headers: { 'Idempotency-Key': false } }));
    expect(error).toMatchObject({ status: 503 });
    expect(server.seen).toHaveLength(1);
    expect(server.seen[0]?.headers['idempotency-key']).toBeUndefined();
  });

  it('a POST after a refused connection', async () => {
    const port = await freePort();
    const { client, runtime } = fastClient(`http://127.0.0.1:${port}`, { random: () => 0.9 });
    const answer = client.post('/orders', {});
    while (runtime.timersMs.length < 3) await new Promise((resolve) => setTimeout(resolve, 1));
    await serve((_seen, response) => json(response, 201, {}), port);
    expect((await answer).status).toBe(201);
  });

  it('a POST not after a connection that was refused behind a redirect', async () => {
    const port = await freePort();
    const server = await serve((_seen, response) =>
      response.writeHead(303, { location: `http://127.0.0.1:${port}/done` }).end(),
    );
    const { client } = fastClient(server.origin);
    expect(await rejection(client.post('/orders', {}))).toMatchObject({ code: 'ECONNREFUSED' });
    expect(server.seen).toHaveLength(1);
  });

  it('an answer that broke off in the middle', async () => {
    const server = await serve(({ nth }, response, request) => {
      if (nth > 0) return json(response, 200, { whole: true });
      response.writeHead(200, { 'content-length': '100' }).write('{"whole":');
      setImmediate(() => request.socket.destroy());
    });
    const { client } = fastClient(server.origin);
    expect((await client.get('/orders')).data).toEqual({ whole: true });
  });

  it('nothing after an answer that is final', async () => {
    const server = await serve((_seen, response) => json(response, 404, { no: 'such' }));
    const { client } = fastClient(server.origin);
    const error = await rejection(client.get('/orders/9'));
    expect(error).toBeInstanceOf(AxiosError);
    expect(error).toMatchObject({ status: 404, response: { data: { no: 'such' } } });
    expect(server.seen).toHaveLength(1);
  });

  it('nothing to a host that does not exist', async () => {
    const { client } = fastClient('http://does-not-exist.invalid');
    expect(await rejection(client.get('/'))).toMatchObject({ isAxiosError: true });
  });
});

describe('a request whose answer was lost', () => {
  it('is known to be done when its repetition is told "already performed"', async () => {
    const server = await serve(({ nth }, response, request) =>
      nth === 0 ? request.socket.destroy() : problem(response, 409, 'already-performed'),
    );
    const { client } = fastClient(server.origin, { serverKeepsKeys: true });
    const response = await client.post('/orders', {});
    expect(response).toMatchObject({ status: 204, slackwater: { outcomeKnown: false, attempts: 2 } });
  });

  it('waits while its first attempt is still being performed', async () => {
    const server = await serve(({ nth }, response, request) => {
      if (nth === 0) request.socket.destroy();
      else if (nth === 1) problem(response, 409, 'idempotency-key-in-use');
      else problem(response, 409, 'already-performed');
    });
    const { client } = fastClient(server.origin, { serverKeepsKeys: true });
    expect((await client.post('/orders', {})).slackwater.outcomeKnown).toBe(false);
  });

  it('and nothing else turns "already performed" into success', async () => {
    const server = await serve((_seen, response) => problem(response, 409, 'already-performed'));
    const { client } = fastClient(server.origin, { serverKeepsKeys: true });
    const error = await rejection(client.post('/orders', {}, { headers: { 'idempotency-key': '"mine"' } }));
    expect(error).toMatchObject({ isAxiosError: true, status: 409 });
  });
});

describe('limits of retrying (D-71)', () => {
  it('fails early when the next wait would pass the deadline, and says when to come back', async () => {
    const server = await serve((_seen, response) => retryLater(response, 400_000));
    const { client, waits, runtime } = fastClient(server.origin, {
      deadlineMs: 300_000,
      retryAfterCapMs: 1_000_000,
    });
    const startedAt = runtime.wallMs();
    const error = await rejection(client.post('/orders', {}));
    expect(error).toMatchObject({ code: 'deadline-exceeded', cause: { isAxiosError: true, status: 503 } });
    expect(waits()).toEqual([]);
    const { retryAt } = error as Error & { retryAt: Date };
    expect(retryAt.getTime()).toBeGreaterThanOrEqual(Math.floor(startedAt + 400_000));
    expect(runtime.wallMs() - startedAt).toBeLessThan(300_000);
    expect(runtime.pending).toBe(0);
  });

  it('ends an attempt that hangs at the deadline', async () => {
    const server = await serve(() => {});
    const { client } = fastClient(server.origin, { deadlineMs: 5_000 });
    expect(await rejection(client.get('/'))).toMatchObject({ code: 'deadline-exceeded' });
  });

  it('gives each attempt its own timeout', async () => {
    const server = await serve(({ nth }, response) => {
      if (nth > 0) json(response, 200, { nth });
    });
    const { client } = fastClient(server.origin, { attemptTimeoutMs: 50_000 });
    expect((await client.get('/')).data).toEqual({ nth: 1 });
  });

  it('gives up after maxRetries that nobody asked for, with the last answer', async () => {
    const server = await serve((_seen, response) => json(response, 503, {}));
    const { client } = fastClient(server.origin, { maxRetries: 2 });
    expect(await rejection(client.get('/'))).toMatchObject({ isAxiosError: true, status: 503 });
    expect(server.seen).toHaveLength(3);
  });

  it('gives up after maxRetries without any answer, with a typed error', async () => {
    const server = await serve((_seen, _response, request) => request.socket.destroy());
    const { client } = fastClient(server.origin, { maxRetries: 2 });
    expect(await rejection(client.get('/'))).toMatchObject({
      code: 'retries-exhausted',
      attempts: 3,
      cause: { code: 'ECONNRESET' },
    });
  });

  it('spends no unasked retry where the retry budget is used up, and still obeys Retry-After', async () => {
    const server = await serve(({ nth }, response) =>
      nth < 2 ? retryLater(response, 100) : json(response, 503, {}),
    );
    const { client } = fastClient(server.origin, { retryBudget: 0 });
    expect(await rejection(client.get('/'))).toMatchObject({ isAxiosError: true, status: 503 });
    expect(server.seen).toHaveLength(3);
  });

  it('keeps four simultaneous waits apart', async () => {
    const counts = new Map<string, number>();
    const server = await serve(({ url }, response) => {
      const count = (counts.get(url) ?? 0) + 1;
      counts.set(url, count);
      if (count <= Number(url.slice(1))) retryLater(response, 300);
      else json(response, 200, { url });
    });
    const { client, runtime } = fastClient(server.origin);
    const responses = await Promise.all([1, 2, 3, 4].map((n) => client.post(`/${n}`, {})));
    expect(responses.map(({ slackwater }) => slackwater.attempts)).toEqual([2, 3, 4, 5]);
    expect(responses.map(({ data }) => data)).toEqual([1, 2, 3, 4].map((n) => ({ url: `/${n}` })));
    expect(runtime.pending).toBe(0);
  });
});
