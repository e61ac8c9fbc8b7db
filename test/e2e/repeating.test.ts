import { type PostgresServer, type SlowCommits, startPostgres } from '@slackwater/test-support/postgres';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  eventually,
  type OrdersApp,
  overUntilHealed,
  post,
  prepareDatabase,
  startOrders,
} from './orders-app.ts';

let server: PostgresServer;
let slow: SlowCommits;
let orders: OrdersApp;
let part = 0;
const asking = { prefer: 'respond-async', 'x-customer': 'ann' };

beforeAll(async () => {
  server = await startPostgres();
  slow = await prepareDatabase(server);
});

afterEach(async () => {
  await slow.set(0);
  await orders.close();
});

afterAll(async () => {
  await server.stop();
});

async function open(): Promise<OrdersApp> {
  orders = await startOrders(server, { partition: `repeating ${++part}` });
  return orders;
}

function keyed(key: string): Readonly<Record<string, string>> {
  return { ...asking, 'idempotency-key': `"${key}"` };
}

async function codeOf(answer: Response): Promise<string> {
  return ((await answer.json()) as { code: string }).code;
}

describe('a request with an Idempotency-Key', () => {
  it('that was deferred gives the same deferral again, and is done once', async () => {
    await open();
    await overUntilHealed(orders, slow);
    const first = await post(`${orders.url}/orders`, { reference: 'key 1' }, keyed('one'));
    const again = await post(`${orders.url}/orders`, { reference: 'key 1' }, keyed('one'));
    expect([first.status, again.status]).toEqual([202, 202]);
    const [before, after] = [await first.json(), await again.json()];
    expect(after.id).toBe(before.id);
    await slow.set(0);
    await eventually(async () => expect((await orders.counts())['key 1']).toBe(1));
    // Also after it was performed, by a caller that does not ask for it any more.
    const late = await post(
      `${orders.url}/orders`,
      { reference: 'key 1' },
      { 'x-customer': 'ann', 'idempotency-key': '"one"' },
    );
    expect(late.status).toBe(202);
    const { id, status } = await late.json();
    expect({ id, status }).toEqual({ id: before.id, status: 'Succeeded' });
    expect((await orders.counts())['key 1']).toBe(1);
  });

  it('that comes with another payload is refused with 422', async () => {
    await open();
    await overUntilHealed(orders, slow);
    expect((await post(`${orders.url}/orders`, { reference: 'a' }, keyed('two'))).status).toBe(202);
    const other = await post(`${orders.url}/orders`, { reference: 'b' }, keyed('two'));
    expect(other.status).toBe(422);
    expect(await codeOf(other)).toBe('idempotency-key-reused');
  });

  it('belongs to its requester: another one with the same key makes a request of its own', async () => {
    await open();
    await overUntilHealed(orders, slow);
    const first = await post(`${orders.url}/orders`, { reference: 'hers' }, keyed('three'));
    const other = await post(
      `${orders.url}/orders`,
      { reference: 'his' },
      { ...keyed('three'), 'x-customer': 'bob' },
    );
    expect(other.status).toBe(202);
    expect((await other.json()).id).not.toBe((await first.json()).id);
  });

  it('that is being performed is refused with 409', async () => {
    await open();
    await server.stallCommits(true);
    const both = [1, 2].map(() => post(`${orders.url}/orders`, { reference: 'running' }, keyed('four')));
    // The other one is held up in its commit.
    const refused = await Promise.race(both);
    await server.stallCommits(false);
    expect(refused.status).toBe(409);
    expect(await codeOf(refused)).toBe('idempotency-key-in-use');
    expect((await Promise.all(both)).map(({ status }) => status).toSorted()).toEqual([201, 409]);
    expect((await orders.counts())['running']).toBe(1);
  });

  it('that was performed at once is not performed again, and the answer says so', async () => {
    await open();
    expect((await post(`${orders.url}/orders`, { reference: 'done' }, keyed('five'))).status).toBe(201);
    const again = await post(`${orders.url}/orders`, { reference: 'done' }, keyed('five'));
    expect(again.status).toBe(409);
    expect(await codeOf(again)).toBe('already-performed');
    expect((await orders.counts())['done']).toBe(1);
  });

  it('that was performed at once, its answer lost, is not done again by being deferred', async () => {
    await open();
    expect((await post(`${orders.url}/orders`, { reference: 'lost' }, keyed('six'))).status).toBe(201);
    await overUntilHealed(orders, slow);
    const again = await post(`${orders.url}/orders`, { reference: 'lost' }, keyed('six'));
    expect(again.status).toBe(202);
    const location = `${orders.url}${again.headers.get('operation-location')}`;
    await slow.set(0);
    const settled = await eventually(async () => {
      const resource = await (await fetch(location)).json();
      expect(resource.phase).toBe('settled');
      return resource;
    });
    expect(settled).toMatchObject({ status: 'Succeeded', outcomeKnown: false });
    expect((await orders.counts())['lost']).toBe(1);
  });

  it('that is no key is refused with 400', async () => {
    await open();
    for (const key of ['""', '"a', 'a, b', `"${'x'.repeat(256)}"`]) {
      const answer = await post(`${orders.url}/orders`, {}, { ...asking, 'idempotency-key': key });
      expect(answer.status).toBe(400);
      expect(await codeOf(answer)).toBe('idempotency-key-invalid');
    }
  });

  it('many at once with one key are done once', async () => {
    await open();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => post(`${orders.url}/orders`, { reference: 'many' }, keyed('seven'))),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(19);
    expect((await orders.counts())['many']).toBe(1);
  });
});

describe('requests with an order key', () => {
  it('do not overtake a deferral of the same key, and are performed in their order', async () => {
    await open();
    await overUntilHealed(orders, slow);
    const first = await post(`${orders.url}/orders/7/notes`, { reference: 'order', note: '1' }, asking);
    const second = await post(`${orders.url}/orders/7/notes`, { reference: 'order', note: '2' }, asking);
    expect([first.status, second.status]).toEqual([202, 202]);
    await slow.set(0);
    // As soon as it is quick, others pass, and this one still waits for its predecessors or comes after them.
    const unasked = await post(
      `${orders.url}/orders/7/notes`,
      { reference: 'order', note: '3' },
      { 'x-customer': 'ann' },
    );
    if (unasked.status === 503) {
      const { reasons } = (await unasked.json()) as { reasons: string[] };
      expect(reasons[0]).toMatch(/^(order-key-waiting|over-threshold|recovering)$/);
    }
    await eventually(async () => {
      const { rows } = await orders.pool.query(
        "SELECT note FROM orders WHERE reference = 'order' ORDER BY id",
      );
      expect(rows.map(({ note }) => note).slice(0, 2)).toEqual(['1', '2']);
    });
  });

  it('pass at once where nothing of their key waits', async () => {
    await open();
    expect((await post(`${orders.url}/orders/8/notes`, { reference: 'free' }, asking)).status).toBe(201);
  });
});
