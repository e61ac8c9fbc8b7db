import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import express, { type Express } from 'express';
import request from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { resourceLimits } from '../../../../packages/middleware/src/answer/resources/limits.ts';
import { auth, claims, forged, hmacByPublicKey, signed, strangersKey } from '../../audit/issuer.ts';
import { expresses } from '../../perform/expresses.ts';
import { until } from '../../perform/until.ts';
import { base, type Office, type OfficeSetup, office } from './office.ts';

let desk: Office | undefined;
afterEach(() => desk?.close());

async function open(setup?: OfficeSetup): Promise<Office> {
  desk = await office(setup);
  return desk;
}

const settle = `${base}/work-types/settle`;
const put = (own: Office, path = settle): request.Test =>
  request(own.app).put(path).set('Authorization', own.token('admin'));
const thresholdOf = async (own: Office): Promise<number> =>
  (await request(own.app).get(settle).set('Authorization', own.token())).body.thresholdMs;

/** What may have read the body before the gate. */
const parsers: readonly (readonly [string, (app: Express) => void])[] = [
  ['nothing', () => {}],
  ['express.json', (app) => app.use(express.json())],
  ['express.text', (app) => app.use(express.text({ type: '*/*' }))],
  ['express.raw', (app) => app.use(express.raw({ type: '*/*' }))],
  ['a parser of another type', (app) => app.use(express.urlencoded({ extended: false }))],
];

describe.each(expresses)('work types under %s', (_name, framework) => {
  it('are shown to auditors and admins', async () => {
    const own = await open({ express: framework });
    const get = (name: string): request.Test => request(own.app).get(`${base}/work-types/${name}`);
    for (const scope of ['audit:read', 'admin']) {
      const { body } = await get('settle').set('Authorization', own.token(scope)).expect(200);
      expect(body).toEqual({ name: 'settle', priority: 2, exempt: false, thresholdMs: 200 });
    }
    await get(encodeURIComponent('a/b c')).set('Authorization', own.token()).expect(200);
    for (const name of ['none', '__proto__', 'constructor', 'a/b%20c', '%']) {
      await get(name).set('Authorization', own.token()).expect(404);
    }
    await get('settle').expect(404);
    await get('settle').set('Authorization', own.token('audit:reveal')).expect(404);
  });

  it.each(parsers)(
    'get another threshold while running, with %s before the gate',
    async (_parser, before) => {
      const own = await open({ express: framework, before });
      const { body } = await put(own).send({ thresholdMs: 87.5 }).expect(200);
      expect(body).toMatchObject({ name: 'settle', thresholdMs: 87.5 });
      expect(await thresholdOf(own)).toBe(87.5);
    },
  );
});

describe('PUT /work-types/:name', () => {
  it('is for admins alone', async () => {
    const own = await open();
    for (const scope of ['audit:read', 'audit:reveal', 'administrator', '']) {
      const asking = request(own.app).put(settle).set('Authorization', own.token(scope));
      await asking.send({ thresholdMs: 1 }).expect(404);
    }
    await request(own.app).put(settle).send({ thresholdMs: 1 }).expect(404);
    await put(own, `${base}/work-types/none`).send({ thresholdMs: 1 }).expect(404);
    expect(await thresholdOf(own)).toBe(200);
  });

  it.each([
    ['signed by a stranger', (wall: number) => signed(claims(wall, 'admin'), strangersKey())],
    ['of alg none', (wall: number) => forged({ alg: 'none' }, claims(wall, 'admin'))],
    [
      'signed with the public key as a secret',
      (wall: number) => forged({ alg: 'HS256' }, claims(wall, 'admin'), hmacByPublicKey),
    ],
    ['that has expired', (wall: number) => signed(claims(wall - 400_000, 'admin'))],
    ['of another audience', (wall: number) => signed({ ...claims(wall, 'admin'), aud: 'shop' })],
    ['of another issuer', (wall: number) => signed({ ...claims(wall, 'admin'), iss: `${auth.issuer}/` })],
  ])('is not there for a token %s', async (_what, tokenOf) => {
    const own = await open();
    const token = `Bearer ${tokenOf(own.clock.wallNow())}`;
    await request(own.app).put(settle).set('Authorization', token).send({ thresholdMs: 1 }).expect(404);
    expect(await thresholdOf(own)).toBe(200);
  });

  it.each([
    ['{"thresholdMs":"200"}', 'thresholdMs: "200" is a string; give a number of milliseconds.'],
    ['{"thresholdMs":null}', 'thresholdMs: null is no number; give a number'],
    ['{"thresholdMs":-1}', 'thresholdMs: -1 is not a length of time'],
    ['{"thresholdMs":1e999}', 'thresholdMs: Infinity is not a length of time'],
    ['{"thresholdMs":[200]}', 'thresholdMs: [200] is no number'],
    ['{"thresholdMs":70000}', 'is more than 60,000'],
    ['{}', 'thresholdMs is missing'],
    ['{"thresholdMs":1,"priority":1}', '"priority" can\'t be changed here'],
    ['{"__proto__":{"thresholdMs":1}}', '"__proto__" can\'t be changed here'],
    ['[]', 'must be a JSON object'],
    ['null', 'must be a JSON object'],
    ['200', 'must be a JSON object'],
    ['{"thresholdMs":', 'is not JSON'],
    ['', 'is not JSON'],
  ])('refuses %s, with the value and the way out', async (body, said) => {
    const own = await open();
    const answer = await put(own).set('Content-Type', 'application/json').send(body).expect(400);
    expect(answer.body).toMatchObject({ code: 'parameter-invalid', detail: expect.stringContaining(said) });
    expect(await thresholdOf(own)).toBe(200);
  });

  it('refuses a threshold for an exempt work type', async () => {
    const own = await open();
    const { body } = await put(own, `${base}/work-types/authorize`).send({ thresholdMs: 1 }).expect(400);
    expect(body.detail).toMatch(/authorize is exempt/);
  });

  it('reads no more than its limit, and no encoded body', async () => {
    const own = await open();
    const long = JSON.stringify({ thresholdMs: 1, padding: 'x'.repeat(20_000) });
    const answer = await put(own).set('Content-Type', 'application/json').send(long).expect(400);
    expect(answer.body.detail).toMatch(/longer than 16384 bytes/);
    expect(answer.headers['connection']).toBe('close');
    const encoded = put(own).set('Content-Type', 'application/json').set('Content-Encoding', 'gzip');
    expect((await encoded.send('{"thresholdMs":1}').expect(400)).body.detail).toMatch(/encoded \(gzip\)/);
  });

  it('does not wait without end for a body, nor for a caller who has gone', async () => {
    const own = await open();
    const server = own.app.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const half = (): ReturnType<typeof connect> => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(
        `PUT ${settle} HTTP/1.1\r\nHost: x\r\nAuthorization: ${own.token('admin')}\r\nContent-Length: 100\r\n\r\n{"thr`,
      );
      return socket;
    };
    const gone = half();
    await until(() => own.clock.pending === 1);
    gone.destroy();
    await until(() => own.clock.pending === 0);
    const slow = half();
    let text = '';
    slow.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    const closed = new Promise((resolve) => slow.once('close', resolve));
    await until(() => own.clock.pending === 1);
    own.clock.advance(resourceLimits.bodyMs);
    await closed;
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(text).toMatch(/did not come within 10000 ms/);
    expect(own.troubles).toEqual([]);
    server.close();
  });

  it('says what is amiss where something else has read the body', async () => {
    const own = await open({
      before: (app) =>
        app.use((req, _res, next) => {
          req.resume().once('end', () => next());
        }),
    });
    const { body } = await put(own).send({ thresholdMs: 1 }).expect(400);
    expect(body.detail).toMatch(/read by something before the gate/);
  });
});

describe('GET /partitions', () => {
  it('is the latency table, for auditors and admins', async () => {
    const own = await open();
    const get = (): request.Test => request(own.app).get(`${base}/partitions`);
    for (const scope of ['audit:read', 'admin']) {
      const { body } = await get().set('Authorization', own.token(scope)).expect(200);
      expect(body).toEqual({ partitions: [{ partition: 'payments', valueMs: 12.5 }] });
    }
    await get().expect(404);
    await get().set('Authorization', own.token('audit:reveal')).expect(404);
  });
});

describe('GET /health', () => {
  it.each([
    ['ready', 200],
    ['degraded', 200],
    ['starting', 503],
  ] as const)('says %s with %i, to anybody, also without a ledger and auth', async (status, code) => {
    const health = async (): Promise<{ status: typeof status; details: Record<string, unknown> }> => ({
      status,
      details: { queued: 3, status: 'not this' },
    });
    const own = await open({ parts: { health, records: undefined, verifyToken: undefined } });
    const { body, headers } = await request(own.app).get(`${base}/health`).expect(code);
    expect(body).toEqual({ status, queued: 3 });
    expect(headers['cache-control']).toBe('no-store');
  });

  it('is degraded, and tells nobody why, where it can not be told', async () => {
    const health = (): Promise<never> => Promise.reject(new Error('hunter2'));
    const own = await open({ parts: { health } });
    const { body } = await request(own.app).get(`${base}/health`).expect(200);
    expect(body).toEqual({ status: 'degraded' });
    expect(own.troubles).toHaveLength(1);
  });

  it('is answered also where it hangs', async () => {
    const own = await open({ parts: { health: () => new Promise(() => {}) } });
    const answer = request(own.app)
      .get(`${base}/health`)
      .then(({ body }) => body);
    await until(() => own.clock.pending === 1);
    own.clock.advance(resourceLimits.askMs);
    expect(await answer).toEqual({ status: 'degraded' });
  });
});
