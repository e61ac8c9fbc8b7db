import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isDeferralResource } from '@slackwater/shared';
import request from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import type { Outcome } from '../../../../packages/middleware/src/ledger/deferral.ts';
import { expresses } from '../../perform/expresses.ts';
import { base, type Office, type OfficeSetup, office } from './office.ts';

let desk: Office | undefined;
afterEach(() => desk?.close());

async function open(setup?: OfficeSetup): Promise<Office> {
  desk = await office(setup);
  return desk;
}

const outcomeOf = (url: string): string => url.replace('?', '/outcome?');

interface Raw {
  readonly status: number;
  readonly rawHeaders: readonly string[];
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** As it comes from the socket: nothing decodes, joins or follows. */
async function raw(app: Office['app'], path: string, method = 'GET'): Promise<Raw> {
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await new Promise<Raw>((resolve, reject) => {
      const outgoing = httpRequest({ port, host: '127.0.0.1', path, method, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const { statusCode = 0, rawHeaders, headers } = response;
          resolve({ status: statusCode, rawHeaders, headers, body: Buffer.concat(chunks) });
        });
      });
      outgoing.on('error', reject);
      outgoing.end();
    });
  } finally {
    server.close();
  }
}

const text = (body: string): Buffer => Buffer.from(body);

describe.each(expresses)('GET /deferrals/:id/outcome under %s', (_name, express) => {
  it('is 202 and pending, with the resource and a pace, until the deferral is settled', async () => {
    const { app, accept, step } = await open({ express });
    const { id, url } = await accept();
    for (const type of ['queued', 'performing'] as const) {
      if (type === 'performing') await step(id, { type, token: 1 });
      const { headers, body } = await request(app).get(outcomeOf(url)).expect(202);
      expect(headers).toMatchObject({
        'slackwater-outcome': 'pending',
        'retry-after': '2',
        'cache-control': 'no-store',
      });
      expect(isDeferralResource(body)).toBe(true);
      expect(body.phase).toBe(type);
    }
  });

  it("is then the route's own answer, byte for byte", async () => {
    const { app, accept, perform } = await open({ express });
    const { id, url } = await accept();
    const body = randomBytes(100_000);
    await perform(id, {
      status: 201,
      headers: [
        ['content-type', 'application/octet-stream'],
        ['etag', '"v1"'],
        ['cache-control', 'private, max-age=60'],
        ['location', '/payments/4711'],
        ['link', '</a>; rel="next"'],
        ['link', '</b>; rel="prev"'],
        ['x-latin', 'caf\u00e9'],
        ['date', 'Thu, 01 Jan 2026 00:00:00 GMT'],
      ],
      body,
    });
    const answer = await raw(app, outcomeOf(url));
    expect(answer.status).toBe(201);
    expect(answer.body.equals(body)).toBe(true);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': '100000',
      etag: '"v1"',
      'cache-control': 'private, max-age=60',
      location: '/payments/4711',
      link: '</a>; rel="next", </b>; rel="prev"',
      'x-latin': 'caf\u00e9',
      date: 'Thu, 01 Jan 2026 00:00:00 GMT',
      'slackwater-outcome': 'final',
    });
    expect(answer.rawHeaders.filter((name) => name.toLowerCase() === 'link')).toHaveLength(2);
  });

  it.each([202, 302, 404, 409, 503])('is final also where the route itself answered %i', async (status) => {
    const { app, accept, perform, fail } = await open({ express });
    const { id, url } = await accept();
    const outcome: Outcome = { status, headers: [['retry-after', '7']], body: text('its own') };
    await (status < 400 ? perform(id, outcome) : fail(id, outcome));
    const answer = await raw(app, outcomeOf(url));
    expect([answer.status, answer.body.toString()]).toEqual([status, 'its own']);
    expect(answer.headers).toMatchObject({ 'slackwater-outcome': 'final', 'retry-after': '7' });
  });

  it.each([204, 304])('has neither body nor length where the route answered %i', async (status) => {
    const { app, accept, perform } = await open({ express });
    const { id, url } = await accept();
    await perform(id, { status, headers: [['etag', '"x"']], body: new Uint8Array() });
    const answer = await raw(app, outcomeOf(url));
    expect([answer.status, answer.body.length]).toEqual([status, 0]);
    expect(answer.headers['content-length']).toBeUndefined();
    expect(answer.headers['transfer-encoding']).toBeUndefined();
    expect(answer.headers).toMatchObject({ etag: '"x"', 'slackwater-outcome': 'final' });
  });

  it('of a HEAD has no body, and a length that is true', async () => {
    const { app, accept, perform } = await open({ express });
    const { id, url } = await accept();
    await perform(id, { status: 200, headers: [['content-length', '4711']], body: new Uint8Array() });
    expect(await raw(app, outcomeOf(url))).toMatchObject({ status: 200, headers: { 'content-length': '0' } });
  });

  it('is asked for by HEAD without its body', async () => {
    const { app, accept, perform } = await open({ express });
    const { id, url } = await accept();
    await perform(id, { status: 200, headers: [], body: text('twelve bytes') });
    const answer = await raw(app, outcomeOf(url), 'HEAD');
    expect(answer.body.length).toBe(0);
    expect(answer.headers).toMatchObject({ 'content-length': '12', 'slackwater-outcome': 'final' });
  });

  it('sends no cookie, nothing of another connection, and no other word on being final', async () => {
    const { app, accept, perform } = await open({ express });
    const { id, url } = await accept();
    await perform(id, {
      status: 200,
      headers: [
        ['set-cookie', 'session=1'],
        ['transfer-encoding', 'chunked'],
        ['connection', 'upgrade'],
        ['upgrade', 'h2c'],
        ['keep-alive', 'timeout=999'],
        ['trailer', 'x'],
        ['content-length', '1'],
        ['slackwater-outcome', 'pending'],
      ],
      body: text('whole'),
    });
    const { headers, body } = await raw(app, outcomeOf(url));
    expect(body.toString()).toBe('whole');
    for (const name of ['set-cookie', 'transfer-encoding', 'upgrade', 'trailer']) {
      expect(headers[name]).toBeUndefined();
    }
    expect(headers).toMatchObject({ 'content-length': '5', 'slackwater-outcome': 'final' });
    expect(headers['keep-alive']).not.toBe('timeout=999');
  });

  it('is kept by no cache where the route said nothing of caches', async () => {
    const { app, accept, perform } = await open({ express });
    const { id, url } = await accept();
    await perform(id, { status: 200, headers: [], body: text('x') });
    expect((await raw(app, outcomeOf(url))).headers['cache-control']).toBe('no-store');
  });
});

describe('the outcome of one whose requester was erased', () => {
  it('is gone for good: 410, without the word that it is the route', async () => {
    const own = await open({ ledger: { keyCacheMs: 1 } });
    const { id, url } = await own.accept();
    await own.perform(id, { status: 201, headers: [], body: Buffer.from('made') });
    const { requester } = (await own.ledger.find(id)) ?? { requester: '' };
    await own.opened.engine.wrappedKeys.destroy(`requester/${requester}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const answer = await request(own.app).get(outcomeOf(url)).expect(410);
    expect(answer.body).toMatchObject({ code: 'requester-erased' });
    expect(answer.headers['slackwater-outcome']).toBeUndefined();
    const status = await request(own.app).get(url).expect(200);
    expect(status.body).toMatchObject({ id, status: 'Succeeded' });
  });
});

describe('a settled deferral without an outcome', () => {
  async function missing(prepare: (office: Office, id: string) => Promise<unknown>): Promise<string> {
    const own = await open();
    const { id, url } = await own.accept();
    await prepare(own, id);
    const { headers, body } = await request(own.app).get(outcomeOf(url)).expect(404);
    expect(headers['slackwater-outcome']).toBeUndefined();
    expect(headers['retry-after']).toBeUndefined();
    expect(body.code).toBe('not-found');
    return body.detail;
  }

  it('that was canceled', async () => {
    const error = { code: 'canceled-by-requester', message: 'x' } as const;
    expect(await missing((own, id) => own.step(id, { type: 'canceled', error }))).toMatch(/canceled/);
  });

  it('whose answer was lost', async () => {
    expect(await missing((own, id) => own.perform(id, undefined))).toMatch(/work is done.*not known/);
  });

  it('that failed without an answer', async () => {
    const error = { code: 'attempt-timed-out', message: 'x' } as const;
    const step = { type: 'failed', token: 1, outcome: undefined, error } as const;
    expect(await missing((own, id) => own.step(id, step))).toMatch(/failed without an answer/);
  });

  it('whose outcome has expired', async () => {
    const detail = await missing(async (own, id) => {
      await own.perform(id, { status: 200, headers: [], body: text('x') });
      await own.opened.engine.store.delete(`outcome/${id}/1`);
    });
    expect(detail).toMatch(/no longer kept/);
  });

  it('whose outcome was altered, which is told to the owner', async () => {
    const detail = await missing(async (own, id) => {
      await own.perform(id, { status: 200, headers: [], body: text('x') });
      const kept = await own.opened.engine.store.get(`outcome/${id}/1`);
      const value = Buffer.from(kept?.value ?? []);
      value.writeUInt8(value.readUInt8(value.length - 1) ^ 1, value.length - 1);
      await own.opened.engine.store.put(`outcome/${id}/1`, value);
    });
    expect(detail).toMatch(/not the one whose digest/);
    expect(desk?.troubles).toMatchObject([{ error: { code: 'record-corrupt' } }]);
  });
});

describe('an outcome', () => {
  it('is for its caller, its requester, and auditors who may reveal', async () => {
    const { app, accept, perform, token } = await open();
    const { id } = await accept({ requester: 'alice' });
    await perform(id, { status: 200, headers: [], body: text('secret') });
    const path = `${base}/deferrals/${id}/outcome`;
    await request(app).get(path).expect(404);
    await request(app).get(path).set('X-User', 'mallory').expect(404);
    await request(app).get(path).set('Authorization', token('audit:read')).expect(404);
    await request(app).get(path).set('Authorization', token('admin')).expect(404);
    await request(app).get(path).set('X-User', 'alice').expect(200);
    const revealing = token('audit:read audit:reveal');
    const without = await request(app).get(path).set('Authorization', revealing).expect(400);
    expect(without.body).toMatchObject({
      code: 'parameter-invalid',
      detail: expect.stringMatching(/^purpose: /),
    });
    await request(app).get(`${path}?purpose=dispute`).set('Authorization', revealing).expect(200);
    // Of a reveal the ledger has an entry, and of what its requester reads none.
    const entries = await request(app).get(`${base}/deferrals/${id}/entries`).set('Authorization', revealing);
    const last = entries.body.entries.map(({ entry }: { entry: string }) => JSON.parse(entry)).slice(3);
    expect(last).toMatchObject([
      { type: 'revealed', parameters: ['outcome'], by: 'token:ann', purpose: 'dispute' },
    ]);
  });

  it('lets scripts of another origin read what they need, by the words of this response and not of that one', async () => {
    const { app, accept, perform } = await open({
      before: (own) =>
        own.use((_req, res, next) => {
          res.setHeader('Access-Control-Allow-Origin', 'https://here.example');
          next();
        }),
    });
    const { id, url } = await accept();
    await perform(id, {
      status: 200,
      headers: [['access-control-allow-origin', 'https://elsewhere.example']],
      body: text('x'),
    });
    const { headers } = await raw(app, outcomeOf(url));
    expect(headers['access-control-allow-origin']).toBe('https://here.example');
    expect(headers['access-control-expose-headers']).toContain('Slackwater-Outcome');
  });
});
