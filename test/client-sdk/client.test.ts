import { readdirSync, readFileSync } from 'node:fs';
import { type ClientOptions, createClient, slackwater } from '@slackwater/client-sdk';
import { isSlackwaterError } from '@slackwater/shared';
import axios, { AxiosError } from 'axios';
import { describe, expect, it } from 'vitest';
import { fastClient, limits, rejection } from './support/fast-client.ts';
import { fastRuntime } from './support/fast-runtime.ts';
import { json, serve } from './support/http-server.ts';
import { defer, outcome, resource, retryLater } from './support/wire.ts';

describe('options', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['a text for a number', { deadlineMs: '5' }, 'deadlineMs: "5"'],
    ['a negative number', { attemptTimeoutMs: -1 }, 'attemptTimeoutMs: -1'],
    ['not a number', { retryAfterCapMs: Number.NaN }, 'retryAfterCapMs: NaN'],
    ['more than a timer takes', { deadlineMs: 2 ** 31 }, 'deadlineMs: 2147483648'],
    ['a fraction of a retry', { maxRetries: 1.5 }, 'maxRetries: 1.5'],
    ['a URL for an origin', { allowedOrigins: ['https://a.example/x'] }, 'allowedOrigins'],
    ['a path without its slash', { basePath: 'slackwater' }, 'basePath: "slackwater"'],
    ['a text for a function', { onRetry: 'x' }, 'onRetry: "x"'],
  ])('refuses %s, by name and value', (_what, options, words) => {
    const build = (): unknown => slackwater(axios.create(), options as ClientOptions);
    expect(build).toThrow(
      expect.objectContaining({ code: 'option-invalid', message: expect.stringContaining(words) }),
    );
  });

  it('refuses an unknown option by name, also in one call and with a name from the prototype', async () => {
    for (const name of ['deadline', 'constructor', '__proto__x']) {
      const build = (): unknown => createClient({ baseURL: 'http://x', ...{ [name]: 1 } });
      expect(build).toThrow(
        expect.objectContaining({ code: 'option-unknown', message: expect.stringContaining(name) }),
      );
    }
    const { client } = fastClient('http://127.0.0.1:1');
    const call = client.get('/', { slackwater: { verifierKeys: [] } as object });
    expect(await rejection(call)).toMatchObject({ code: 'option-unknown' });
  });

  it('says what is missing where there is no baseURL, also where it is spelled otherwise', () => {
    const build = (options: object) => () => createClient(options as { baseURL: string });
    expect(build({})).toThrow(/^baseURL: say where the application is$/);
    expect(build({ baseUrl: 'http://x' })).toThrow(/^baseURL: .*not baseUrl$/);
    expect(build({ baseURL: 7 })).toThrow(/^baseURL: give a URL/);
  });

  it('refuses a verifier key that is none', () => {
    expect(() => createClient({ baseURL: 'http://x', verifierKeys: ['nonsense'] })).toThrow(
      expect.objectContaining({ code: 'verifier-key-malformed' }),
    );
  });
});

describe('an instance that exists', () => {
  it('keeps its defaults, its adapter and its transformations', async () => {
    const sent: { data: unknown; key: unknown; url: string | undefined }[] = [];
    const instance = axios.create({
      headers: { 'X-Api-Key': 'k' },
      transformRequest: [(data: { n: number }) => `n=${data.n}`],
      transformResponse: [(data: string) => ({ read: data })],
      adapter: async (config) => {
        sent.push({ data: config.data, key: config.headers.get('X-Api-Key'), url: config.url });
        if (sent.length > 1) return { status: 200, statusText: 'OK', headers: {}, data: 'fine', config };
        const headers = { 'slackwater-retry-after-ms': '10' };
        const response = { status: 503, statusText: '', headers, data: '', config };
        throw new AxiosError('no', 'ERR_BAD_RESPONSE', config, undefined, response);
      },
    });
    const client = slackwater(instance, { runtime: fastRuntime(), ...limits });
    const response = await client.post('/orders', { n: 1 });
    expect(response.data).toEqual({ read: 'fine' });
    expect(sent).toEqual(Array(2).fill({ data: 'n=1', key: 'k', url: '/orders' }));
  });

  it('is left as it was', async () => {
    const server = await serve((_seen, response) => json(response, 503, {}));
    const instance = axios.create({ baseURL: server.origin });
    const before = { adapter: instance.defaults.adapter, transform: instance.defaults.transformRequest };
    slackwater(instance);
    expect({ adapter: instance.defaults.adapter, transform: instance.defaults.transformRequest }).toEqual(
      before,
    );
    await rejection(instance.get('/'));
    expect(server.seen).toHaveLength(1);
  });

  it('shows its interceptors the outcome of a deferral, and lets them change it', async () => {
    const server = await serve(({ method, url }, response) => {
      if (method === 'POST') defer(response);
      else if (url.includes('/outcome')) outcome(response, 200, { n: 1 });
      else json(response, 200, resource({ status: 'Succeeded', phase: 'settled' }));
    });
    const instance = axios.create({ baseURL: server.origin });
    instance.interceptors.response.use((response) => ({ ...response, data: { seen: response.data } }));
    const client = slackwater(instance, { runtime: fastRuntime(), ...limits });
    expect((await client.post('/orders')).data).toEqual({ seen: { n: 1 } });
  });

  it('works over fetch as in a browser', async () => {
    const server = await serve(({ method, url, nth }, response) => {
      if (nth === 0) retryLater(response, 100);
      else if (method === 'POST') defer(response);
      else if (url.includes('/outcome')) outcome(response, 200, { n: 1 });
      else json(response, 200, resource({ status: 'Succeeded', phase: 'settled' }));
    });
    const { client } = fastClient(server.origin, { axios: { adapter: 'fetch' } });
    const response = await client.post<{ n: number }>('/orders', { sku: 'a' });
    expect(response.data.n).toBe(1);
    expect(response.slackwater.attempts).toBe(2);
  });

  it('reads problems and resources also where the caller wants bytes', async () => {
    const server = await serve(({ method, url, nth }, response) => {
      if (nth === 0) retryLater(response, 100);
      else if (method === 'POST') defer(response);
      else if (url.includes('/outcome')) outcome(response, 200, { n: 1 });
      else json(response, 200, resource({ status: 'Succeeded', phase: 'settled' }));
    });
    const { client } = fastClient(server.origin);
    const { data } = await client.post<Uint8Array>('/orders', {}, { responseType: 'arraybuffer' });
    expect(Buffer.from(data).toString()).toBe('{"n":1}');
  });
});

describe('abort', () => {
  it('before anything was sent is the typed error, and a cancellation to axios', async () => {
    const server = await serve((_seen, response) => json(response, 200, {}));
    const { client } = fastClient(server.origin);
    const error = await rejection(client.get('/', { signal: AbortSignal.abort() }));
    expect(isSlackwaterError(error)).toBe(true);
    expect(error).toMatchObject({ code: 'aborted' });
    expect(axios.isCancel(error)).toBe(true);
    expect(server.seen).toHaveLength(0);
  });

  it('by a cancel token of old works as well', async () => {
    const source = axios.CancelToken.source();
    const server = await serve(() => source.cancel('enough'));
    const { client, runtime } = fastClient(server.origin);
    expect(await rejection(client.get('/', { cancelToken: source.token }))).toMatchObject({
      code: 'aborted',
    });
    expect(runtime.pending).toBe(0);
  });

  it('leaves no listener on the caller’s signal', async () => {
    const server = await serve(({ nth }, response) =>
      nth < 2 ? retryLater(response, 100) : json(response, 200, {}),
    );
    const { client } = fastClient(server.origin);
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    const counted = {
      get aborted() {
        return signal.aborted;
      },
      addEventListener: (type: 'abort', listener: () => void) => {
        listeners += 1;
        add(type, listener);
      },
      removeEventListener: (type: 'abort', listener: () => void) => {
        listeners -= 1;
        remove(type, listener);
      },
    };
    await client.post('/', {}, { signal: counted });
    expect(listeners).toBe(0);
  });
});

describe('the package', () => {
  it('imports nothing that browsers lack', () => {
    const root = new URL('../../packages/client-sdk/src/', import.meta.url);
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('.ts') && !name.startsWith('node/'),
    );
    expect(files.length).toBeGreaterThan(10);
    for (const file of files) {
      const text = readFileSync(new URL(file, root), 'utf8');
      expect(text, file).not.toMatch(/from 'node:|\bBuffer\b|\bprocess\.\w/);
    }
  });
});
