import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import type { RequestHandler } from 'express';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import {
  eventually,
  type OrdersApp,
  post,
  prepareDatabase,
  startOrders,
  usualOptions,
} from './orders-app.ts';

let server: PostgresServer;
let orders: OrdersApp;
let part = 0;

beforeAll(async () => {
  server = await startPostgres();
  await prepareDatabase(server);
});

afterEach(async () => {
  await orders.close();
});

afterAll(async () => {
  await server.stop();
});

/** A route of two transactions, which ends between them where its body says so. */
function twoTransactions(): RequestHandler {
  return async (req, res) => {
    const { reference, ends } = req.body as { reference: string; ends?: boolean };
    await orders.pool.query('INSERT INTO orders (reference) VALUES ($1)', [`${reference} first`]);
    if (ends === true) {
      res.status(500).json({});
      return;
    }
    await orders.pool.query('INSERT INTO orders (reference) VALUES ($1)', [`${reference} second`]);
    res.status(201).json({});
  };
}

async function open(repeatable: boolean): Promise<void> {
  const partition = `interrupted ${++part}`;
  const usual = usualOptions(partition, 'unused');
  const double = { priority: 2, thresholdMs: 1_000, whenOver: 'defer', repeatable } as const;
  orders = await startOrders(server, {
    partition,
    options: {
      workTypes: { ...usual.workTypes, double },
      routes: { ...usual.routes, 'POST /double': { workType: 'double', partition } },
    },
  });
  orders.app.post('/double', twoTransactions());
  await orders.gate.start();
}

function send(reference: string, ends?: boolean): Promise<Response> {
  const headers = { 'x-customer': 'ann', 'idempotency-key': `"${reference}"` };
  return post(`${orders.url}/double`, { reference, ends }, headers);
}

it('a request of whose transactions one is done is not said to be performed, nor performed again', async () => {
  await open(false);
  expect((await send('whole 1')).status).toBe(201);
  expect((await send('half 1', true)).status).toBe(500);
  // What the first one showed is kept beside its answer.
  await eventually(async () => {
    const again = await send('half 1');
    expect(again.status).toBe(409);
    expect((await again.json()).code).toBe('interrupted-between-transactions');
  });
  const done = await send('whole 1');
  expect((await done.json()).code).toBe('already-performed');
  const counts = await orders.counts();
  expect([counts['half 1 first'], counts['half 1 second'], counts['whole 1 second']]).toEqual([
    1,
    undefined,
    1,
  ]);
});

it('a request of whose transactions one is done is performed again where its work type says that it may be', async () => {
  await open(true);
  await eventually(async () => {
    const n = `repeatable ${performance.now()}`;
    expect((await send(`whole ${n}`)).status).toBe(201);
    expect((await send(`half ${n}`, true)).status).toBe(500);
    expect((await send(`half ${n}`)).status).toBe(201);
    const counts = await orders.counts();
    expect([counts[`half ${n} first`], counts[`half ${n} second`]]).toEqual([2, 1]);
  });
});
