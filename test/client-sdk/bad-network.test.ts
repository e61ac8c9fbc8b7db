import { Agent, type ServerResponse } from 'node:http';
import { freePort } from '@slackwater/test-support/free-port';
import { type NetworkProxy, startProxy } from '@slackwater/test-support/proxy';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fastClient, rejection } from './support/fast-client.ts';
import { type Handler, json, serve, type TestServer } from './support/http-server.ts';
import { defer, outcome, resource, retryLater, statusPath } from './support/wire.ts';

let proxy: NetworkProxy;
let port: number;
let running: TestServer | undefined;

beforeAll(async () => {
  port = await freePort();
  proxy = await startProxy(`127.0.0.1:${port}`);
});
afterEach(async () => {
  proxy.drop();
  await proxy.heal();
});
afterAll(() => proxy.stop());

async function behind(handler: Handler): Promise<TestServer> {
  running = await serve(handler, port);
  return running;
}

/** Answers with what is JSON so far, and goes on so. */
function endless(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  const trickle = setInterval(() => response.write(' '), 10);
  response.on('close', () => clearInterval(trickle));
}

/** Attempts have 1.5 s of real time each, and a connection of their own: none that broke before. */
const client = (options: Parameters<typeof fastClient>[1] = {}): ReturnType<typeof fastClient>['client'] =>
  fastClient(`http://${proxy.address}`, {
    attemptTimeoutMs: 150_000,
    pollWaitMs: 0,
    axios: { httpAgent: new Agent({ keepAlive: false }) },
    ...options,
  }).client;

describe('a network that is bad', () => {
  it('and slow delays an answer, and repeats nothing', async () => {
    const server = await behind((_seen, response) => json(response, 201, {}));
    proxy.delay(30);
    const { status, slackwater } = await client().post('/orders', {});
    expect([status, slackwater.attempts, server.seen.length]).toEqual([201, 1, 1]);
  });

  it('cuts an answer in its body: a GET is repeated and whole, a POST fails and is not', async () => {
    const server = await behind(({ nth, method }, response) => {
      if (nth > 0 && method === 'GET') return json(response, 200, { whole: true });
      response
        .writeHead(200, { 'content-length': '100' })
        .write('{"whole":', () => setTimeout(proxy.drop, 20));
      return undefined;
    });
    const response = await client().get('/orders');
    expect(response).toMatchObject({ data: { whole: true }, slackwater: { attempts: 2 } });
    expect(await rejection(client().post('/orders', {}))).toMatchObject({ isAxiosError: true });
    expect(server.seen.map(({ method }) => method)).toEqual(['GET', 'GET', 'POST']);
  });

  it('is half open, so that answers get lost: a POST whose server keeps keys has one effect', async () => {
    const effects = new Map<string, number>();
    const server = await behind(({ headers }, response) => {
      const key = String(headers['idempotency-key']);
      if (effects.has(key)) {
        void proxy.heal();
        return json(response, 201, { again: true });
      }
      effects.set(key, 1);
      proxy.stall('answers');
      return json(response, 201, { again: false });
    });
    const { data } = await client({ serverKeepsKeys: true }).post('/orders', {});
    expect(data).toEqual({ again: true });
    expect(effects.size).toBe(1);
    expect(server.seen.length).toBeGreaterThan(1);
  });

  it('lets an answer trickle in without end: the attempt ends all the same', async () => {
    const server = await behind(({ nth }, response) => {
      if (nth > 0) return json(response, 200, { whole: true });
      return endless(response);
    });
    const { data } = await client().get('/orders');
    expect([data, server.seen.length]).toEqual([{ whole: true }, 2]);
  });

  it('is away for a while: nothing was sent, and the POST gets through when it is back', async () => {
    const server = await behind((_seen, response) => json(response, 201, {}));
    await proxy.cut();
    const answer = client({ random: () => 0.9 }).post('/orders', {});
    setTimeout(() => void proxy.heal(), 30);
    expect((await answer).status).toBe(201);
    expect(server.seen).toHaveLength(1);
  });

  it('does not end the wait for a deferral, whatever becomes of single questions', async () => {
    let asked = 0;
    const server = await behind(({ method, url }, response) => {
      if (method === 'POST') return defer(response);
      if (url.startsWith(`${statusPath}/outcome`)) return outcome(response, 201, { order: 7 });
      asked += 1;
      if (asked === 1) return proxy.drop();
      if (asked === 2) proxy.stall('answers');
      else void proxy.heal();
      if (asked === 3) return retryLater(response, 200);
      if (asked === 4) return endless(response);
      if (asked === 5) return response.end(JSON.stringify({ ...resource(), mood: 'x'.repeat(1_048_576) }));
      const status = asked > 5 ? ({ status: 'Succeeded', phase: 'settled' } as const) : {};
      return json(response, 200, resource(status));
    });
    const response = await client().post('/orders', {});
    expect(response).toMatchObject({ status: 201, data: { order: 7 }, slackwater: { attempts: 1 } });
    expect(asked).toBe(6);
    expect(server.seen.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });
});
