import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { isProblem, isRetryLaterProblem } from '@slackwater/shared';
import request from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { matchPath } from '../../../../packages/middleware/src/answer/resources/match-path.ts';
import { EngineError } from '../../../../packages/middleware/src/engines/engine-error.ts';
import { LedgerError } from '../../../../packages/middleware/src/ledger/ledger-error.ts';
import { expresses } from '../../perform/expresses.ts';
import { until } from '../../perform/until.ts';
import { base, nobodys, type Office, type OfficeSetup, office } from './office.ts';

let desk: Office | undefined;
afterEach(() => desk?.close());

async function open(setup?: OfficeSetup): Promise<Office> {
  desk = await office(setup);
  return desk;
}

/** Sends a request line as it is: clients tidy paths up. */
async function rawStatus(app: Office['app'], line: string, headers = ''): Promise<string> {
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.write(`${line} HTTP/1.1\r\nHost: x\r\n${headers}Connection: close\r\n\r\n`, 'latin1');
  await new Promise((resolve) => socket.once('close', resolve));
  server.close();
  return text;
}

describe.each(expresses)('paths under %s', (_name, express) => {
  let own: Office;
  beforeAll(async () => {
    own = await office({ express });
  });
  afterAll(() => own.close());

  it.each([
    '',
    '/',
    '//',
    '/deferrals/',
    '/deferrals//outcome',
    `/deferrals/${nobodys}/`,
    `/deferrals/${nobodys}/outcome/`,
    `/deferrals/${nobodys}/outcome/x`,
    `/Deferrals/${nobodys}`,
    '/deferrals/../../etc/passwd',
    '/deferrals/..%2f..%2fetc%2fpasswd',
    '/deferrals/%00',
    '/deferrals/%',
    '/deferrals/%E0%A4%A',
    `/deferrals/${'A'.repeat(4_000)}`,
    `/deferrals/${nobodys}%0d%0aX-Evil:%201`,
    '/__proto__',
    '/constructor/prototype',
    '/metrics',
    '/deferrals/:id',
  ])('%s is not found, like anything that is not there', async (path) => {
    const { app, token, troubles } = own;
    const text = await rawStatus(
      app,
      `GET ${base}${path}`,
      `Authorization: ${token('audit:read admin')}\r\n`,
    );
    expect(text).toMatch(/^HTTP\/1\.1 404 /);
    expect(text).toMatch(/"code":"not-found"/);
    expect(text.toLowerCase()).toContain('cache-control: no-store');
    expect(text.toLowerCase()).not.toContain('\r\nx-evil');
    expect(troubles).toEqual([]);
  });

  it.each([
    ['POST', `/deferrals/${nobodys}`, 'GET, HEAD, DELETE'],
    ['PUT', `/deferrals/${nobodys}/outcome`, 'GET, HEAD'],
    ['DELETE', '/deferrals', 'GET, HEAD'],
    ['POST', '/health', 'GET, HEAD'],
    ['PATCH', '/work-types/settle', 'GET, HEAD, PUT, DELETE'],
    ['OPTIONS', '/partitions', 'GET, HEAD'],
    ['POST', '/ledger/default/checkpoint', 'GET, HEAD'],
  ])('%s %s is refused with what there is', async (method, path, allowed) => {
    const { app } = own;
    const text = await rawStatus(app, `${method} ${base}${path}`);
    expect(text).toMatch(/^HTTP\/1\.1 405 /);
    expect(/^allow: (.*)$/im.exec(text)?.[1]?.trim()).toBe(allowed);
    expect(text).toMatch(/"code":"method-not-allowed"/);
  });
});

describe('what does not exist', () => {
  it('has no methods either: without auth, and without a ledger', async () => {
    const own = await open({ parts: { verifyToken: undefined, records: undefined } });
    for (const path of ['/partitions', '/work-types/settle', '/deferrals', `/deferrals/${nobodys}`]) {
      await request(own.app)
        .post(base + path)
        .expect(404);
      await request(own.app)
        .get(base + path)
        .expect(404);
    }
    await request(own.app).get(`${base}/ledger/default/checkpoint`).expect(404);
  });
});

describe('queries and headers that are nonsense', () => {
  it.each([
    '?',
    '?&&&==',
    '?capability',
    '?%',
    '?capability=%ff%fe',
    '?capability[]=x',
    `?${'a&'.repeat(3_000)}`,
  ])('change nothing: %s', async (query) => {
    const { app, accept, troubles } = await open();
    const { id } = await accept();
    expect(await rawStatus(app, `GET ${base}/deferrals/${id}${query}`)).toMatch(/^HTTP\/1\.1 404 /);
    expect(troubles).toEqual([]);
  });

  it.each([
    ['Authorization: Bearer\r\n'],
    ['Authorization: Bearer  \r\n'],
    ['Authorization: \xff\xfe\r\n'],
    [`Authorization: Bearer ${'a.'.repeat(5_000)}\r\n`],
    ['Authorization: Bearer a b\r\n'],
  ])('grant nothing: %j', async (header) => {
    const { app } = await open();
    expect(await rawStatus(app, `GET ${base}/partitions`, header)).toMatch(/^HTTP\/1\.1 404 /);
  });

  it.each([
    ['Accept: ;;;,\xff\r\n'],
    [`Accept: ${'a/b,'.repeat(2_000)}\r\n`],
    ['Prefer: wait="\\\r\n'],
    ['Prefer: ;=,;\r\n'],
  ])('are read as nothing: %j', async (header) => {
    const { app, accept } = await open();
    const { url } = await accept();
    expect(await rawStatus(app, `GET ${url}`, header)).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe("the ledger's trouble", () => {
  it.each([
    [new EngineError('engine-timeout', 'none', '/var/secret'), 'ledger-timeout'],
    [new EngineError('engine-full', 'none', '/var/secret'), 'ledger-full'],
    [new EngineError('engine-unavailable', 'none', '/var/secret'), 'ledger-unavailable'],
    [new EngineError('engine-closed', 'none', '/var/secret'), 'ledger-unavailable'],
    [new LedgerError('ledger-truncated', '/var/secret'), 'ledger-unavailable'],
    [new LedgerError('key-file-unreadable', '/var/secret'), 'ledger-unavailable'],
  ])('is 503 with the reason, and no particulars: %s', async (error, reason) => {
    const { app, troubles } = await open({ records: { ledger: () => Promise.reject(error) } });
    const { body, text, headers } = await request(app).get(`${base}/deferrals/${nobodys}`).expect(503);
    expect(isRetryLaterProblem(body)).toBe(true);
    expect(body).toMatchObject({ reasons: [reason], recorded: false });
    expect(headers).toMatchObject({ 'retry-after': '2', 'cache-control': 'no-store' });
    expect(text).not.toContain('secret');
    expect(troubles).toMatchObject([{ doing: 'answering GET /deferrals/:id', error }]);
  });

  it('is 503 while the ledger takes its time to open', async () => {
    const { app, clock, token } = await open({ records: { ledger: () => new Promise(() => {}) } });
    for (const path of [`/deferrals/${nobodys}`, '/ledger/default/checkpoint']) {
      const answer = request(app)
        .get(base + path)
        .set('Authorization', token())
        .then((response) => response);
      await until(() => clock.pending === 1);
      clock.advance(5_000);
      expect(await answer).toMatchObject({ status: 503, body: { reasons: ['ledger-timeout'] } });
    }
  });

  it.each([
    ['throws a text', () => Promise.reject('hunter2')],
    [
      'throws at once',
      () => {
        throw new Error('hunter2');
      },
    ],
  ])('of an unforeseen kind is 500 without a word of it: %s', async (_what, ledger) => {
    const { app, troubles } = await open({ records: { ledger } });
    const { body, text } = await request(app).get(`${base}/deferrals/${nobodys}`).expect(500);
    expect(isProblem(body)).toBe(true);
    expect(body.code).toBe('internal-error');
    expect(text).not.toContain('hunter2');
    expect(troubles).toHaveLength(1);
  });

  it('is answered also where whoever is told of it throws', async () => {
    const tellTrouble = (): never => {
      throw new Error('hunter2');
    };
    const { app } = await open({ parts: { tellTrouble, partitions: tellTrouble } });
    const own = desk?.token() ?? '';
    await request(app).get(`${base}/partitions`).set('Authorization', own).expect(500);
  });
});

describe('a path and a pattern', () => {
  const pattern = ['work-types', ':name'];
  it('match segment by segment, decoded', () => {
    expect(matchPath(pattern, '/work-types/a%2Fb')).toEqual({ name: 'a/b' });
    expect(matchPath(pattern, '/work-types/__proto__')).toEqual({ name: '__proto__' });
    expect(matchPath(pattern, 'work-types/a')).toBeUndefined();
    expect(matchPath(pattern, '/work-types/%')).toBeUndefined();
    expect(matchPath(pattern, '/work-types/')).toBeUndefined();
  });
});
