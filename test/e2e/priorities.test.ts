import { type PostgresServer, type SlowCommits, startPostgres } from '@slackwater/test-support/postgres';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  eventually,
  type OrdersApp,
  post,
  prepareDatabase,
  showThatItIsSlow,
  startOrders,
} from './orders-app.ts';

let server: PostgresServer;
let slow: SlowCommits;
let orders: OrdersApp;

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

async function referencesInOrder(): Promise<string[]> {
  const { rows } = await orders.pool.query('SELECT reference FROM orders ORDER BY id');
  return rows.map(({ reference }) => reference);
}

describe('two levels at one moment on one partition', () => {
  it('of which the lower is postponed while the higher passes, and the higher is finished first (D-23)', async () => {
    orders = await startOrders(server, {
      partition: 'priorities',
      options: {
        workTypes: {
          pay: { priority: 1, exempt: true },
          report: { priority: 2, thresholdMs: 5_000 },
          order: { priority: 3, thresholdMs: 100, whenOver: 'defer' },
        },
        // Only what the higher level commits can show how the partition does.
        latency: { probeEveryMs: 60_000 },
      },
    });
    await slow.set(300);
    await showThatItIsSlow(orders);
    const asking = { prefer: 'respond-async', 'x-customer': 'ann' };
    await post(`${orders.url}/orders`, { reference: 'the probe' }, asking);
    const lower = await post(`${orders.url}/orders`, { reference: 'lower' }, asking);
    const higher = await post(`${orders.url}/reports`, { reference: 'higher' });
    expect([lower.status, higher.status]).toEqual([202, 201]);
    expect(await referencesInOrder()).toEqual(['the probe', 'higher']);
    await slow.set(0);
    await eventually(async () => {
      expect((await post(`${orders.url}/reports`, { reference: 'shows that it is quick' })).status).toBe(201);
      expect(await orders.counts()).toHaveProperty('lower', 1);
    });
  });
});
