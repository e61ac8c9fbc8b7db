import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import {
  defineOperation,
  type Engine,
  external,
  type Gate,
  nameFunction,
  type SlackwaterOptions,
  type StandardSchema,
  slackwater,
  sqliteEngine,
  type,
} from '@slackwater/middleware';
import { observe } from '@slackwater/middleware/node-sqlite';
import { type DeferralResource, isDeferralResource } from '@slackwater/shared';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auth, claims, signed } from '../middleware/audit/issuer.ts';

const admin = { authorization: `Bearer ${signed(claims(Date.now(), 'admin'))}` };
let directory: string;
/** What the tasks of these tests do, by the word that they are given. */
const doings: Record<string, () => unknown> = {
  ok: () => ({ result: 'ok' }),
  'nothing at all': () => undefined,
  null: () => null,
  'a list': () => ['ok'],
  'not what is declared': () => ({ other: 1 }),
  'more than is declared': () => ({ result: 1, constructor: 1 }),
  __proto__: () => JSON.parse('{"result":1,"__proto__":{"a":1}}'),
  'too much': () => ({ result: 'x'.repeat(1_100_000) }),
  'a BigInt': () => ({ result: 1n }),
  'a circle': () => {
    const circle: Record<string, unknown> = {};
    circle['result'] = circle;
    return circle;
  },
  'a pit': () => ({ result: JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`) }),
  'half a character': () => ({ result: '\ud800' }),
  'a getter that throws': () => ({
    get result() {
      throw new Error('no');
    },
  }),
  'a revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  'throws undefined': () => {
    throw undefined;
  },
  'throws what has no text': () => {
    throw Object.create(null);
  },
  'throws what throws': () => {
    throw {
      toString() {
        throw new Error('no');
      },
      toJSON() {
        throw new Error('no');
      },
    };
  },
  'throws a revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    throw proxy;
  },
  'throws an error that lies': () => {
    throw Object.defineProperty(new Error('no'), 'message', {
      get() {
        throw new Error('no');
      },
    });
  },
};

const doing = defineOperation({
  name: 'doing',
  version: '1',
  input: { word: type<string>() },
  tasks: {
    constructor: {
      inputs: ['word'],
      outputs: { result: type<unknown>() },
      run: ({ word }) => doings[word]?.() as { result: unknown },
    },
  },
});
const asking = defineOperation({
  name: 'asking',
  version: '1',
  tasks: { ask: { inputs: [external('code', type<unknown>())], run: () => ({}) } },
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

interface Host {
  readonly gate: Gate;
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  close(): Promise<void>;
}

async function host(
  name: string,
  mount: (app: express.Express, gate: Gate) => void,
  options: SlackwaterOptions = {},
): Promise<Host> {
  const gate = slackwater({
    application: 'travel',
    engine: sqliteEngine({ directory: join(directory, name) }),
    auth,
    requester: (req) => req.headers['x-customer']?.toString(),
    ...options,
    ledger: { engineTimeoutMs: 30_000 },
    perform: { leaseMs: 2_000, lookEveryMs: 50, lookCapMs: 200 },
  });
  const app = express();
  app.use(gate);
  mount(app, gate);
  app.use((error: Error, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
    res.status(500).json({ message: error.message });
  });
  const http = createServer(app);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  await gate.start();
  const base = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return {
    gate,
    async ask(method, path, body, headers = {}) {
      const asJson = body === undefined ? {} : { 'content-type': 'application/json' };
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const response = await fetch(new URL(path, base), {
        method,
        headers: { 'x-customer': 'ann', ...asJson, ...headers },
        ...(text !== undefined && { body: text }),
      });
      const answer = await response.text();
      const isJson = /json/.test(response.headers.get('content-type') ?? '');
      return {
        status: response.status,
        headers: response.headers,
        body: isJson ? JSON.parse(answer) : answer,
      };
    },
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
      await gate.close();
    },
  };
}

function resourceOf({ body }: Answer): DeferralResource {
  if (!isDeferralResource(body)) throw new Error(`no deferral resource: ${JSON.stringify(body)}`);
  return body;
}

async function settled({ ask }: Host, id: string): Promise<DeferralResource> {
  for (;;) {
    const found = resourceOf(
      await ask('GET', `/slackwater/deferrals/${id}`, undefined, { prefer: 'wait=30' }),
    );
    if (found.phase === 'settled') return found;
  }
}

const told: unknown[] = [];
const confirmed: unknown[] = [];
const digits: StandardSchema<string> = {
  '~standard': {
    version: 1,
    vendor: 'slackwater-test',
    validate: (value) =>
      /^\d+$/.test(String(value)) ? { value: String(value) } : { issues: [{ message: 'give digits' }] },
  },
};
const confirming = defineOperation({
  name: 'confirming',
  version: '1',
  tasks: {
    begin: { outputs: { begun: type<boolean>() }, run: () => ({ begun: true }), rollback: () => {} },
    confirm: {
      inputs: ['begun', external('code', type<string>())],
      run: ({ code }) => {
        confirmed.push(code);
        return {};
      },
    },
  },
});
const checked = defineOperation({
  name: 'checked',
  version: '1',
  tasks: { confirm: { inputs: [external('code', digits)], run: () => ({}) } },
});
const confirm = nameFunction('confirm', '1', ({ code }: { code: string }) => void confirmed.push(code));
const stored = {
  name: 'stored',
  version: '1',
  tasks: { confirm: { inputs: [{ external: 'code' }], run: { function: 'confirm', version: '1' } } },
};

let here: Host;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slackwater-operations-broken-'));
  here = await host('here', (app, gate) => {
    const input = (req: express.Request) => req.body as never;
    app.post('/doing', gate.operations.handler(doing, input, { waitMs: 30_000 }));
    app.post(
      '/asking',
      gate.operations.handler(asking, () => ({}), { waitMs: 0 }),
    );
    gate.operations.functions(nameFunction('constructor', '1', () => ({})));
    app.post(
      '/operations/:name',
      gate.operations.handler((req) => String(req.params['name']), input, { waitMs: 30_000 }),
    );
    const answers: Record<string, (outputs: unknown) => unknown> = {
      circle: () => {
        const circle: Record<string, unknown> = {};
        return Object.assign(circle, { circle });
      },
      bigint: () => 1n,
      // What the gate would throw for a caller's fault.
      slackwater: () => gate.operations.start('nobody knows it', {} as never),
      undefined: () => undefined,
    };
    for (const [name, answer] of Object.entries(answers)) {
      const answered = defineOperation({ name, version: '1', tasks: { a: { run: () => ({}) } } });
      const handler = gate.operations.handler(answered, () => ({}), { waitMs: 30_000, answer, status: 203 });
      app.post(`/answers/${name}`, handler);
    }
    const empty = defineOperation({ name: 'empty', version: '1', tasks: { a: { run: () => ({}) } } });
    app.post(
      '/empty',
      gate.operations.handler(empty, () => ({}), { waitMs: 30_000, status: 204 }),
    );
    gate.on('trouble', ({ doing }) => told.push(doing));
    app.post(
      '/nothing',
      gate.operations.handler(() => undefined as never, input),
    );
  });
});

afterAll(async () => {
  await here.close();
  await rm(directory, { recursive: true, force: true });
});

describe.concurrent('a route that starts an operation, of those who mean it no good', () => {
  it.for(Object.keys(doings).filter((word) => word !== 'ok'))(
    'is answered 422 where a task answers badly: %s',
    async (word) => {
      const answer = await here.ask('POST', '/doing', { word });
      expect(answer).toMatchObject({
        status: 422,
        body: { code: 'operation-undone', failed: [{ task: 'constructor' }] },
      });
    },
  );

  it.for([
    ['null', 'null'],
    ['a text', '"word"'],
    ['a number', '1'],
    ['a list', '[{"word":"ok"}]'],
    ['nothing', undefined],
    ['an empty object', '{}'],
    ['another label', '{"words":"ok"}'],
    ['one label more', '{"word":"ok","constructor":1}'],
    ['__proto__', '{"__proto__":{"word":"ok"}}'],
    ['__proto__ beside it', '{"word":"ok","__proto__":{"a":1}}'],
    ['a pit', `{"word":${'['.repeat(50_000)}${']'.repeat(50_000)}}`],
    ['half a character', '{"word":"\\ud800"}'],
  ])('starts nothing with an input that the operation can not have: %s', async ([, text]) => {
    expect((await here.ask('POST', '/doing', text)).body).toMatchObject({
      code: 'input-refused',
      status: 422,
    });
  });

  it('starts nothing with what is no JSON, or too long', async () => {
    expect((await here.ask('POST', '/doing', '{"word":')).status).toBeGreaterThanOrEqual(400);
    const tooLong = await here.ask('POST', '/doing', { word: 'x'.repeat(3_000_000) });
    expect(tooLong.body).toMatchObject({ code: expect.stringMatching(/^(request-invalid|input-refused)$/) });
    expect((await here.ask('POST', '/nothing', {})).body).toMatchObject({
      message: expect.stringContaining('is no operation'),
    });
    for (const name of ['constructor', '__proto__', '%00', '..%2f', encodeURIComponent('x'.repeat(5_000))]) {
      expect((await here.ask('POST', `/operations/${name}`, {})).status).toBe(404);
    }
  });

  it('takes no inputs of others, none that are none, and none after the end', async () => {
    const { id } = resourceOf(await here.ask('POST', '/asking', {}));
    const url = `/slackwater/deferrals/${id}/inputs`;
    const bodies = [
      'null',
      '1',
      '"code"',
      '[]',
      '{"__proto__":1}',
      '{"constructor":1}',
      '{"code":1,"more":1}',
    ];
    for (const body of bodies) {
      expect((await here.ask('POST', url, body)).body).toMatchObject({ code: 'input-refused' });
    }
    for (const body of ['', '{', '{"code":']) {
      expect((await here.ask('POST', url, body)).body).toMatchObject({ code: 'parameter-invalid' });
    }
    expect((await here.ask('POST', url, { code: 1 }, { 'x-customer': 'bob' })).status).toBe(404);
    expect((await here.ask('POST', url, {})).status).toBe(200);
    const deep = `{"code":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
    expect((await here.ask('POST', url, deep)).body).toMatchObject({ code: 'input-refused' });
    expect(
      (await here.ask('DELETE', `/slackwater/deferrals/${id}`, undefined, { 'x-customer': 'bob' })).status,
    ).toBe(404);
    const canceled = await Promise.all(
      [1, 2, 3].map(() => here.ask('DELETE', `/slackwater/deferrals/${id}`)),
    );
    for (const { status } of canceled) expect([200, 202]).toContain(status);
    expect(await settled(here, id)).toMatchObject({ status: 'Canceled' });
    expect((await here.ask('POST', url, { code: 1 })).body).toMatchObject({ code: 'operation-settled' });
    expect((await here.ask('DELETE', `/slackwater/deferrals/${id}`)).status).toBe(200);
  });

  it.for([-1, Number.NaN, Number.POSITIVE_INFINITY, 1.5, 60_001, '1', null])(
    'is made with no waitMs that is none: %s',
    (waitMs) => {
      expect(() =>
        here.gate.operations.handler(doing, () => ({ word: '' }), { waitMs: waitMs as number }),
      ).toThrow(expect.objectContaining({ code: 'option-invalid' }));
    },
  );

  it('stores no definition that can not be run, and says why', async () => {
    const url = '/slackwater/operations/definitions/bad';
    const run = { function: 'constructor', version: '1' };
    const bad = { name: 'bad', version: '1', tasks: { a: { run } } };
    const put = async (definition: unknown, headers: Record<string, string> = admin) =>
      (await here.ask('PUT', url, definition, headers)) as Answer & { body: { detail: string } };
    expect((await put(bad, {})).status).toBe(404);
    const pit = 'a pit';
    const textOf = (definition: unknown) =>
      JSON.stringify(definition).replace(JSON.stringify(pit), '['.repeat(20_000) + ']'.repeat(20_000));
    const many = Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`task ${i}`, { run }]));
    const all: readonly unknown[] = [
      { ...bad, tasks: { a: { run, after: ['b'] }, b: { run, after: ['a'] } } },
      { ...bad, tasks: { a: { run, after: ['a'] } } },
      { ...bad, tasks: many },
      { ...bad, tasks: {} },
      { ...bad, tasks: [] },
      { ...bad, tasks: { a: null } },
      { ...bad, tasks: { a: { run: 'constructor' } } },
      { ...bad, tasks: { a: { run: { function: 'toString', version: '1' } } } },

      { ...bad, tasks: { a: { run, outputs: ['x'], validate: { x: { matches: '(' } } } } },
      { ...bad, tasks: { a: { run, outputs: ['x'], validate: { x: { equals: pit } } } } },
      { ...bad, tasks: { a: { run, outputs: ['x'], validate: { x: { equals: '\ud800' } } } } },
      { ...bad, tasks: { a: { run, outputs: pit } } },
      { ...bad, tasks: { a: { run, outputs: ['\ud800'] } } },
      { ...bad, version: 1 },
      { ...bad, version: '' },
      { ...bad, more: 1 },
      { name: 'bad' },
    ];
    const answers = [];
    for (const definition of all) answers.push((await put(textOf(definition))).body);
    expect(answers.map((body) => (body as { code?: string }).code ?? body)).toEqual(
      all.map(() => 'change-refused'),
    );
    for (const text of ['null', '1', '"bad"', '[]', '[{"name":"bad"}]']) {
      expect((await put(text)).body).toMatchObject({ code: 'change-refused' });
    }
    for (const text of ['', '{', 'x'.repeat(1_000_000)]) {
      expect((await put(text)).body).toMatchObject({ code: 'parameter-invalid' });
    }
    expect((await here.ask('GET', url, undefined, admin)).status).toBe(404);
  });
});

it.for(['circle', 'bigint', 'slackwater'])(
  'says so where its answer can not be made, at once and later, and what is done stays done: %s',
  async (name) => {
    const path = `/answers/${name}`;
    expect(await here.ask('POST', path, {})).toMatchObject({ status: 500, body: { code: 'internal-error' } });
    expect(told).toContain(`making the answer of operation ${name}`);
    const answer = await here.ask('POST', path, {}, { prefer: 'wait=0' });
    // It may have been in time all the same.
    if (answer.status === 500) return;
    const { id, resourceLocation } = resourceOf(answer);
    expect(await settled(here, id)).toMatchObject({
      status: 'Succeeded',
      operation: { status: 'succeeded' },
    });
    expect((await here.ask('GET', resourceLocation)).body).toMatchObject({ code: 'not-found' });
  },
);

it('answers with the status that it was told to, and no body, where its answer is none', async () => {
  expect(await here.ask('POST', '/answers/undefined', {})).toMatchObject({ status: 203, body: '' });
  const { status, headers } = await here.ask('POST', '/empty', {});
  expect([status, headers.get('content-length'), headers.get('content-type')]).toEqual([204, null, null]);
});

it('parks what a deployment has no functions for, says so, and goes on when they are there, redriven or not, each task once', async () => {
  const sqlite = sqliteEngine({ directory: join(directory, 'deployed') });
  let opened: Awaited<ReturnType<Engine['open']>> | undefined;
  const engine: Engine = {
    ...sqlite,
    async open(terms) {
      opened = await sqlite.open(terms);
      return opened;
    },
  };
  const options: SlackwaterOptions = {
    workTypes: { later: { priority: 2, whenOver: 'defer', candidates: 'always', deferWithoutAsking: true } },
    routes: { 'POST /later': { workType: 'later', partition: 'travel' } },
  };
  const observation = observe(new DatabaseSync(':memory:'), { partition: 'travel', ensure: true });
  const before = await host(
    'deployed',
    (app, gate) => {
      app.post(
        ['/confirming', '/later'],
        gate.operations.handler(confirming, () => ({}), { waitMs: 0 }),
      );
      gate.operations.functions(confirm);
      app.post(
        '/checked',
        gate.operations.handler(checked, () => ({}), { waitMs: 0 }),
      );
      app.post(
        '/stored',
        gate.operations.handler('stored', () => ({}), { waitMs: 0 }),
      );
    },
    { ...options, engine },
  );
  await before.gate.operations.define(stored);
  const asked = await Promise.all(
    ['/confirming', '/later', '/stored', '/confirming', '/checked'].map((path) =>
      before.ask('POST', path, {}),
    ),
  );
  const [now = '', later = '', data = '', doomed = '', careful = ''] = asked.map(
    (answer) => resourceOf(answer).id,
  );
  expect(resourceOf(asked[1] as Answer)).toMatchObject({ workType: 'later', phase: 'queued' });
  const all = [now, later, data, doomed, careful];
  const urlOf = (id: string) => `/slackwater/deferrals/${id}`;
  const waiting = { timeout: 30_000 };
  for (const id of all) {
    await expect
      .poll(async () => resourceOf(await before.ask('GET', urlOf(id))).operation, waiting)
      .toMatchObject({ status: 'running', waitsFor: ['code'] });
  }
  // What ties a deferral to its run is kept for as long as the run goes on: else the route would be tried again, and begin another run.
  const link = `operation/for/${later}`;
  const dayMs = 86_400_000;
  const tied = await opened?.store.get(link);
  await opened?.store.put(link, tied?.value ?? Buffer.from(''), { expiresAt: Date.now() + dayMs });
  await expect
    .poll(async () => (await opened?.store.get(link))?.expiresAt, waiting)
    .toBeGreaterThan(Date.now() + 3 * dayMs);
  await before.close();

  const after = await host('deployed', () => {}, options);
  const parkedRuns: string[] = [];
  after.gate.on('operation', (event) => {
    if (event.type === 'operation-parked') parkedRuns.push(event.id);
  });
  const parked = {
    status: 'Running',
    phase: 'parked',
    operation: { status: 'parked', error: 'function-missing' },
  };
  // What waits for values has no need of functions.
  const parking = [now, later, data, doomed];
  for (const [code, id] of parking.entries()) {
    expect((await after.ask('POST', `${urlOf(id)}/inputs`, { code: String(code) })).status).toBe(200);
    await expect
      .poll(async () => resourceOf(await after.ask('GET', urlOf(id))), waiting)
      .toMatchObject(parked);
  }
  const run = resourceOf(await after.ask('GET', urlOf(now))).operation?.id;
  const times = () => parkedRuns.filter((one) => one === run).length;
  const parkedBefore = times();
  expect((await after.ask('POST', `${urlOf(now)}/redrive`)).status).toBe(404);
  expect((await after.ask('POST', `${urlOf(now)}/redrive`, undefined, admin)).status).toBe(202);
  // Nothing came of it, for they are still missing.
  await expect.poll(times, waiting).toBeGreaterThan(parkedBefore);
  await expect
    .poll(async () => resourceOf(await after.ask('GET', urlOf(now))), waiting)
    .toMatchObject(parked);
  // Nobody here can say whether it is what its schema takes.
  const unchecked = await after.ask('POST', `${urlOf(careful)}/inputs`, { code: '1' });
  expect(unchecked.headers.get('retry-after')).toMatch(/^\d+$/);
  expect(unchecked).toMatchObject({
    status: 503,
    body: {
      code: 'function-missing',
      detail: expect.stringContaining('Send it to a process that has it'),
    },
  });
  expect((await after.ask('DELETE', urlOf(doomed))).status).toBe(202);

  after.gate.operations.register(confirming, checked);
  after.gate.operations.functions(confirm);
  expect(await settled(after, doomed)).toMatchObject({ status: 'Canceled' });
  expect((await after.ask('POST', `${urlOf(careful)}/inputs`, { code: 'x' })).body).toMatchObject({
    code: 'input-refused',
  });
  expect((await after.ask('POST', `${urlOf(careful)}/inputs`, { code: '1' })).status).toBe(200);
  for (const id of [now, later, data, careful]) {
    expect(await settled(after, id)).toMatchObject({ status: 'Succeeded' });
  }
  expect(confirmed.toSorted()).toEqual(['0', '1', '2']);
  expect((await after.ask('POST', `${urlOf(now)}/redrive`, undefined, admin)).body).toMatchObject({
    code: 'not-redrivable',
  });
  expect((await after.gate.audit.verify()).ok).toBe(true);
  await after.close();
  observation.stop();
});
