import { type RequestSlackwater, slackwater, slackwaterOf } from '@slackwater/middleware';
import { type DeferralResource, parseDeferredHeader, parseEntry } from '@slackwater/shared';
import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import express from 'express';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually, type OrdersApp, post, prepareDatabase, startOrders } from './orders-app.ts';

interface Mail {
  readonly to: string;
}

interface Sent extends Mail {
  readonly id: string;
  readonly attempt: number;
}

interface Booking {
  readonly order: string;
  readonly done: readonly string[];
  readonly deferred: readonly { readonly part: string; readonly id: string; readonly status: string }[];
}

let server: PostgresServer;
let orders: OrdersApp;
let sent: Sent[] = [];
/** How the next mails go: each is taken once; none are left where they go well. */
let troubles: Error[] = [];
let heldUp: Promise<void> = Promise.resolve();
const ann = { 'x-customer': 'ann' };
const refused = Object.assign(new Error('no such mailbox'), { status: 422 });

beforeAll(async () => {
  server = await startPostgres();
  await prepareDatabase(server);
  const partition = 'parts';
  orders = await startOrders(server, {
    partition,
    options: {
      workTypes: {
        order: { priority: 1, thresholdMs: 10_000, whenOver: 'defer' },
        later: { priority: 2, whenOver: 'defer', candidates: 'always', deferWithoutAsking: true },
      },
      defaultWorkType: 'order',
      partition,
      routes: {
        'POST /bookings': { workType: 'order', partition },
        'POST /later': { workType: 'later', partition },
      },
      parts: {
        email: {
          async perform({ to }: Mail, { id, attempt }) {
            const trouble = troubles.shift();
            if (trouble !== undefined) throw trouble;
            await heldUp;
            await orders.pool.query('INSERT INTO orders (reference) VALUES ($1)', [`mail ${id}`]);
            sent.push({ to, id, attempt });
            return { sent: to };
          },
        },
        inLine: {
          orderKey: ({ to }: Mail) => to,
          async perform({ to }: Mail, { id, attempt }) {
            await heldUp;
            sent.push({ to, id, attempt });
          },
        },
        elsewhere: { partition: 'nowhere', perform() {} },
      },
      perform: { lookEveryMs: 50, retryBaseMs: 10 },
    },
  });
  const { app, pool } = orders;
  app.post(['/bookings', '/later'], async (req, res) => {
    const { to, answer = 201, times = 1, flaky = false, after = false } = req.body;
    const slack: RequestSlackwater = req.slackwater;
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      const inserted = await client.query("INSERT INTO orders (reference) VALUES ('booking') RETURNING id");
      // What is in the payload is of this attempt, as a number of a sequence is.
      const payload = { to: flaky ? `${to} ${slack.replay?.attempt}` : to };
      if (!after) for (let i = 0; i < times; i += 1) await slack.defer('email', payload);
      if (flaky && slack.replay?.attempt === 1) throw new Error('the first attempt rolls back');
      await client.query(answer < 400 ? 'COMMIT' : 'ROLLBACK');
      res.status(answer).json({ order: inserted.rows[0].id, ...slack.parts('order') });
      if (after) await slack.defer('email', payload).catch((error: Error) => late.push(error));
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  });
  app.post('/refusals', async (req, res) => {
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    const wishes: (readonly [string, unknown, object?])[] = [
      ['emial', {}],
      ['email', undefined],
      ['email', 10n],
      ['email', cyclic],
      ['email', 'x'.repeat(1024 * 1024)],
      ['elsewhere', {}],
      ['email', {}, { partition: '' }],
      ['email', {}, { orderKey: 'x'.repeat(1_001) }],
      ['email', {}, { maxDelayMs: 5 }],
      ['email', {}, { orderkey: 'x' }],
    ];
    const messages: string[] = [];
    for (const [name, payload, options] of wishes) {
      await req.slackwater.defer(name, payload, options).then(
        () => messages.push('deferred'),
        (error: Error & { code: string }) => messages.push(`${error.code}: ${error.message}`),
      );
    }
    try {
      req.slackwater.parts('bestätigt');
    } catch (error) {
      messages.push(`${(error as { code?: string }).code}: ${(error as Error).message}`);
    }
    res.json(messages);
  });
  app.post('/many', async (req, res) => {
    const wishes = Array.from({ length: 33 }, (_, i) => req.slackwater.defer('email', { to: `many ${i}` }));
    const results = await Promise.allSettled(wishes);
    res.status(500).json(results.map((one) => (one.status === 'rejected' ? one.reason.message : 'deferred')));
  });
  app.post('/line', async (req, res) => {
    const part = await slackwaterOf(req).defer('inLine', { to: req.body.to });
    res.set('access-control-allow-origin', '*').json(part);
  });
});
const late: Error[] = [];

beforeEach(() => {
  sent = [];
  troubles = [];
  heldUp = Promise.resolve();
});

afterAll(async () => {
  await orders.close();
  await server.stop();
});

async function book(body: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return post(`${orders.url}/bookings`, body, { ...ann, ...headers });
}

async function look(status: string): Promise<DeferralResource> {
  const answer = await fetch(`${orders.url}${status}`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as DeferralResource;
}

function settled(status: string): Promise<DeferralResource> {
  return eventually(async () => {
    const resource = await look(status);
    expect(resource.phase).toBe('settled');
    return resource;
  });
}

async function bookingOf(answer: Response): Promise<Booking> {
  expect(answer.status).toBe(201);
  return (await answer.json()) as Booking;
}

/** What the ledger says became of a deferral. */
async function lifeOf(id: string): Promise<readonly ReturnType<typeof parseEntry>[]> {
  return (await orders.gate.audit.entries(id)).map(({ bytes }) => parseEntry(bytes));
}

const typesOf = async (id: string): Promise<string[]> =>
  (await lifeOf(id)).map(({ type }) => type).filter((type) => type !== 'postponed');

describe('a request that does part of its work at once', () => {
  it('says which part is done and which waits, and that one is done after its answer (B-27, B-28)', async () => {
    let release = (): void => {};
    heldUp = new Promise((resolve) => {
      release = resolve;
    });
    const answer = await book({ to: 'ann@example' });
    const booking = await bookingOf(answer);
    const [part = { part: '', id: '', status: '' }] = booking.deferred;
    expect(booking.done).toEqual(['order']);
    expect(part).toMatchObject({ part: 'email', status: expect.stringContaining('capability=') });
    expect(parseDeferredHeader(answer.headers.get('slackwater-deferred'))).toEqual({
      id: part.id,
      portion: 'part',
      deferred: [{ part: 'email', id: part.id }],
      done: ['order'],
    });
    expect(sent).toEqual([]);
    const waiting = await look(part.status);
    expect(waiting).toMatchObject({ id: part.id, portion: 'part', part: 'email', workType: 'order' });
    release();
    expect(await settled(part.status)).toMatchObject({ status: 'Succeeded', attempts: 1 });
    expect(sent).toEqual([{ to: 'ann@example', id: part.id, attempt: 1 }]);
    const outcome = await fetch(`${orders.url}${part.status.replace('?', '/outcome?')}`);
    expect([outcome.status, await outcome.json()]).toEqual([200, { sent: 'ann@example' }]);
    const [accepted, ...steps] = await lifeOf(part.id);
    expect(accepted).toMatchObject({
      method: 'PART',
      route: 'email',
      reasons: ['part'],
      parent: expect.any(String),
    });
    expect(steps.map(({ type }) => type)).toEqual(['released', 'performing', 'performed']);
    const rows = await orders.pool.query('SELECT key FROM slackwater_completions WHERE key = $1', [
      (await orders.gate.deferrals.find(part.id))?.completionKey,
    ]);
    expect(rows.rowCount).toBe(1);
    expect(await orders.gate.audit.verify()).toMatchObject({ ok: true });
  });

  it('defers several parts, also of one name, each of them a deferral of its own', async () => {
    const { deferred } = await bookingOf(await book({ to: 'bob', times: 3 }));
    expect(new Set(deferred.map(({ id }) => id)).size).toBe(3);
    await Promise.all(deferred.map(({ status }) => settled(status)));
    expect(sent.map(({ id }) => id).sort()).toEqual(deferred.map(({ id }) => id).sort());
    const parents = await Promise.all(deferred.map(async ({ status }) => (await look(status)).parent));
    expect(new Set(parents).size).toBe(1);
  });

  it.each([409, 500])(
    'performs none of its parts where it answers %i, and says nothing of them',
    async (answer) => {
      const response = await book({ to: 'nobody', answer });
      expect([response.status, response.headers.get('slackwater-deferred')]).toEqual([answer, null]);
      const { deferred } = (await response.json()) as Booking;
      const resource = await settled(deferred[0]?.status ?? '');
      expect(resource).toMatchObject({ status: 'Canceled', error: { code: 'request-failed' }, attempts: 0 });
      expect(await typesOf(resource.id)).toEqual(['accepted', 'canceled']);
      expect(sent).toEqual([]);
    },
  );

  it('tries a part again that failed, and tells its caller what it answered in the end', async () => {
    troubles = [new Error('the mail server is gone')];
    const { deferred } = await bookingOf(await book({ to: 'carl' }));
    expect(await settled(deferred[0]?.status ?? '')).toMatchObject({ status: 'Succeeded', attempts: 2 });
    troubles = [refused];
    const again = await bookingOf(await book({ to: 'dora' }));
    const status = again.deferred[0]?.status ?? '';
    expect(await settled(status)).toMatchObject({ status: 'Failed', error: { code: 'route-refused' } });
    const outcome = await fetch(`${orders.url}${status.replace('?', '/outcome?')}`);
    expect([outcome.status, await outcome.json()]).toMatchObject([422, { detail: 'no such mailbox' }]);
  });

  it('can have a part canceled by its caller while it waits', async () => {
    await orders.gate.queue.pause({ by: 'test' });
    const { deferred } = await bookingOf(await book({ to: 'emil' }));
    const status = deferred[0]?.status ?? '';
    await eventually(async () => expect(await look(status)).not.toHaveProperty('held'));
    const canceled = await fetch(`${orders.url}${status}`, { method: 'DELETE' });
    expect(await canceled.json()).toMatchObject({
      status: 'Canceled',
      error: { code: 'canceled-by-requester' },
    });
    await orders.gate.queue.resume({ by: 'test' });
    expect(sent).toEqual([]);
  });

  it('has parts of one order key performed in the order in which they were deferred', async () => {
    await orders.gate.queue.pause({ by: 'test' });
    const ids: string[] = [];
    for (let i = 0; i < 5; i += 1) {
      const answer = await post(`${orders.url}/line`, { to: 'frida' }, ann);
      expect(answer.headers.get('access-control-expose-headers')).toContain('Slackwater-Deferred');
      ids.push(((await answer.json()) as { id: string }).id);
    }
    await orders.gate.queue.resume({ by: 'test' });
    await eventually(() => expect(sent).toHaveLength(5));
    expect(sent.map(({ id }) => id)).toEqual(ids);
  });

  it('is refused what can not be deferred, with the way out', async () => {
    const messages = (await (await post(`${orders.url}/refusals`, {}, ann)).json()) as string[];
    expect(messages).toEqual([
      expect.stringMatching(/^part-unknown: .*"emial": registered are email, inLine, elsewhere\..*perform/),
      expect.stringMatching(
        /^part-refused: .*JSON has no text for its payload, undefined; give null for none/,
      ),
      expect.stringMatching(/^part-refused: .*BigInt.*give plain values/),
      expect.stringMatching(/^part-refused: .*circular.*give plain values/i),
      expect.stringMatching(/^part-refused: .*1,048,578 bytes as JSON, and maxBodyBytes is 1,048,576; raise/),
      expect.stringMatching(/^part-refused: .*nobody observes its partition "nowhere".*observe\(pool/),
      expect.stringMatching(/^part-refused: .*no name of 1 to 200 characters/),
      expect.stringMatching(/^part-refused: .*order key/),
      expect.stringMatching(/^part-refused: .*maxDelayMs is 5; give 1,000/),
      expect.stringMatching(/^part-refused: .*no option "orderkey"; known here are partition, orderKey/),
      expect.stringMatching(/^part-refused: .*"bestätigt" is no name of a part that is done/),
    ]);
    const unnamed = (await (await post(`${orders.url}/line`, { to: 'nobody' })).text()).slice(0, 2_000);
    expect(unnamed).toContain('the option requester names nobody; authenticate before the route');
    await book({ to: 'late', after: true });
    await eventually(() => expect(late[0]?.message).toMatch(/was answered already; defer it before/));
  });

  it('defers a bounded number of parts', async () => {
    const results = (await (await post(`${orders.url}/many`, {}, ann)).json()) as string[];
    expect(results.filter((one) => one === 'deferred')).toHaveLength(32);
    expect(results.find((one) => one !== 'deferred')).toContain('at most 32 parts; defer one with a list');
    expect(sent).toEqual([]);
  });
});

describe('a deferred request that defers parts when it is performed', () => {
  async function deferred(body: object): Promise<{ id: string; outcome(): Promise<Response> }> {
    const answer = await post(`${orders.url}/later`, body, ann);
    expect(answer.status).toBe(202);
    const { id } = (await answer.json()) as DeferralResource;
    await settled(answer.headers.get('operation-location') ?? '');
    return { id, outcome: () => fetch(`${orders.url}${answer.headers.get('location')}`) };
  }

  it('has the part of the attempt that succeeded performed, and no other, once (B-44, B-49)', async () => {
    const { id, outcome } = await deferred({ to: 'greta', flaky: true });
    const response = await outcome();
    const { deferred: parts } = await bookingOf(response);
    expect(parseDeferredHeader(response.headers.get('slackwater-deferred'))).toMatchObject({
      portion: 'part',
    });
    expect(await settled(parts[0]?.status ?? '')).toMatchObject({ status: 'Succeeded', parent: id });
    expect(sent).toEqual([{ to: 'greta 2', id: parts[0]?.id, attempt: 1 }]);
    const all = await orders.gate.audit.deferrals({ method: 'PART', route: 'email', limit: 2 });
    expect(all.deferrals.map(({ status }) => status)).toEqual(['Succeeded', 'Canceled']);
    expect(await typesOf(parts[0]?.id ?? '')).toEqual(['accepted', 'released', 'performing', 'performed']);
  });

  it('has none of its parts performed where it fails', async () => {
    const { outcome } = await deferred({ to: 'hans', answer: 409 });
    const { deferred: parts } = (await (await outcome()).json()) as Booking;
    expect(await settled(parts[0]?.status ?? '')).toMatchObject({
      status: 'Canceled',
      error: { code: 'request-failed' },
    });
    expect(sent).toEqual([]);
  });
});

describe('a gate without a ledger', () => {
  it('says at the call what is missing, and refuses parts that nobody could defer', async () => {
    const app = express();
    const gate = slackwater();
    app.use(gate);
    app.post('/', async (req, res) => {
      const message = await req.slackwater.defer('email', {}).catch((error: Error) => error.message);
      res.json({ message, ...req.slackwater.parts('all') });
    });
    const http = app.listen(0, '127.0.0.1');
    await new Promise((resolve) => http.once('listening', resolve));
    const { port } = http.address() as { port: number };
    const answer = await post(`http://127.0.0.1:${port}/`, {});
    expect(await answer.json()).toEqual({
      message: expect.stringMatching(/no ledger to record it in; give the gate an engine/),
      done: ['all'],
      deferred: [],
    });
    await new Promise((resolve) => http.close(resolve));
    await gate.close();
    expect(() => slackwaterOf({} as never)).toThrow(/no gate let it through; mount one before the route/);
    expect(() => slackwater({ parts: { email: { perform() {} } } })).toThrow(
      /engine: missing; parts\.email is there/,
    );
  });
});
