import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resourceLimits } from '../../../../packages/middleware/src/answer/resources/limits.ts';
import type { Ledger } from '../../../../packages/middleware/src/ledger/open-ledger.ts';
import { signal } from '../../perform/signal.ts';
import { until } from '../../perform/until.ts';
import { base, type Office, office } from './office.ts';

let desk: Office;
let server: Server;
let port: number;

beforeEach(async () => {
  desk = await office();
  server = createServer(desk.app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await desk.close();
});

interface Held {
  readonly answer: Promise<IncomingMessage>;
  /** What has come of the body so far. */
  text(): string;
  readonly ended: Promise<void>;
  hangUp(): void;
}

/** A request that its server holds open. */
function ask(path: string, headers: Record<string, string>, method = 'GET'): Held {
  const outgoing = httpRequest({ port, host: '127.0.0.1', path, headers, method, agent: false });
  let text = '';
  const ended = signal();
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', () => {});
      response.on('close', () => ended.tell());
      resolve(response);
    });
  });
  answer.catch(() => ended.tell());
  outgoing.end();
  return { answer, text: () => text, ended: ended.happened, hangUp: () => outgoing.destroy() };
}

const waiting = (url: string, seconds: number): Held => ask(url, { Prefer: `wait=${seconds}` });
const listens = (count = 1): Promise<void> => until(() => desk.listening() === count);
const performing = { type: 'performing', token: 1 } as const;
const performed = { type: 'performed', token: 1, outcome: undefined } as const;

describe('Prefer: wait', () => {
  it('holds the request open until the deferral is settled in this process', async () => {
    const { id, url } = await desk.accept();
    const held = waiting(url, 30);
    await listens();
    await desk.step(id, performing);
    await desk.step(id, performed);
    const { statusCode, headers } = await held.answer;
    await held.ended;
    expect(statusCode).toBe(200);
    expect(headers['preference-applied']).toBe('wait=30');
    expect(headers['retry-after']).toBeUndefined();
    expect(JSON.parse(held.text())).toMatchObject({ status: 'Succeeded', outcomeKnown: false });
    expect(desk.listening()).toBe(0);
  });

  it('notices by itself what another process did', async () => {
    const { id, url } = await desk.accept();
    const held = waiting(url, 30);
    await listens();
    const other = await desk.bench.open();
    await other.ledger.step(id, performing);
    await other.ledger.step(id, performed);
    desk.clock.advance(resourceLimits.lookEveryMs);
    await held.ended;
    expect(JSON.parse(held.text())).toMatchObject({ status: 'Succeeded' });
    expect(desk.clock.now()).toBeLessThan(30_000);
  });

  it('ends when the time is up, with the state of then and the pace to ask again at', async () => {
    const { id, url } = await desk.accept();
    const held = waiting(url, 3);
    await listens();
    await desk.step(id, { type: 'postponed', token: 1, reasons: ['over-threshold'] });
    await until(
      () => desk.listening() === 0,
      () => desk.clock.advance(100),
    );
    await held.ended;
    expect((await held.answer).headers).toMatchObject({ 'preference-applied': 'wait=3', 'retry-after': '2' });
    expect(JSON.parse(held.text())).toMatchObject({ phase: 'postponed', postponements: 1 });
  });

  it('waits no longer than a minute, and says so', async () => {
    const { url } = await desk.accept();
    const held = waiting(url, 999_999_999);
    await listens();
    const from = desk.clock.now();
    await until(
      () => desk.listening() === 0,
      () => desk.clock.advance(500),
    );
    expect(desk.clock.now() - from).toBeLessThan(75_000);
    expect((await held.answer).headers['preference-applied']).toBe('wait=60');
  });

  it('is over when its caller hangs up', async () => {
    const { url } = await desk.accept();
    const held = waiting(url, 60);
    held.answer.catch(() => {});
    await listens();
    held.hangUp();
    await listens(0);
    expect(desk.clock.now()).toBe(0);
    expect(desk.clock.pending).toBe(0);
    expect(desk.troubles).toEqual([]);
  });

  it('is not waited for where the deferral is settled, or the preference is 0 or none', async () => {
    const { id, url } = await desk.accept();
    for (const prefer of ['wait=0', 'wait=-1', 'wait=1.5', 'respond-async', 'wait', 'wait="']) {
      const { headers } = await request(desk.app).get(url).set('Prefer', prefer).expect(200);
      expect(headers['preference-applied']).toBeUndefined();
    }
    await desk.step(id, performing);
    await desk.step(id, performed);
    await request(desk.app).get(url).set('Prefer', 'wait=60').expect(200);
  });

  it('does not hold a request open that may not see the deferral', async () => {
    const { id } = await desk.accept();
    await request(desk.app).get(`${base}/deferrals/${id}`).set('Prefer', 'wait=60').expect(404);
  });

  it('does not miss a change between its first look and its listening', async () => {
    const { ledger } = desk;
    let settled = false;
    const find: Ledger['find'] = async (id) => {
      const found = await ledger.find(id);
      if (!settled) {
        settled = true;
        await ledger.step(id, performing);
        await ledger.step(id, performed);
      }
      return found;
    };
    const own = await office({ records: { ledger: async () => ({ ...ledger, find }) } });
    const { url } = await desk.accept();
    const { body } = await request(own.app).get(url).set('Prefer', 'wait=60').expect(200);
    expect(body).toMatchObject({ status: 'Succeeded' });
    expect(own.clock.now()).toBe(0);
    await own.close();
  });

  it('answers 503 where the ledger ends meanwhile', async () => {
    const { url } = await desk.accept();
    const held = waiting(url, 60);
    await listens();
    await desk.opened.abandon();
    desk.clock.advance(resourceLimits.lookEveryMs);
    expect((await held.answer).statusCode).toBe(503);
    await held.ended;
    expect(JSON.parse(held.text())).toMatchObject({ code: 'retry-later', reasons: ['ledger-unavailable'] });
  });

  it('is honoured for so many requests at once, and the others are answered at once', async () => {
    await desk.close();
    desk = await office({ heldOpen: 2 });
    server.removeAllListeners('request').on('request', desk.app);
    const { id, url } = await desk.accept();
    const all = [waiting(url, 60), stream(url)];
    await listens(2);
    const { headers } = await request(desk.app).get(url).set('Prefer', 'wait=60').expect(200);
    expect(headers).toMatchObject({ 'retry-after': '2' });
    expect(headers['preference-applied']).toBeUndefined();
    const third = stream(url);
    await third.ended;
    expect(events(third)).toMatchObject([{ phase: 'queued' }]);
    await desk.step(id, performing);
    await desk.step(id, performed);
    for (const held of all) await held.ended;
    const again = await desk.accept();
    const after = waiting(again.url, 60);
    await listens();
    after.answer.catch(() => {});
    after.hangUp();
    await listens(0);
  });
});

const events = (held: Held): Record<string, unknown>[] =>
  held
    .text()
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice(6)));
const stream = (url: string, headers: Record<string, string> = {}, method = 'GET'): Held =>
  ask(url, { Accept: 'text/event-stream', ...headers }, method);

describe('Accept: text/event-stream', () => {
  it('gives the resource now, at each change, and ends when it is settled', async () => {
    const { id, url, capability } = await desk.accept();
    const held = stream(url);
    await until(() => events(held).length === 1);
    await desk.step(id, { type: 'postponed', token: 1, reasons: ['over-threshold'] });
    await until(() => events(held).length === 2);
    await desk.step(id, { type: 'performing', token: 2 });
    await until(() => events(held).length === 3);
    await desk.step(id, { type: 'performed', token: 2, outcome: undefined });
    await held.ended;
    expect(events(held).map(({ phase }) => phase)).toEqual(['queued', 'postponed', 'performing', 'settled']);
    expect(events(held)[3]).toMatchObject({ id, resourceLocation: expect.stringContaining(capability) });
    expect(held.text()).toMatch(/^retry: 1500\nid: /);
    expect((await held.answer).headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
    });
    expect(desk.listening()).toBe(0);
    expect(desk.clock.pending).toBe(0);
  });

  it('tells a reader that comes back after the end not to come again', async () => {
    const { id, url } = await desk.accept();
    await desk.step(id, performing);
    await desk.step(id, performed);
    const held = stream(url);
    await held.ended;
    const last = /^id: (.*)$/m.exec(held.text())?.[1] ?? '';
    expect((await stream(url, { 'Last-Event-ID': last }).answer).statusCode).toBe(204);
    expect((await stream(url, { 'Last-Event-ID': '0-0-0-queued' }).answer).statusCode).toBe(200);
  });

  it('says now and then that it is alive, and ends after a while', async () => {
    const { url } = await desk.accept();
    const held = stream(url);
    await until(() => events(held).length === 1 && desk.listening() === 1);
    desk.clock.advance(resourceLimits.heartbeatMs);
    await until(() => held.text().includes('\n:\n\n'));
    let ended = false;
    void held.ended.then(() => {
      ended = true;
    });
    await until(
      () => ended,
      () => desk.clock.advance(5_000),
    );
    expect(events(held)).toHaveLength(1);
    expect(desk.clock.now()).toBeLessThan(2 * resourceLimits.streamMs + 60_000);
  });

  it('is over when its reader hangs up', async () => {
    const { id, url } = await desk.accept();
    const held = stream(url);
    await until(() => events(held).length === 1 && desk.listening() === 1);
    held.hangUp();
    await listens(0);
    await desk.step(id, performing);
    await until(() => desk.clock.pending === 0);
    expect(desk.troubles).toEqual([]);
  });

  it('is cut where the ledger ends meanwhile, so that its reader comes back', async () => {
    const { url } = await desk.accept();
    const held = stream(url);
    await until(() => events(held).length === 1 && desk.listening() === 1);
    await desk.opened.abandon();
    desk.clock.advance(resourceLimits.lookEveryMs);
    await held.ended;
    expect(desk.listening()).toBe(0);
  });

  it('is JSON where that is preferred, and 404 for whom there is nothing', async () => {
    const { id, url } = await desk.accept();
    const accept = 'text/event-stream;q=0.5, application/json';
    await request(desk.app).get(url).set('Accept', accept).expect('Content-Type', /json/);
    await request(desk.app).get(url).set('Accept', 'text/html').expect('Content-Type', /json/);
    const nothing = await request(desk.app).get(`${base}/deferrals/${id}`).set('Accept', 'text/event-stream');
    expect([nothing.status, nothing.body.code]).toEqual([404, 'not-found']);
  });

  it('has a HEAD without a body', async () => {
    const { url } = await desk.accept();
    const held = stream(url, {}, 'HEAD');
    await held.ended;
    expect(held.text()).toBe('');
    expect(desk.listening()).toBe(0);
  });
});
