import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { slackwater } from '@slackwater/client-sdk';
import axios, { isAxiosError } from 'axios';
import { describe, expect, it } from 'vitest';
import { fastClient, limits, rejection } from './support/fast-client.ts';
import { fastRuntime } from './support/fast-runtime.ts';
import { json, serve } from './support/http-server.ts';
import { retryLater } from './support/wire.ts';

describe('what users of axios-retry meet, and callers of this client do not', () => {
  it('POST is never retried: here it is, after a 429 with Retry-After', async () => {
    const server = await serve(({ nth }, response) =>
      nth === 0 ? json(response, 429, {}, { 'retry-after': '1' }) : json(response, 201, {}),
    );
    const { client, waits } = fastClient(server.origin);
    expect((await client.post('/orders', {})).status).toBe(201);
    expect(waits()).toEqual([1_000]);
  });

  it('a delay of one’s own ignores Retry-After: here the back-off gives way to it', async () => {
    const server = await serve(({ nth }, response) =>
      nth === 0 ? json(response, 503, {}, { 'retry-after': '7' }) : json(response, 200, {}),
    );
    const { client, waits } = fastClient(server.origin, {
      backoffBaseMs: 1,
      backoffMaxMs: 1,
      random: () => 0.5,
    });
    await client.get('/orders');
    expect(waits()[0]).toBeGreaterThanOrEqual(7_000);
  });

  it.each(['9999999', '99999999999999999999', 'Fri, 31 Dec 9999 23:59:59 GMT'])(
    'Retry-After: %s overflows the timer and is retried at once: here the cap is waited for',
    async (value) => {
      const server = await serve(({ nth }, response) =>
        nth === 0 ? json(response, 503, {}, { 'retry-after': value }) : json(response, 200, {}),
      );
      const { client, waits } = fastClient(server.origin, { retryAfterCapMs: 3_000 });
      await client.get('/orders');
      expect(waits()).toEqual([3_000]);
      expect(server.seen).toHaveLength(2);
    },
  );

  it('a stream is sent again empty, and the answer looks fine: here it is refused', async () => {
    const server = await serve((_seen, response) => retryLater(response, 100));
    const { client } = fastClient(server.origin);
    const error = await rejection(client.post('/orders', Readable.from(['all of it'])));
    expect(error).toMatchObject({ code: 'body-not-repeatable', cause: { status: 503 } });
    expect(server.seen.map(({ body }) => body)).toEqual(['all of it']);
  });

  it('a web stream neither', async () => {
    const server = await serve((_seen, response) => retryLater(response, 100));
    const { client } = fastClient(server.origin);
    const body = new Blob(['all of it']).stream();
    const error = await rejection(client.post('/orders', body, { adapter: 'fetch' }));
    expect(error).toMatchObject({ code: 'body-not-repeatable' });
    expect(server.seen.map((seen) => seen.body)).toEqual(['all of it']);
  });

  it('a stream from a factory is sent whole on each attempt', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'slackwater-sdk-'));
    try {
      const path = join(directory, 'body');
      await writeFile(path, 'all of it');
      const server = await serve(({ nth }, response) =>
        nth < 2 ? retryLater(response, 100) : json(response, 201, {}),
      );
      const { client } = fastClient(server.origin);
      expect((await client.post('/orders', () => createReadStream(path))).status).toBe(201);
      expect(server.seen.map(({ body }) => body)).toEqual(Array(3).fill('all of it'));
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('a form made of an object is sent whole on each attempt', async () => {
    const server = await serve(({ nth }, response) =>
      nth === 0 ? retryLater(response, 100) : json(response, 201, {}),
    );
    const { client } = fastClient(server.origin);
    await client.post('/orders', { sku: 'a' }, { headers: { 'Content-Type': 'multipart/form-data' } });
    for (const { body, headers } of server.seen) {
      const [, boundary = 'none'] = /boundary=(\S+)/.exec(headers['content-type'] ?? '') ?? [];
      expect(body).toContain(boundary);
      expect(body).toContain('name="sku"');
    }
    expect(server.seen).toHaveLength(2);
  });

  it('FormData of the platform is sent whole on each attempt', async () => {
    const server = await serve(({ nth }, response) =>
      nth === 0 ? retryLater(response, 100) : json(response, 201, {}),
    );
    const { client } = fastClient(server.origin);
    const form = new FormData();
    form.set('file', new Blob(['all of it']), 'x.txt');
    await client.post('/orders', form);
    expect(server.seen.map(({ body }) => body.includes('all of it'))).toEqual([true, true]);
  });

  it('a stream that was read before is not sent at all', async () => {
    const server = await serve((_seen, response) => json(response, 200, {}));
    const { client } = fastClient(server.origin);
    const body = Readable.from(['x']);
    for await (const _chunk of body);
    expect(await rejection(client.post('/orders', body))).toMatchObject({ code: 'body-not-repeatable' });
    expect(server.seen).toHaveLength(0);
  });

  it('aborting fires onRetry three times: here never, and the wait ends at once', async () => {
    const controller = new AbortController();
    let retries = 0;
    const server = await serve((_seen, response) => {
      retryLater(response, 25_000);
      response.on('finish', () => setTimeout(() => controller.abort(), 30));
    });
    const runtime = fastRuntime();
    const client = slackwater(axios.create({ baseURL: server.origin, signal: controller.signal }), {
      ...limits,
      runtime: { ...runtime, setTimer: (delayMs, callback) => runtime.setTimer(delayMs * 100, callback) },
      onRetry: () => {
        retries += 1;
      },
    });
    let abortedAt = 0;
    controller.signal.addEventListener('abort', () => {
      abortedAt = performance.now();
    });
    const error = await rejection(client.get('/orders'));
    // The wait is 25 s.
    expect(performance.now() - abortedAt).toBeLessThan(10_000);
    expect(error).toMatchObject({ code: 'aborted' });
    expect(axios.isCancel(error)).toBe(true);
    expect(retries).toBe(0);
    expect(server.seen).toHaveLength(1);
  });

  it('interceptors run for each attempt: here once for each call', async () => {
    const server = await serve(({ nth }, response) =>
      nth < 3 ? retryLater(response, 100) : json(response, 200, { a: 1 }),
    );
    const instance = axios.create({ baseURL: server.origin });
    const calls: string[] = [];
    instance.interceptors.request.use((config) => {
      calls.push('request');
      config.headers.set('Authorization', 'Bearer t');
      return config;
    });
    instance.interceptors.response.use(
      (response) => {
        calls.push(`response ${response.status}`);
        return response;
      },
      (error) => {
        calls.push('error');
        return Promise.reject(error);
      },
    );
    const client = slackwater(instance, { runtime: fastRuntime(), ...limits });
    await client.post('/orders', {});
    expect(calls).toEqual(['request', 'response 200']);
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(Array(4).fill('Bearer t'));
  });

  it('a config that is sent again starts with its count used up: here afresh', async () => {
    const server = await serve((_seen, response) => json(response, 503, {}));
    const { client } = fastClient(server.origin, { maxRetries: 2 });
    const error = await rejection(client.get('/orders'));
    if (!isAxiosError(error) || error.config === undefined) throw error;
    expect(Object.keys(error.config)).not.toContain('axios-retry');
    expect(server.seen).toHaveLength(3);
    await rejection(client.axios.request(error.config));
    expect(server.seen).toHaveLength(6);
    await rejection(client.request(error.config));
    expect(server.seen).toHaveLength(9);
  });

  it('a body that is sent again with its config is the same, and has the same key', async () => {
    const server = await serve((_seen, response) => json(response, 401, {}));
    const { client } = fastClient(server.origin);
    const error = await rejection(client.post('/orders', { sku: 'ä' }));
    if (!isAxiosError(error) || error.config === undefined) throw error;
    await rejection(client.request(error.config));
    const [first, second] = server.seen;
    expect(second?.body).toBe(first?.body);
    expect(second?.headers['idempotency-key']).toBe(first?.headers['idempotency-key']);
  });

  it('a factory and a form are made anew where their config is sent again', async () => {
    const server = await serve((_seen, response) => json(response, 401, {}));
    const { client } = fastClient(server.origin);
    const form = { headers: { 'Content-Type': 'multipart/form-data' } };
    for (const call of [
      () => client.post('/orders', () => Readable.from(['all of it'])),
      () => client.post('/orders', { sku: 'all of it' }, form),
    ]) {
      const error = await rejection(call());
      if (!isAxiosError(error) || error.config === undefined) throw error;
      await rejection(client.axios.request(error.config));
      await rejection(client.request(error.config));
    }
    expect(server.seen.map(({ body }) => body.includes('all of it'))).toEqual(Array(6).fill(true));
  });

  it('the timeout is for all attempts together: here for each', async () => {
    const server = await serve(({ nth }, response) => {
      setTimeout(() => (nth < 3 ? json(response, 503, {}) : json(response, 200, { nth })), 300);
    });
    const { client } = fastClient(server.origin);
    expect((await client.get('/orders', { timeout: 100_000 })).data).toEqual({ nth: 3 });
  });

  it('an axios-retry that the caller’s instance has does not repeat it all', async () => {
    const { default: axiosRetry } = await import('axios-retry');
    const server = await serve((_seen, response) => json(response, 503, {}));
    const instance = axios.create({ baseURL: server.origin });
    axiosRetry(instance, { retries: 3 });
    const client = slackwater(instance, { runtime: fastRuntime(), ...limits, maxRetries: 1 });
    await rejection(client.get('/orders'));
    expect(server.seen).toHaveLength(2);
  });
});
