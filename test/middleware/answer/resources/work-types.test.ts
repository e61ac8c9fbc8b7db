import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import express, { type Express } from 'express';
import request from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { resourceLimits } from '../../../../packages/middleware/src/answer/resources/limits.ts';
import { EngineError } from '../../../../packages/middleware/src/engines/engine-error.ts';
import { auth, claims, forged, hmacByPublicKey, signed, strangersKey } from '../../audit/issuer.ts';
import { expresses } from '../../perform/expresses.ts';
import { until } from '../../perform/until.ts';
import { base, type Office, type OfficeSetup, office, workTypesOf } from './office.ts';

let desk: Office | undefined;
afterEach(async () => {
  await desk?.close();
  desk = undefined;
});

/** For what changes nothing. */
let shared: Office;
beforeAll(async () => {
  shared = await office();
});
afterAll(() => shared.close());

async function open(setup?: OfficeSetup): Promise<Office> {
  desk = await office(setup);
  return desk;
}

const settle = `${base}/work-types/settle`;
const put = (own: Office, path = settle): request.Test =>
  request(own.app).put(path).set('Authorization', own.token('admin'));
const thresholdOf = async (own: Office): Promise<unknown> =>
  (await request(own.app).get(settle).set('Authorization', own.token())).body.thresholdMs;

/** Work types whose changes the ledger does not take. */
function refusing(error: Error): ReturnType<typeof workTypesOf> {
  const { list, find, learned } = workTypesOf();
  return { list, find, learned, change: () => Promise.reject(error) };
}

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
      expect(body).toEqual({
        name: 'settle',
        priority: 2,
        exempt: false,
        thresholdMs: 200,
        whenOver: 'retry-later',
        deferWithoutAsking: false,
        acknowledge: 'deferred',
        repeatable: false,
        shadow: false,
        etag: expect.stringMatching(/^"[\w-]{16}"$/),
      });
    }
    for (const name of ['none', '__proto__', 'constructor', 'settle%20', '%']) {
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
    const own = shared;
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
    const own = shared;
    const token = `Bearer ${tokenOf(own.clock.wallNow())}`;
    await request(own.app).put(settle).set('Authorization', token).send({ thresholdMs: 1 }).expect(404);
    expect(await thresholdOf(own)).toBe(200);
  });

  it.each([
    [
      '{"thresholdMs":"200"}',
      'workTypes.settle.thresholdMs: "200" is a string; give a number of milliseconds',
    ],
    ['{"thresholdMs":null}', 'thresholdMs: null is no value here; give a number'],
    [
      '{"thresholdMs":-1}',
      'thresholdMs: -1 is a number; give a number of milliseconds from 0.001 to 3,600,000',
    ],
    ['{"thresholdMs":1e999}', 'thresholdMs: Infinity is a number; give a number of milliseconds from 0'],
    ['{"thresholdMs":3600001}', 'thresholdMs: 3600001 is a number; give a number of milliseconds from 0'],
    ['{"thresholdMs":0}', 'thresholdMs: 0 is a number; give a number of milliseconds from 0.001'],
    ['{"thresholdMs":1e12}', 'thresholdMs: 1000000000000 is a number; give a number of milliseconds from 0'],
    [
      '{"thresholdMs":"automatic"}',
      'thresholdMs: "automatic" is a string; give a number of milliseconds, or "auto"',
    ],
    ['{"thresholdMs":[200]}', 'thresholdMs: this is an array; give a number'],
    ['{}', 'it names nothing; give an object with what is to change'],
    ['{"thresholdMs":1,"priority":1}', 'workTypes.settle.priority: it is fixed while the gate runs'],
    ['{"exempt":true}', 'workTypes.settle.exempt: it is fixed while the gate runs'],
    ['{"thresholdMS":1}', 'there is no such option; did you mean thresholdMs?'],
    ['{"__proto__":{"thresholdMs":1}}', 'workTypes.settle.__proto__: there is no such option'],
    [
      '{"thresholdMs":1,"whenOver":"refuse"}',
      'whenOver: "refuse" is a string; give "retry-later" or "defer"',
    ],
    ['{"thresholdMs":1,"whenOver":"defer"}', 'whenOver is "defer", and requester and engine are not there'],
    ['{"deferWithoutAsking":true}', 'deferWithoutAsking: true where nothing is deferred'],
    ['[]', 'workTypes.settle: [] is an empty array; give an object'],
    ['null', 'workTypes.settle: null is no value here; give an object'],
    ['200', 'workTypes.settle: 200 is a number; give an object'],
  ])('refuses %s as options do, with the value and the way out, and changes nothing', async (body, said) => {
    const own = shared;
    const answer = await put(own).set('Content-Type', 'application/json').send(body).expect(422);
    expect(answer.body).toMatchObject({ code: 'change-refused', detail: expect.stringContaining(said) });
    expect(await thresholdOf(own)).toBe(200);
  });

  it.each(['{"thresholdMs":', '{"thresholdMs":NaN}', ''])('can not read %j', async (body) => {
    const own = shared;
    const answer = await put(own).set('Content-Type', 'application/json').send(body).expect(400);
    expect(answer.body).toMatchObject({
      code: 'parameter-invalid',
      detail: expect.stringContaining('is not JSON'),
    });
    expect(await thresholdOf(own)).toBe(200);
  });

  // D-22
  it('refuses a threshold for an exempt work type, which has none', async () => {
    const own = shared;
    const { body } = await put(own, `${base}/work-types/authorize`).send({ thresholdMs: 1 }).expect(422);
    expect(body.detail).toMatch(/authorize.thresholdMs: 1 on an exempt work type, which is never postponed/);
  });

  it('says who changed what when, and that it was not recorded where there is no engine', async () => {
    const own = await open();
    const { body } = await put(own).send({ thresholdMs: 150 }).expect(200);
    const changed = { by: 'token:ann', at: expect.any(String), members: ['thresholdMs'] };
    expect(body).toMatchObject({ thresholdMs: 150, changed, recorded: false });
    const shown = await request(own.app).get(settle).set('Authorization', own.token());
    expect(shown.body).toMatchObject({ thresholdMs: 150, changed });
  });

  it('takes back what was changed on DELETE', async () => {
    const own = await open();
    await put(own).send({ thresholdMs: 150 }).expect(200);
    const take = (): request.Test => request(own.app).delete(settle).set('Authorization', own.token('admin'));
    expect((await take().expect(200)).body).toMatchObject({ thresholdMs: 200, changed: { members: [] } });
    await request(own.app).delete(settle).set('Authorization', own.token()).expect(404);
  });

  it('changes only what is still as its changer saw it, where If-Match says so', async () => {
    const own = await open();
    const { headers } = await request(own.app).get(settle).set('Authorization', own.token());
    const etag = headers['etag'] ?? '';
    const first = await put(own).set('If-Match', etag).send({ thresholdMs: 150 }).expect(200);
    const late = await put(own).set('If-Match', etag).send({ thresholdMs: 300 }).expect(412);
    expect(late.body).toMatchObject({ code: 'precondition-failed' });
    await put(own).set('If-Match', `W/${first.headers['etag']}`).send({ thresholdMs: 300 }).expect(412);
    expect(await thresholdOf(own)).toBe(150);
    await put(own)
      .set('If-Match', `"other", ${first.headers['etag']}`)
      .send({ thresholdMs: 300 })
      .expect(200);
    await put(own).set('If-Match', '*').send({ thresholdMs: 310 }).expect(200);
    expect(await thresholdOf(own)).toBe(310);
    await put(own).send({ thresholdMs: 'auto' }).expect(200);
    expect(await thresholdOf(own)).toBe('auto');
  });

  it('warns of a less important work type that would tolerate more latency', async () => {
    const own = await open();
    const { body } = await put(own, `${base}/work-types/report`).send({ thresholdMs: 900 }).expect(200);
    expect(body.warnings).toEqual([
      { code: 'threshold-order', message: expect.stringMatching(/report.*settle/) },
    ]);
  });

  it('reads no more than its limit, and no encoded body', async () => {
    const own = shared;
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

describe('a change that can not be recorded', () => {
  it.each([
    ['none', { code: 'retry-later', recorded: false, reasons: ['ledger-full'] }],
    ['unknown', { code: 'record-fate-unknown', recorded: 'unknown' }],
  ] as const)('is 503, and %s of it is known to have happened', async (fate, said) => {
    const full = new EngineError('engine-full', fate, '/var/secret');
    const own = await open({ parts: { workTypes: refusing(full) } });
    const answer = await put(own).send({ thresholdMs: 150 }).expect(503);
    expect(answer.body).toMatchObject(said);
    expect(answer.headers['retry-after']).toBe('2');
    expect(JSON.stringify(answer.body)).not.toContain('secret');
    expect(own.troubles).toHaveLength(1);
  });
});

describe('PUT /work-types', () => {
  const all = `${base}/work-types`;
  const thresholds = async (own: Office): Promise<unknown> => {
    const { body } = await request(own.app).get(all).set('Authorization', own.token()).expect(200);
    return body.workTypes.map((one: { thresholdMs?: number }) => one.thresholdMs);
  };

  it('changes several at once', async () => {
    const own = await open();
    const { body } = await put(own, all).send({ settle: { thresholdMs: 20 }, report: { thresholdMs: 10 } });
    expect(body.workTypes).toMatchObject([{ thresholdMs: 20 }, { thresholdMs: 10 }]);
    expect(await thresholds(own)).toEqual([undefined, 20, 10]);
  });

  it.each([
    { settle: { thresholdMs: 20 }, report: { thresholdMs: -10 } },
    { settle: { thresholdMs: 20 }, repart: { thresholdMs: 10 } },
    { settle: { thresholdMs: 20 }, authorize: { thresholdMs: 10 } },
    {},
    [],
    null,
  ])('changes nothing where one of them is refused: %j', async (body) => {
    const own = shared;
    const text = JSON.stringify(body);
    const answer = await put(own, all).set('Content-Type', 'application/json').send(text).expect(422);
    expect(answer.body.code).toBe('change-refused');
    expect(await thresholds(own)).toEqual([undefined, 200, 80]);
  });

  it('is for admins alone', async () => {
    const own = shared;
    await request(own.app)
      .put(all)
      .send({ settle: { thresholdMs: 1 } })
      .expect(404);
    await request(own.app).put(all).set('Authorization', own.token()).send({}).expect(404);
    await request(own.app).get(all).expect(404);
  });
});
