import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { slackwater } from '@slackwater/middleware';
import { observe } from '@slackwater/middleware/pg';
import {
  type PostgresServer,
  type SlowCommits,
  slowCommits,
  startPostgres,
} from '@slackwater/test-support/postgres';
import express from 'express';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from './orders-app.ts';

const shards = ['north', 'south'] as const;

let server: PostgresServer;
let operator: pg.Pool;
let slow: SlowCommits;

beforeAll(async () => {
  server = await startPostgres();
  operator = new pg.Pool({ connectionString: server.connectionString, max: 2 });
  for (const shard of shards) {
    await operator.query(`CREATE TABLE payments_${shard} (id text PRIMARY KEY, state text NOT NULL)`);
    await operator.query(
      `INSERT INTO payments_${shard} VALUES ('p1', 'authorized'), ('p2', 'authorized'), ('p3', 'authorized')`,
    );
  }
  slow = await slowCommits(operator, ['payments_north']);
});

afterAll(async () => {
  await operator.end();
  await server.stop();
});

it('commits that update the state of a transaction are measured and held back where it is kept (D-31)', async () => {
  const pools = Object.fromEntries(
    shards.map((shard) => [shard, new pg.Pool({ connectionString: server.connectionString, max: 4 })]),
  );
  for (const shard of shards) {
    const pool = pools[shard];
    if (pool !== undefined) observe(pool, { partition: shard });
  }
  const gate = slackwater({
    workTypes: { settle: { priority: 2, thresholdMs: 100 } },
    routes: {
      'POST /:shard/payments/:id/settle': {
        workType: 'settle',
        partition: ({ params }) => `${params['shard']}`,
      },
    },
    latency: { minSamples: 1, probeEveryMs: 50 },
  });
  const app = express();
  app.use(gate);
  app.post('/:shard/payments/:id/settle', async (req, res) => {
    const client = await pools[req.params.shard]?.connect();
    await client?.query('BEGIN');
    await client?.query(
      `UPDATE payments_${req.params.shard} SET state = 'settled' WHERE id = $1 AND state = 'authorized'`,
      [req.params.id],
    );
    await client?.query('COMMIT');
    client?.release();
    res.json({ state: 'settled' });
  });
  const listening = app.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const { port } = listening.address() as AddressInfo;
  const settle = async (shard: string, id: string): Promise<number> =>
    (await fetch(`http://127.0.0.1:${port}/${shard}/payments/${id}/settle`, { method: 'POST' })).status;
  const stateOf = async (shard: string, id: string): Promise<unknown> =>
    (await operator.query(`SELECT state FROM payments_${shard} WHERE id = $1`, [id])).rows[0]?.state;

  try {
    await slow.set(400);
    expect(await settle('north', 'p1')).toBe(200);
    expect(gate.latency.read('north').samples).toBe(1);
    expect(gate.latency.read('south').samples).toBe(0);
    // One may be the probe; the other finds the partition over while that is out.
    const answers = await Promise.all(
      ['p2', 'p3'].map(async (id) => ({ id, status: await settle('north', id) })),
    );
    const refused = answers.filter(({ status }) => status === 503);
    expect(refused).not.toEqual([]);
    for (const { id } of refused) expect(await stateOf('north', id)).toBe('authorized');
    expect(await settle('south', 'p1')).toBe(200);
    expect(await stateOf('south', 'p1')).toBe('settled');
    await slow.set(0);
    for (const { id } of refused) {
      await eventually(async () => {
        expect(await settle('north', id)).toBe(200);
      });
      expect(await stateOf('north', id)).toBe('settled');
    }
  } finally {
    await slow.set(0);
    await gate.close();
    listening.close();
    listening.closeAllConnections();
    for (const shard of shards) await pools[shard]?.end();
  }
});
