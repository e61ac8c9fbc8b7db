import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createClient } from '@slackwater/client-sdk';
import {
  defineOperation,
  external,
  type Gate,
  nameFunction,
  type StandardSchema,
  slackwater,
  sqliteEngine,
  type,
} from '@slackwater/middleware';
import { observe } from '@slackwater/middleware/node-sqlite';
import { type DeferralResource, isDeferralResource, parseEntry } from '@slackwater/shared';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auth, claims, signed } from '../middleware/audit/issuer.ts';

let directory: string;
let gate: Gate;
let http: Server;
let observation: ReturnType<typeof observe>;
let base: string;
/** What tasks wait for, by the traveller. */
const doors = new Map<string, { readonly opened: Promise<void>; open(): void }>();
const runs: string[] = [];
const undone: string[] = [];

function door(of: string): { readonly opened: Promise<void>; open(): void } {
  const known = doors.get(of);
  if (known !== undefined) return known;
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const made = { opened, open };
  doors.set(of, made);
  return made;
}

const trip = defineOperation({
  name: 'trip',
  version: '1',
  input: { traveller: type<string>() },
  tasks: {
    airline: {
      inputs: ['traveller'],
      outputs: { flight: type<string>() },
      run: ({ traveller }) => {
        runs.push(traveller);
        return { flight: `SW 1 for ${traveller}` };
      },
      rollback: ({ inputs }) => void undone.push(`airline ${inputs.traveller}`),
    },
    hotel: {
      inputs: ['flight', 'traveller'],
      outputs: { room: type<number>() },
      async run({ traveller }) {
        if (traveller.startsWith('slow')) await door(traveller).opened;
        if (traveller.endsWith('unlucky')) throw new Error(`no room for secret ${traveller}`);
        return { room: 7 };
      },
      rollback: ({ inputs }) => void undone.push(`hotel ${inputs.traveller}`),
    },
  },
});

const fourDigits: StandardSchema<string> = {
  '~standard': {
    version: 1,
    vendor: 'slackwater-test',
    validate: (value) =>
      /^\d{4}$/.test(String(value))
        ? { value: String(value) }
        : { issues: [{ message: 'give four digits' }] },
  },
};
const confirmed: unknown[] = [];
const signing = defineOperation({
  name: 'signing',
  version: '1',
  tasks: {
    ask: { outputs: { asked: type<boolean>() }, run: () => ({ asked: true }) },
    confirm: {
      inputs: ['asked', external('code', fourDigits), external('note')],
      run: ({ code, note }) => {
        confirmed.push([code, note]);
        return {};
      },
    },
  },
});

const greet = nameFunction('greet', '1', ({ who }: { who: string }) => ({ greeting: `Hello ${who}` }));
const sign = nameFunction('sign', '1', () => ({ signature: 'SW' }));
const greeting = {
  name: 'greeting',
  version: '1',
  input: ['who'],
  tasks: {
    greet: { inputs: ['who'], outputs: ['greeting'], run: { function: 'greet', version: '1' } },
    sign: { after: ['greet'], outputs: ['signature'], run: { function: 'sign', version: '1' } },
  },
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slackwater-operations-http-'));
  observation = observe(new DatabaseSync(':memory:'), { partition: 'travel', ensure: true });
  gate = slackwater({
    application: 'travel',
    group: 'eu',
    groups: {
      eu: { engine: sqliteEngine({ directory: join(directory, 'eu') }) },
      us: { engine: sqliteEngine({ directory: join(directory, 'us') }) },
    },
    groupFor: (req) => (req.headers['x-group'] === 'us' ? 'us' : 'eu'),
    workTypes: {
      book: { priority: 1, thresholdMs: 60_000 },
      later: { priority: 2, whenOver: 'defer', candidates: 'always', deferWithoutAsking: true },
    },
    auth,
    defaultWorkType: 'book',
    routes: {
      'POST /later': { workType: 'later', partition: 'travel' },
      'POST /trips': { workType: 'book' },
    },
    requester: (req) => req.headers['x-customer']?.toString(),
    capture: (req) => ({ customer: req.headers['x-customer'] }),
    restore: (req, captured) => {
      req.headers['x-customer'] = (captured as { customer: string }).customer;
    },
    ledger: { engineTimeoutMs: 30_000 },
    perform: { lookEveryMs: 50 },
  });
  const app = express();
  app.use(gate);
  app.use(express.json());
  const toInput = ({ body }: express.Request) => ({ traveller: body.traveller });
  app.post(
    ['/trips', '/later'],
    gate.operations.handler(trip, toInput, {
      waitMs: 30_000,
      status: 201,
      answer: ({ flight, room }, { id }) => ({ id, flight, room }),
    }),
  );
  app.post(
    '/signings',
    gate.operations.handler(signing, () => ({}), { waitMs: 0 }),
  );
  gate.operations.functions(greet, sign);
  app.post(
    '/operations/:name',
    gate.operations.handler(
      (req) => String(req.params['name']),
      (req) => req.body as never,
      { waitMs: 30_000 },
    ),
  );
  app.use((error: Error, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
    res.status(500).json({ message: error.message });
  });
  http = createServer(app);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  await gate.start();
});

afterAll(async () => {
  http.closeAllConnections();
  await new Promise((resolve) => http.close(resolve));
  await gate.close();
  observation.stop();
  await rm(directory, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

async function ask(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: unknown,
): Promise<Answer> {
  const asJson = body === undefined ? {} : { 'content-type': 'application/json' };
  const response = await fetch(new URL(path, base), {
    method,
    headers: { 'x-customer': 'ann', ...asJson, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

function post(traveller: string, headers: Record<string, string> = {}, path = '/trips'): Promise<Answer> {
  return ask('POST', path, headers, { traveller });
}

function resourceOf({ body }: Answer): DeferralResource {
  if (!isDeferralResource(body)) throw new Error(`no deferral resource: ${JSON.stringify(body)}`);
  return body;
}

async function settled(url: string): Promise<DeferralResource> {
  for (;;) {
    const resource = resourceOf(await ask('GET', url, { prefer: 'wait=30' }));
    if (resource.phase === 'settled') return resource;
  }
}

describe('a route that starts an operation', () => {
  it('answers at once with what the operation came to, where that is in time', async () => {
    const { status, body, headers } = await post('quick');
    expect(status).toBe(201);
    expect(body).toMatchObject({ flight: 'SW 1 for quick', room: 7 });
    expect(headers.get('vary')).toContain('Prefer');
  });

  it('else answers 202 with a deferral that its run settles, stages and tasks in its resource', async () => {
    const asked = await post('slow ann', { prefer: 'wait=0' });
    expect(asked.status).toBe(202);
    const location = asked.headers.get('location') ?? '';
    const first = resourceOf(asked);
    expect(first).toMatchObject({
      status: 'Running',
      phase: 'performing',
      group: 'eu',
      workType: 'book',
      portion: 'all',
      operation: { name: 'trip', version: '1', status: 'running', waitsFor: [] },
    });
    expect(parseEntry(Buffer.from(first.entry, 'base64'))).toMatchObject({
      type: 'accepted',
      method: 'POST',
      route: '/trips',
      parent: first.operation?.id,
    });
    const pending = await ask('GET', location);
    expect([pending.status, pending.headers.get('slackwater-outcome')]).toEqual([202, 'pending']);
    await expect
      .poll(async () => resourceOf(await ask('GET', `/slackwater/deferrals/${first.id}`)).operation?.stages, {
        timeout: 30_000,
      })
      .toMatchObject([
        { tasks: [{ id: 'airline', phase: 'ended', end: 'succeeded', attempt: 1 }] },
        { tasks: [{ id: 'hotel', phase: 'running', attempt: 1 }] },
      ]);
    door('slow ann').open();
    const last = await settled(asked.headers.get('operation-location') ?? '');
    expect(last).toMatchObject({ status: 'Succeeded', operation: { status: 'succeeded' } });
    const outcome = await ask('GET', location);
    expect([outcome.status, outcome.headers.get('slackwater-outcome')]).toEqual([201, 'final']);
    expect(outcome.body).toEqual({ id: first.operation?.id, flight: 'SW 1 for slow ann', room: 7 });
    expect((await ask('GET', `/slackwater/deferrals/${first.id}`, { 'x-customer': 'bob' })).status).toBe(404);
  });

  it('starts one operation for one Idempotency-Key, in time or not, and none for another input under it', async () => {
    const key = { 'idempotency-key': '"k1"', prefer: 'wait=0' };
    const answers = await Promise.all([
      post('slow keyed', key),
      post('slow keyed', key),
      post('slow keyed', key),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    const ids = answers.map((answer) => resourceOf(answer)).map(({ id, operation }) => [id, operation?.id]);
    expect(new Set(ids.map(String)).size).toBe(1);
    expect((await post('slow other', key)).body).toMatchObject({
      code: 'idempotency-key-reused',
      status: 422,
    });
    expect((await post('slow keyed', { 'idempotency-key': '"' })).body).toMatchObject({
      code: 'idempotency-key-invalid',
    });
    door('slow keyed').open();
    const { 'idempotency-key': kept } = key;
    expect(await post('slow keyed', { 'idempotency-key': kept })).toMatchObject({
      status: 201,
      body: { room: 7 },
    });
    expect(runs.filter((one) => one === 'slow keyed')).toHaveLength(1);
    // Another requester's key is another key.
    await post('quick', { 'idempotency-key': kept, 'x-customer': 'bob' });
  });

  it('says of what was undone which stage and tasks failed, at once and later alike, and nothing of values (T-39)', async () => {
    const now = await post('unlucky');
    expect(now).toMatchObject({
      status: 422,
      body: {
        type: 'urn:slackwater:problem:operation-undone',
        code: 'operation-undone',
        detail: 'Stage 2 did not pass (hotel: task-failed). What had been done is undone.',
        operation: { name: 'trip', version: '1' },
        stage: 1,
        failed: [{ task: 'hotel', end: 'failed', error: 'task-failed' }],
      },
    });
    expect(JSON.stringify(now.body)).not.toContain('secret');
    const later = await post('slow unlucky', { prefer: 'wait=0' });
    door('slow unlucky').open();
    const last = await settled(later.headers.get('operation-location') ?? '');
    expect(last).toMatchObject({
      status: 'Failed',
      error: { code: 'operation-undone' },
      operation: { status: 'undone' },
    });
    const outcome = await ask('GET', last.resourceLocation);
    expect(outcome.status).toBe(422);
    expect(outcome.body).toMatchObject({ code: 'operation-undone', stage: 1 });
    expect(undone).toEqual(
      expect.arrayContaining(['airline unlucky', 'hotel slow unlucky', 'airline slow unlucky']),
    );
  });

  it('is canceled by undoing its operation', async () => {
    const asked = await post('slow canceled', { prefer: 'wait=0' });
    const url = asked.headers.get('operation-location') ?? '';
    const canceling = await ask('DELETE', url);
    expect(canceling.status).toBe(202);
    expect(resourceOf(canceling).operation).toMatchObject({ status: 'undoing', error: 'operation-canceled' });
    door('slow canceled').open();
    expect(await settled(url)).toMatchObject({ status: 'Canceled', error: { code: 'operation-canceled' } });
    expect(undone).toContain('airline slow canceled');
    expect((await ask('DELETE', url)).status).toBe(200);
    const quick = await post('slow done', { prefer: 'wait=0' });
    door('slow done').open();
    const doneUrl = quick.headers.get('operation-location') ?? '';
    await settled(doneUrl);
    expect((await ask('DELETE', doneUrl)).body).toMatchObject({ code: 'not-cancelable' });
  });

  it('is deferred by its gate like any route, and its deferral is settled as the operation is that its replay starts', async () => {
    const asked = await post('slow later', { prefer: 'wait=0' }, '/later');
    const url = asked.headers.get('operation-location') ?? '';
    expect(resourceOf(asked)).toMatchObject({ workType: 'later', phase: 'queued' });
    await expect.poll(() => runs, { timeout: 30_000 }).toContain('slow later');
    await expect
      .poll(async () => resourceOf(await ask('GET', url)), { timeout: 30_000 })
      .toMatchObject({ status: 'Running', phase: 'performing', operation: { status: 'running' } });
    door('slow later').open();
    expect(await settled(url)).toMatchObject({ status: 'Succeeded', attempts: 2 });
    expect(await ask('GET', resourceOf(asked).resourceLocation)).toMatchObject({
      status: 201,
      body: { room: 7 },
    });
    expect(runs.filter((one) => one === 'slow later')).toHaveLength(1);
  });

  it('keeps run and deferral in the resource group of the request', async () => {
    const asked = await post('slow us', { prefer: 'wait=0', 'x-group': 'us' });
    const { id, group, operation } = resourceOf(asked);
    expect(group).toBe('us');
    expect(await gate.operations.find(operation?.id ?? '')).toMatchObject({ status: 'running' });
    door('slow us').open();
    expect(await settled(`/slackwater/deferrals/${id}`)).toMatchObject({ status: 'Succeeded', group: 'us' });
  });

  it('starts nothing for nobody, nor for what it can not record', async () => {
    expect((await ask('POST', '/trips', { 'x-customer': '' }, { traveller: 'x' })).body).toMatchObject({
      code: 'requester-unknown',
      status: 403,
    });
    expect((await ask('POST', '/trips', {}, { other: 1 })).body).toMatchObject({
      code: 'input-refused',
      status: 422,
    });
  });

  it('tells its stages in the event stream as they go', async () => {
    const asked = await post('slow stream', { prefer: 'wait=0' });
    const stream = await fetch(new URL(asked.headers.get('operation-location') ?? '', base), {
      headers: { accept: 'text/event-stream' },
    });
    door('slow stream').open();
    const events = (await stream.text())
      .split('\n')
      .filter((line) => line.startsWith('data: '))
      .map((line) => JSON.parse(line.slice(6)) as DeferralResource);
    const hotel = events.map(({ operation }) => operation?.stages[1]?.tasks[0]?.phase);
    expect(hotel).toContain('running');
    expect(hotel.at(-1)).toBe('ended');
    expect(events.at(-1)).toMatchObject({ status: 'Succeeded', operation: { status: 'succeeded' } });
  });

  it('is waited for by the client SDK, which compares the receipt with what it sent', async () => {
    const verifierKeys = [await gate.ledger.verifierKey()];
    const client = createClient({ baseURL: base, headers: { 'x-customer': 'ann' }, verifierKeys });
    const poller = await client.begin({
      method: 'post',
      url: '/trips',
      data: { traveller: 'slow sdk' },
      headers: { prefer: 'wait=0' },
    });
    door('slow sdk').open();
    const { status, data } = await poller.pollUntilDone();
    expect([status, data]).toMatchObject([201, { room: 7 }]);
  });

  it('takes inputs that come later, each label once, from its owner alone, until it has ended (T-49)', async () => {
    const asked = await ask('POST', '/signings', {}, {});
    const { id } = resourceOf(asked);
    const url = `/slackwater/deferrals/${id}/inputs`;
    await expect
      .poll(async () => resourceOf(await ask('GET', `/slackwater/deferrals/${id}`)).operation, {
        timeout: 30_000,
      })
      .toMatchObject({
        status: 'running',
        waitsFor: ['code', 'note'],
        stages: [{ tasks: [{ phase: 'ended' }] }, {}],
      });
    expect((await ask('POST', url, { 'x-customer': 'bob' }, { code: '1234' })).status).toBe(404);
    expect((await ask('POST', url, {}, { code: 'no' })).body).toMatchObject({
      code: 'input-refused',
      status: 422,
    });
    expect((await ask('POST', url, {}, { colour: 'red' })).body).toMatchObject({
      code: 'input-refused',
      detail: expect.stringContaining('there are code, note'),
    });
    expect((await ask('POST', url, {}, [1])).body).toMatchObject({ code: 'input-refused' });
    expect((await ask('POST', url, {}, { note: 'x'.repeat(1_100_000) })).body).toMatchObject({
      code: 'parameter-invalid',
    });
    const given = await ask('POST', url, {}, { code: '1234' });
    expect(given.status).toBe(200);
    expect(resourceOf(given).operation).toMatchObject({ waitsFor: ['note'] });
    expect((await ask('POST', url, {}, { code: '1234' })).status).toBe(200);
    expect((await ask('POST', url, {}, { code: '4321' })).body).toMatchObject({
      code: 'input-differs',
      status: 409,
    });
    const both = await Promise.all(['a', 'b'].map((note) => ask('POST', url, {}, { note })));
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    expect(await settled(`/slackwater/deferrals/${id}`)).toMatchObject({ status: 'Succeeded' });
    expect(confirmed).toEqual([['1234', both[0]?.status === 200 ? 'a' : 'b']]);
    expect((await ask('POST', url, {}, { code: '1234' })).body).toMatchObject({ code: 'operation-settled' });
    expect(
      (await ask('POST', `/slackwater/deferrals/01M7ZQVMC0DX8FYP87AP8QP394/inputs`, {}, {})).status,
    ).toBe(404);
  });

  it('is given inputs, and canceled, by the poller of the client SDK', async () => {
    const client = createClient({ baseURL: base, headers: { 'x-customer': 'ann' } });
    const poller = await client.begin({ method: 'post', url: '/signings', data: {} });
    await expect(poller.provideInput({ code: 'no' })).rejects.toMatchObject({
      code: 'input-refused',
      problem: { code: 'input-refused', detail: expect.stringContaining('give four digits') },
    });
    await poller.provideInput({ code: '1111' });
    expect(poller.deferral?.operation?.waitsFor).toEqual(['note']);
    await expect(poller.provideInput({ code: '2222' })).rejects.toMatchObject({
      problem: { code: 'input-differs' },
    });
    await poller.cancel();
    expect(poller.deferral).toMatchObject({ status: 'Canceled', operation: { status: 'undone' } });
  });

  it('is asked by several clients at once over the network, each run a chain of its own, and the ledgers hold (T-44, T-47)', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `${i % 2 === 0 ? 'slow ' : ''}client ${i}`);
    const asking = names.map(async (traveller, i) => {
      const headers = { 'x-customer': traveller, 'x-group': i % 3 === 0 ? 'us' : 'eu', prefer: 'wait=0' };
      const client = createClient({ baseURL: base, headers });
      const { data } = await client.post<{ id: string; flight: string }>('/trips', { traveller });
      return data;
    });
    for (const name of names) door(name).open();
    const answers = await Promise.all(asking);
    expect(answers.map(({ flight }) => flight)).toEqual(names.map((name) => `SW 1 for ${name}`));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(names.length);
    expect(runs.filter((one) => names.includes(one))).toHaveLength(names.length);
    for (const { audit } of gate.groups.values()) expect((await audit.verify()).ok).toBe(true);
  });

  it('starts definitions that are stored as data, asked for by name; a task more or less regroups the stages (T-45, T-46)', async () => {
    const admin = { authorization: `Bearer ${signed(claims(Date.now(), 'admin'))}` };
    const auditor = { authorization: `Bearer ${signed(claims(Date.now(), 'audit:read'))}` };
    const url = '/slackwater/operations/definitions/greeting';
    const asked = () => ask('POST', '/operations/greeting', {}, { who: 'Ann' });
    expect((await asked()).status).toBe(404);
    expect((await ask('PUT', url, auditor, greeting)).status).toBe(404);
    expect((await ask('PUT', url, admin, greeting)).body).toEqual({
      name: 'greeting',
      version: '1',
      stages: [['greet'], ['sign']],
    });
    expect(await asked()).toMatchObject({
      status: 200,
      body: { operation: 'greeting', version: '1', outputs: { greeting: 'Hello Ann', signature: 'SW' } },
    });
    const { sign: _, ...fewer } = greeting.tasks;
    expect((await ask('PUT', url, admin, { ...greeting, tasks: fewer })).body).toMatchObject({
      code: 'change-refused',
      detail: expect.stringContaining('give what changed another version'),
    });
    const { body } = await ask('PUT', url, admin, { ...greeting, version: '2', tasks: fewer });
    expect(body).toMatchObject({ version: '2', stages: [['greet']] });
    expect((await asked()).body).toMatchObject({ version: '2', outputs: { greeting: 'Hello Ann' } });
    const unknown = { ...greeting, version: '3', tasks: { a: { run: { function: 'rm', version: '1' } } } };
    expect((await ask('PUT', url, admin, unknown)).body).toMatchObject({
      code: 'change-refused',
      status: 422,
    });
    expect((await ask('PUT', `${url}x`, admin, greeting)).body).toMatchObject({ code: 'change-refused' });
    expect((await ask('GET', '/slackwater/operations/definitions', auditor)).body).toMatchObject({
      definitions: [{ name: 'greeting', version: '2', by: 'token:ann' }],
    });
    expect((await ask('GET', `${url}?version=1`, auditor)).body).toMatchObject({ definition: greeting });
    expect((await ask('DELETE', url, admin)).status).toBe(204);
    expect((await asked()).status).toBe(404);
    await gate.operations.define(greeting);
    const { settled: end } = await gate.operations.start('greeting', { who: 'Bob' } as never);
    expect(await end).toMatchObject({ status: 'succeeded', version: '1' });
  });

  it('is reported with its chain, each result, and where it failed; values only once it is recorded who sees them (T-38, T-39)', async () => {
    const asked = await post('slow and unlucky', { prefer: 'wait=0' });
    door('slow and unlucky').open();
    const { id, operation } = await settled(asked.headers.get('operation-location') ?? '');
    const as = (scope: string) =>
      createClient({
        baseURL: base,
        headers: { authorization: `Bearer ${signed(claims(Date.now(), scope))}` },
      });
    const auditor = as('audit:read').audit;
    const digest = expect.stringMatching(/^.{43}=$/);
    const report = await auditor.operation(id);
    expect(report).toMatchObject({
      id: operation?.id,
      operation: 'trip',
      status: 'undone',
      group: 'eu',
      stages: [
        {
          stage: 0,
          checked: { valid: true, failed: [] },
          tasks: [
            {
              id: 'airline',
              run: { name: 'trip/airline/run', version: '1' },
              attempts: [
                {
                  attempt: 1,
                  end: 'succeeded',
                  inputs: { traveller: { digest } },
                  outputs: { flight: { digest } },
                },
              ],
              undo: [{ attempt: 1, end: 'succeeded' }],
            },
          ],
        },
        { stage: 1, checked: { valid: false, failed: ['hotel'] } },
      ],
      failure: {
        stage: 1,
        block: expect.any(String),
        error: 'stage-invalid',
        tasks: [
          { id: 'hotel', end: 'failed', error: 'task-failed', inputs: { flight: { digest } }, outputs: {} },
        ],
      },
    });
    expect(JSON.stringify(report)).not.toMatch(/unlucky|SW 1/);
    expect(await auditor.operation(report.id)).toEqual(report);
    await expect(auditor.operation(id, { purpose: 'a look' })).rejects.toMatchObject({
      response: { status: 404 },
    });
    await expect(as('audit:reveal').audit.operation(id, { purpose: ' ' })).rejects.toMatchObject({
      response: { status: 400 },
    });
    const revealed = await as('audit:reveal').audit.operation(id, { purpose: 'complaint 7' });
    expect(revealed.failure?.tasks[0]).toMatchObject({
      inputs: { flight: { value: 'SW 1 for slow and unlucky' }, traveller: { value: 'slow and unlucky' } },
      issues: [expect.stringContaining('no room for secret')],
    });
    const entries = await gate.audit.entries(report.id);
    expect(JSON.parse(Buffer.from(entries.at(-1)?.bytes ?? []).toString('utf8'))).toMatchObject({
      type: 'revealed',
      by: 'token:ann',
      purpose: 'complaint 7',
    });
    expect((await gate.audit.operation(id))?.failure).toEqual(report.failure);
    expect(await gate.audit.operation('01M7ZQVMC0DX8FYP87AP8QP394')).toBeUndefined();
    expect((await ask('GET', `/slackwater/operations/${report.id}`)).status).toBe(404);
    expect((await gate.audit.verify()).ok).toBe(true);
  });
});
