import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PostgresServer, slowCommits, startPostgres } from '@slackwater/test-support/postgres';
import pg from 'pg';
import request from 'supertest';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { count, countQueued } from '../../../examples/payments/src/demo/count.ts';
import type { Purchase } from '../../../examples/payments/src/demo/order-system.ts';
import {
  mostCents,
  type ProcessorSimulator,
  startProcessor,
} from '../../../examples/payments/src/processor/processor.ts';
import type { Partition } from '../../../examples/payments/src/service/partitions.ts';
import { openService, type Service } from '../../../examples/payments/src/service/service.ts';
import { createTables } from '../../../examples/payments/src/service/tables.ts';
import { listen } from '../../../examples/shop/src/listen.ts';

const slowMs = 150;
const numbers = [0, 1, 2, 3] as const;
const folder = mkdtempSync(join(tmpdir(), 'slackwater-payments-test-'));
const undo: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
let server: PostgresServer;
let processor: ProcessorSimulator;
let service: Service;
/** How the work types of each interface stand on payments-2. */
const states = new Map<string, string>();
let slow: (ms: number) => Promise<void>;

beforeAll(async () => {
  server = await startPostgres();
  undo.push(() => server.stop());
  const client = new pg.Client({ connectionString: server.connectionString });
  await client.connect();
  for (const number of numbers) await client.query(`CREATE DATABASE payments_${number}`);
  await client.end();
  const connectionStrings = numbers.map((number) =>
    server.connectionString.replace(/\/[^/]*$/, `/payments_${number}`),
  );

  let external = '';
  processor = await startProcessor(() => external);
  undo.push(() => processor.close());
  service = await openService({
    connectionStrings,
    processor: processor.address,
    directory: join(folder, 'ledger'),
    // Run by hand here, so that a test says when.
    batchEveryMs: 86_400_000,
  });
  undo.push(() => service.close());
  await service.internal.gate.start();
  for (const side of ['internal', 'external'] as const) {
    service[side].gate.on('state', ({ partition, workType, to }) => {
      if (partition === 'payments-2') states.set(`${side} ${workType}`, to);
    });
  }
  const listening = await listen(service.external.app, 0);
  undo.push(() => listening.close());
  external = listening.address;

  const operator = new pg.Pool({ connectionString: connectionStrings[2], max: 1 });
  operator.on('error', () => {});
  undo.push(() => operator.end());
  const commits = await slowCommits(operator, ['transactions', 'work_queue']);
  slow = (ms) => commits.set(ms);
});

afterAll(async () => {
  for (const step of undo.reverse()) await step();
});

/** An id of a transaction that is in that partition. */
function idIn(number: number): string {
  for (;;) {
    const id = randomUUID();
    if (service.partitions.of(id).name === `payments-${number}`) return id;
  }
}

const internal = () => request(service.internal.app);

function begin(id: string, amountCents = 1_000, order = 'order-1'): request.Test {
  return internal().put(`/transactions/${id}`).set('X-System', 'orders').send({ order, amountCents });
}

function settle(id: string, amountCents = 1_000): request.Test {
  return internal().post(`/transactions/${id}/settlement`).set('X-System', 'orders').send({ amountCents });
}

async function stateOf(id: string): Promise<string> {
  return ((await internal().get(`/transactions/${id}`)).body as { state: string }).state;
}

/** What is on a partition's queue. */
async function queueOf(number: number): Promise<readonly { id: string; task: string }[]> {
  const { rows } = await (service.partitions.all[number] as Partition).pool.query<{
    id: string;
    task: string;
  }>('SELECT transaction_id AS id, task FROM work_queue ORDER BY queued_at');
  return rows;
}

/** What payments-2 is measured at, whichever interface asks. */
function valuesMs(): readonly number[] {
  const gates = [service.internal.gate, service.external.gate];
  return gates.map(({ latency }) => latency.read('payments-2').valueMs ?? 0);
}

/** Purchases are what shows how long commits take, for they are always let through. */
async function beginUntil(isSo: () => boolean): Promise<void> {
  await expect
    .poll(async () => {
      const begun = await Promise.all(Array.from({ length: 5 }, () => begin(idIn(2))));
      for (const { status } of begun) expect(status).toBe(201);
      return isSo();
    })
    .toBe(true);
}

async function makeSlow(): Promise<void> {
  await slow(slowMs);
  await beginUntil(() => valuesMs().every((ms) => ms >= slowMs));
}

async function heal(): Promise<void> {
  await slow(0);
  await beginUntil(
    () => valuesMs().every((ms) => ms < 60) && [...states.values()].every((to) => to === 'clear'),
  );
}

/** Sends settlements, waits until the processor has told of them, and applies what it told. */
async function settleAll(id: string, number: number): Promise<void> {
  expect((await service.batches.send.run()).outcome).toBe('performed');
  await expect
    .poll(async () => (await queueOf(number)).filter((item) => item.id === id))
    .toEqual([{ id, task: 'apply-response' }]);
  expect((await service.batches.apply.run()).outcome).toBe('performed');
}

describe('the payment service, its databases quick (B-42)', () => {
  it('takes a transaction from initiated to authorized to settled, in its own partition alone (D-31) (D-47) (D-51) (D-54)', async () => {
    const id = idIn(1);
    const begun = await begin(id).expect(201);
    expect(begun.body).toMatchObject({ id, state: 'authorized', amountCents: 1_000, settledCents: null });
    expect(processor.reserved.get(id)).toBe(1_000);

    await settle(id).expect(201);
    expect(await queueOf(1)).toEqual([{ id, task: 'send-settlement' }]);
    expect(await stateOf(id)).toBe('authorized');
    await settleAll(id, 1);
    expect(await stateOf(id)).toBe('settled');
    expect(processor.captured.get(id)).toBe(1_000);
    expect(processor.reserved.has(id)).toBe(false);
    for (const { name, pool } of service.partitions.all) {
      const { rowCount } = await pool.query('SELECT FROM transactions WHERE id = $1', [id]);
      expect(rowCount, name).toBe(name === 'payments-1' ? 1 : 0);
    }
  });

  it('cancels a transaction and gives its funds back; one that the processor refuses is canceled too (D-47)', async () => {
    const id = idIn(0);
    await begin(id).expect(201);
    const canceled = await internal()
      .post(`/transactions/${id}/cancel`)
      .set('X-System', 'orders')
      .expect(200);
    expect(canceled.body).toMatchObject({ id, state: 'canceled' });
    expect(processor.reserved.has(id)).toBe(false);
    await settle(id).expect(409);

    const beyond = idIn(0);
    await begin(beyond, mostCents + 1).expect(402);
    expect(await stateOf(beyond)).toBe('canceled');
  });

  it('has a transaction be initiated until the processor has reserved its funds, also where the host died in between (D-47) (D-48)', async () => {
    const id = idIn(1);
    const { pool } = service.partitions.of(id);
    // As if it had ended between its two commits.
    await pool.query("INSERT INTO transactions (id, order_id, amount_cents) VALUES ($1, 'order-1', 1000)", [
      id,
    ]);
    expect(await stateOf(id)).toBe('initiated');
    await settle(id).expect(409, { error: 'it is initiated' });
    await begin(id).expect(201);
    expect(await stateOf(id)).toBe('authorized');
    expect(processor.reserved.get(id)).toBe(1_000);
  });

  it('reserves nothing for what was canceled, however late an authorization arrives (D-47)', async () => {
    const id = idIn(1);
    await begin(id).expect(201);
    await internal().post(`/transactions/${id}/cancel`).set('X-System', 'orders').expect(200);
    const late = await request(processor.address).put(`/authorizations/${id}`).send({ amountCents: 1_000 });
    expect(late.status).toBe(402);
    await begin(id).expect(402);
    expect(processor.reserved.has(id)).toBe(false);
    expect(await stateOf(id)).toBe('canceled');
  });

  it('settles at most what was authorized, and less where less is asked for (D-59)', async () => {
    const id = idIn(3);
    await begin(id).expect(201);
    await settle(id, 1_001).expect(422, { error: 'only 1000 cents were authorized' });
    await settle(id, 700).expect(201);
    await settle(id, 700).expect(201);
    await settle(id, 800).expect(409, { error: 'it is being settled' });
    await internal().post(`/transactions/${id}/cancel`).set('X-System', 'orders').expect(409);
    await settleAll(id, 3);
    expect((await internal().get(`/transactions/${id}`)).body).toMatchObject({
      state: 'settled',
      amountCents: 1_000,
      settledCents: 700,
    });
    expect(processor.captured.get(id)).toBe(700);
  });

  it('has an order be several transactions, one for each shipment, each settled when it is shipped (D-60)', async () => {
    const order = randomUUID();
    const shipments = [idIn(0), idIn(3)] as const;
    for (const id of shipments) await begin(id, 500, order).expect(201);
    await settle(shipments[0], 500).expect(201);
    await settleAll(shipments[0], 0);
    const { body } = await internal().get(`/orders/${order}`).expect(200);
    expect(
      Object.fromEntries((body as { id: string; state: string }[]).map(({ id, state }) => [id, state])),
    ).toEqual({ [shipments[0]]: 'settled', [shipments[1]]: 'authorized' });
  });

  it('begins a transaction once, however often it is sent, and no other under its id', async () => {
    const id = idIn(0);
    const answers = await Promise.all(Array.from({ length: 5 }, () => begin(id)));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201]);
    await begin(id, 999).expect(409);
    await begin(id, 0).expect(400);
    expect(processor.reserved.get(id)).toBe(1_000);
  });

  it('has an interface for the company and one for the processor, and neither has the other’s routes (D-61)', async () => {
    const id = idIn(0);
    await request(service.external.app)
      .put(`/transactions/${id}`)
      .send({ order: 'o', amountCents: 1 })
      .expect(404);
    await internal().put(`/responses/${id}`).send({ amountCents: 1 }).expect(404);
    await request(service.external.app).put(`/responses/${id}`).send({ amountCents: 1 }).expect(404, {
      error: 'no such settlement was asked for',
    });
  });
});

describe('the account of the payment service (D-62)', () => {
  const purchase = (id: string, end: Purchase['end'], cents: number): Purchase => {
    return { id, order: 'order-1', amountCents: 1_000, end, settleCents: cents, isGranted: true };
  };
  const purchases = [purchase('a', 'settled', 700), purchase('b', 'canceled', 1_000)];
  const atProcessor = { reserved: new Map<string, number>(), captured: new Map([['a', 700]]) };
  let connectionString: string;
  let books: pg.Client;

  beforeAll(async () => {
    const admin = new pg.Client({ connectionString: server.connectionString });
    await admin.connect();
    await admin.query('CREATE DATABASE books');
    await admin.end();
    connectionString = server.connectionString.replace(/\/[^/]*$/, '/books');
    books = new pg.Client({ connectionString });
    await books.connect();
    await createTables(books);
    await books.query(`INSERT INTO transactions VALUES
      ('a', 'order-1', 1000, 'settled', 700, 700), ('b', 'order-1', 1000, 'canceled', NULL, NULL)`);
  });

  afterAll(() => books.end());

  it('is right where tables and processor say what was asked for', async () => {
    expect(await count([connectionString], atProcessor, purchases)).toEqual({
      transactions: 2,
      settled: 1,
      canceled: 1,
      wrong: 0,
      conserved: true,
    });
  });

  it.each([
    ['a cent that was paid too much', { ...atProcessor, captured: new Map([['a', 701]]) }, purchases],
    ['funds that nobody gave back', { ...atProcessor, reserved: new Map([['b', 1_000]]) }, purchases],
    [
      'a payment that no table has',
      { ...atProcessor, captured: new Map([...atProcessor.captured, ['c', 1]]) },
      purchases,
    ],
    [
      'a settlement that was asked for and not made',
      atProcessor,
      [...purchases, purchase('c', 'settled', 5)],
    ],
  ])('finds %s', async (_, processorSays, asked) => {
    expect((await count([connectionString], processorSays, asked)).conserved).toBe(false);
  });

  it('finds what is on a queue still, what was never granted, and what nobody asked for', async () => {
    const [first, second] = purchases as [Purchase, Purchase];
    expect((await count([connectionString], atProcessor, [first])).wrong).toBe(1);
    expect(
      (await count([connectionString], atProcessor, [first, { ...second, isGranted: false }])).wrong,
    ).toBe(1);
    await books.query("INSERT INTO work_queue VALUES ('a', 'apply-response', 700)");
    expect((await count([connectionString], atProcessor, purchases)).wrong).toBe(1);
    expect(await countQueued([connectionString])).toBe(1);
  });
});

/** Sends it three times at once: one may be let through, to see whether the database is slow still. Gives the answers to the others. */
async function heldBack(send: () => request.Test): Promise<readonly request.Response[]> {
  const answers = await Promise.all([send(), send(), send()]);
  const held = answers.filter(({ status }) => status === 503);
  expect(held.length).toBeGreaterThanOrEqual(2);
  return held;
}

async function sendAll(): Promise<void> {
  await expect.poll(async () => (await service.batches.send.run()).outcome).toBe('performed');
}

async function applyAll(): Promise<void> {
  await expect.poll(() => processor.untold).toBe(0);
  await expect.poll(async () => (await service.batches.apply.run()).outcome).toBe('performed');
}

describe('the payment service, one of its four databases slow', () => {
  beforeEach(makeSlow);
  afterEach(heal);

  it('never holds back a purchase that begins, nor its authorization (D-48) (D-49) (D-50)', async () => {
    const ids = [idIn(2), idIn(2), idIn(2)];
    const begun = await Promise.all(ids.map((id) => begin(id)));
    expect(begun.map(({ status, body }) => [status, body.state])).toEqual(ids.map(() => [201, 'authorized']));
    await heldBack(() => settle(ids[0] ?? ''));
  });

  it('tells who asks for settlement that nothing was recorded, or takes it into the ledger where that was asked for (D-53) (B-42)', async () => {
    const ids = [idIn(2), idIn(2), idIn(2), idIn(2)];
    await Promise.all(ids.map((id) => begin(id)));
    const [held] = await heldBack(() => settle(ids[0] ?? ''));
    expect(held?.body).toMatchObject({
      code: 'retry-later',
      recorded: false,
      workType: 'receive-settlement',
    });
    expect(Number(held?.get('Retry-After'))).toBeGreaterThan(0);

    const asking = ids.slice(1).map((id) => settle(id).set('Prefer', 'respond-async'));
    const answers = await Promise.all(asking);
    expect(answers.filter(({ status }) => status === 202).length).toBeGreaterThanOrEqual(2);
    await heal();
    await expect
      .poll(async () => (await queueOf(2)).map(({ id }) => id))
      .toEqual(expect.arrayContaining(ids.slice(1)));

    await sendAll();

    for (const id of ids.slice(1)) expect(processor.captured.get(id)).toBe(1_000);
    await applyAll();
  });

  it('sends nothing for that database to the processor and leaves it on the queue, and sends the rest, so that answers come for the rest alone (D-43) (D-52) (D-55) (D-57)', async () => {
    await heal();
    const there = numbers.map((number) => idIn(number));
    for (const id of there) {
      await begin(id).expect(201);
      await settle(id).expect(201);
    }
    await makeSlow();
    const asked = processor.asked;
    const report = await service.batches.send.run();
    expect(report).toMatchObject({ outcome: 'partly-performed', performed: 3 });
    expect(report.excluded.map(({ partition }) => partition)).toEqual(['payments-2']);
    expect(processor.asked - asked).toBe(3);
    expect(processor.captured.has(there[2] ?? '')).toBe(false);
    expect(await queueOf(2)).toContainEqual({ id: there[2], task: 'send-settlement' });
    await expect.poll(() => processor.untold).toBe(0);
    const answered = (await Promise.all(numbers.map(queueOf))).flat();
    expect(answered.filter(({ task }) => task === 'apply-response').map(({ id }) => id)).toEqual(
      there.filter((_, number) => number !== 2),
    );

    // What came in is applied by the rule for what comes in: not while one of the databases is slow.
    const held = await service.batches.apply.run();
    expect(held).toMatchObject({ outcome: 'postponed', performed: 0 });
    expect(held.reasons).toContain('one-over');
    expect(await stateOf(there[0] ?? '')).toBe('authorized');
    await heal();
    await sendAll();
    await applyAll();
    for (const id of there) expect(await stateOf(id)).toBe('settled');
  });

  it('has the processor tell its answers again until they are taken (D-56)', async () => {
    await heal();
    const ids = [idIn(2), idIn(2), idIn(2), idIn(2)];
    for (const id of ids) {
      await begin(id).expect(201);
      await settle(id).expect(201);
    }
    await sendAll();
    await expect.poll(() => processor.untold).toBe(0);
    await makeSlow();
    const tell = (): request.Test =>
      request(service.external.app).put(`/responses/${ids[0]}`).send({ amountCents: 1_000 });
    const [held] = await heldBack(tell);
    expect(held?.body).toMatchObject({ recorded: false, retryable: true, workType: 'receive-response' });
    await heal();
    await applyAll();
    for (const id of ids) expect(await stateOf(id)).toBe('settled');
  });

  it('holds back the last step first: taking answers, then sending settlements, then taking requests for them (D-58)', async () => {
    const { workTypes } = service.internal.gate;
    const order = ['receive-settlement', 'send-settlement', 'receive-response'] as const;
    const thresholds = order.map((name) => Number(workTypes.find(name)?.thresholdMs));
    expect(thresholds).toEqual([...thresholds].sort((a, b) => b - a));
    expect(order.map((name) => workTypes.find(name)?.priority)).toEqual([2, 3, 4]);

    await heal();
    // As if commits took as long as is too long for the last alone.
    await workTypes.change('receive-settlement', { thresholdMs: 3_600_000 });
    await workTypes.change('send-settlement', { thresholdMs: 3_000_000 });
    await makeSlow();
    const ids = [idIn(2), idIn(2)] as const;
    await Promise.all(ids.map((id) => begin(id)));
    await settle(ids[0]).expect(201);
    expect((await service.batches.send.run()).outcome).toBe('performed');
    expect((await service.batches.apply.run()).outcome).toBe('postponed');

    // And for the last two.
    await workTypes.reset('send-settlement');
    await settle(ids[1]).expect(201);
    expect((await service.batches.send.run()).excluded.map(({ partition }) => partition)).toEqual([
      'payments-2',
    ]);
    expect(await queueOf(2)).toContainEqual({ id: ids[1], task: 'send-settlement' });
    await workTypes.reset('receive-settlement');
    await heal();
    await sendAll();
    await applyAll();
    for (const id of ids) expect(await stateOf(id)).toBe('settled');
  });
});
