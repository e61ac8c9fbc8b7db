import { slackwater } from '@slackwater/client-sdk';
import axios from 'axios';
import { describe, expect, it } from 'vitest';
import { fastClient, limits, rejection } from './support/fast-client.ts';
import { fastRuntime } from './support/fast-runtime.ts';
import { type Handler, json, serve } from './support/http-server.ts';
import {
  capability,
  defer,
  id,
  otherVerifierKey,
  outcome,
  problem,
  resource,
  statusPath,
  verifierKey,
} from './support/wire.ts';

interface State {
  status: 'NotStarted' | 'Succeeded' | 'Canceled';
}

/** A server with one deferral, whose state the test sets. */
const oneDeferral =
  (state: State): Handler =>
  ({ method, url }, response) => {
    if (method === 'POST') return defer(response);
    if (!url.includes(id)) return problem(response, 404, 'not-found');
    if (method === 'DELETE') {
      if (state.status === 'Succeeded') return problem(response, 409, 'not-cancelable');
      state.status = 'Canceled';
      return void response.writeHead(204).end();
    }
    if (url.includes('/outcome')) return outcome(response, 201, { order: 7 });
    const phase = state.status === 'NotStarted' ? 'queued' : 'settled';
    return json(response, 200, resource({ status: state.status, phase }), { 'retry-after': '1' });
  };

describe('a poller', () => {
  it('is there as soon as the request is deferred, and asks once where once is asked', async () => {
    const state: State = { status: 'NotStarted' };
    const server = await serve(oneDeferral(state));
    const { client } = fastClient(server.origin, { verifierKeys: [verifierKey] });
    const poller = await client.begin<{ order: number }>({ method: 'post', url: '/orders', data: {} });
    expect(server.seen).toHaveLength(1);
    expect(poller.deferral).toMatchObject({ id, status: 'NotStarted' });
    expect(await poller.receipt()).toMatchObject({ verified: true, entry: poller.deferral?.entry });
    expect(await poller.outcome()).toBeUndefined();
    expect(await poller.poll()).toMatchObject({ status: 'NotStarted' });
    expect(server.seen).toHaveLength(3);
    state.status = 'Succeeded';
    const response = await poller.outcome();
    expect(response).toMatchObject({ status: 201, data: { order: 7 }, slackwater: { attempts: 1 } });
    expect(await poller.pollUntilDone()).toBe(response);
  });

  it('is done where the request was answered at once', async () => {
    const server = await serve((_seen, response) => json(response, 200, { at: 'once' }));
    const { client } = fastClient(server.origin);
    const poller = await client.begin({ method: 'post', url: '/orders' });
    expect(await poller.poll()).toBeUndefined();
    expect((await poller.pollUntilDone()).data).toEqual({ at: 'once' });
    expect(String(poller)).toBe('');
    expect(await rejection(poller.cancel())).toMatchObject({ code: 'not-cancelable' });
  });

  it('rejects as the call does where that ends before it is deferred', async () => {
    const server = await serve((_seen, response) => json(response, 400, {}));
    const { client } = fastClient(server.origin);
    expect(await rejection(client.begin({ method: 'post', url: '/orders' }))).toMatchObject({ status: 400 });
  });

  it('goes on in another process from its text (D-72)', async () => {
    const state: State = { status: 'NotStarted' };
    const server = await serve(oneDeferral(state));
    const first = fastClient(server.origin).client;
    const text = String(await first.begin({ method: 'post', url: '/orders' }));
    state.status = 'Succeeded';
    const other = fastClient(server.origin, { verifierKeys: [verifierKey] }).client.deferral(text);
    expect(String(other)).toBe(text);
    const response = await other.pollUntilDone();
    expect(response).toMatchObject({
      status: 201,
      data: { order: 7 },
      slackwater: { receiptVerified: true },
    });
    expect(server.seen.at(-1)?.url).toContain(`capability=${capability}`);
  });

  it.each([
    ['its id', id],
    ['its status URL', `${statusPath}?capability=${capability}`],
  ])('goes on from %s, with the credentials of the caller’s interceptors', async (_what, known) => {
    const server = await serve(oneDeferral({ status: 'Succeeded' }));
    const instance = axios.create({ baseURL: server.origin });
    const urls: (string | undefined)[] = [];
    instance.interceptors.request.use((config) => {
      urls.push(config.url);
      config.headers.set('Authorization', 'Bearer t');
      return config;
    });
    instance.interceptors.response.use((response) => {
      urls.push(`answered ${response.status}`);
      return response;
    });
    const poller = slackwater(instance, { runtime: fastRuntime(), ...limits }).deferral(known);
    expect(server.seen).toHaveLength(0);
    expect((await poller.pollUntilDone()).data).toEqual({ order: 7 });
    expect(urls).toEqual([`${server.origin}${statusPath}`, 'answered 201']);
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer t', 'Bearer t']);
  });

  it('cancels at the server, and its call ends as canceled', async () => {
    const state: State = { status: 'NotStarted' };
    const server = await serve(oneDeferral(state));
    const { client } = fastClient(server.origin);
    const poller = await client.begin({ method: 'post', url: '/orders' });
    await poller.cancel();
    expect(poller.deferral?.status).toBe('Canceled');
    expect(await rejection(poller.pollUntilDone())).toMatchObject({ code: 'deferral-canceled' });
    await poller.cancel();
  });

  it('says so where it can no longer be canceled', async () => {
    const server = await serve(oneDeferral({ status: 'Succeeded' }));
    const { client } = fastClient(server.origin);
    expect(await rejection(client.deferral(id).cancel())).toMatchObject({
      code: 'not-cancelable',
      status: 409,
    });
  });

  it('cancels through lost answers, also where the first has done it', async () => {
    const state: State = { status: 'NotStarted' };
    const server = await serve((seen, response, request) => {
      if (seen.method !== 'DELETE') return oneDeferral(state)(seen, response, request);
      if (state.status === 'Canceled') return problem(response, 409, 'not-cancelable');
      state.status = 'Canceled';
      request.socket.destroy();
    });
    const { client } = fastClient(server.origin);
    const poller = client.deferral(id);
    await poller.cancel();
    expect(server.seen.filter(({ method }) => method === 'DELETE')).toHaveLength(2);
    expect(poller.deferral?.status).toBe('Canceled');
  });

  it('can be asked again after its wait was ended', async () => {
    const state: State = { status: 'NotStarted' };
    const server = await serve(oneDeferral(state));
    const { client } = fastClient(server.origin);
    const poller = await client.begin({ method: 'post', url: '/orders' });
    expect(await rejection(poller.pollUntilDone({ deadlineMs: 1_500 }))).toMatchObject({
      code: 'deadline-exceeded',
    });
    expect(await rejection(poller.pollUntilDone({ signal: AbortSignal.abort() }))).toMatchObject({
      code: 'aborted',
    });
    state.status = 'Succeeded';
    expect((await poller.pollUntilDone()).status).toBe(201);
  });

  it('tells the interceptors of its call how it ended', async () => {
    const state: State = { status: 'Canceled' };
    const server = await serve(oneDeferral(state));
    const instance = axios.create({ baseURL: server.origin });
    const seen: unknown[] = [];
    instance.interceptors.response.use(undefined, (error: { code: string }) => {
      seen.push(error.code);
      return Promise.reject(error);
    });
    const client = slackwater(instance, { runtime: fastRuntime(), ...limits });
    const poller = await client.begin({ method: 'post', url: '/orders' });
    expect(await rejection(poller.pollUntilDone())).toMatchObject({ code: 'deferral-canceled' });
    expect(seen).toEqual(['deferral-canceled']);
  });

  it('refuses what is no deferral, without showing it', () => {
    const { client } = fastClient('http://127.0.0.1:1');
    for (const text of ['', 'x', '{"v":1}', '{"v":2,"id":"a"}', `{"capability=${capability}`]) {
      expect(() => client.deferral(text)).toThrow(expect.objectContaining({ code: 'parameter-invalid' }));
    }
    try {
      client.deferral(`capability=${capability}`);
    } catch (error) {
      expect(String(error)).not.toContain(capability);
    }
  });

  it('refuses a text that points elsewhere', async () => {
    const server = await serve(oneDeferral({ status: 'Succeeded' }));
    const text = String(await fastClient(server.origin).client.begin({ method: 'post', url: '/orders' }));
    const { client } = fastClient('http://other.example');
    expect(() => client.deferral(text)).toThrow(expect.objectContaining({ code: 'status-url-foreign' }));
    const bare = slackwater(axios.create(), {});
    expect(() => bare.deferral(text)).toThrow(expect.objectContaining({ code: 'status-url-foreign' }));
  });

  it('checks the receipt of a deferral that was resumed', async () => {
    const server = await serve(oneDeferral({ status: 'Succeeded' }));
    const { client } = fastClient(server.origin, { verifierKeys: [otherVerifierKey] });
    expect(await rejection(client.deferral(id).pollUntilDone())).toMatchObject({
      code: 'receipt-unverified',
    });
  });

  it('is told once of a deferral, with what resumes it', async () => {
    const server = await serve(oneDeferral({ status: 'Succeeded' }));
    const notices: { id: string; resume: string }[] = [];
    const { client } = fastClient(server.origin, { onDeferred: (notice) => notices.push(notice) });
    await client.post('/orders', {});
    expect(notices).toHaveLength(1);
    expect((await client.deferral(notices[0]?.resume ?? '').pollUntilDone()).status).toBe(201);
  });
});
