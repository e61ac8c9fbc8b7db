/** An application behind a gate, with a database of its own. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { slackwater, sqliteEngine } from '@slackwater/middleware';
import { observe } from '@slackwater/middleware/pg';
import express from 'express';
import pg from 'pg';
import { answerCalls } from '../../child.ts';
import { scratchFolder } from '../../scratch.ts';
import { partition } from '../../work-types.ts';

/** What it can be asked. */
export interface GatedServer {
  url(): Promise<string>;
  /** How many requests came over the network since it was asked last. */
  requests(): Promise<number>;
}

await answerCalls<GatedServer>(async (connectionString: string) => {
  const pool = new pg.Pool({ connectionString, max: 10 });
  // The database is stopped before this process is.
  pool.on('error', () => {});
  observe(pool, { partition, ensure: true });
  const app = express();
  // It would print the errors that it answers with: that a request was performed before is one.
  app.set('env', 'test');
  const gate = slackwater({
    application: 'bench',
    workTypes: { order: { priority: 2, thresholdMs: 150, whenOver: 'defer' } },
    routes: { 'POST /orders': { workType: 'order', partition } },
    requester: (req) => req.get('x-customer'),
    engine: sqliteEngine({ directory: scratchFolder() }),
  });
  app.use(gate);
  app.use(express.json());
  app.post('/orders', async (req, res) => {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      await client.query('INSERT INTO orders (call) VALUES ($1)', [req.body.call]);
      await client.query('COMMIT');
    } finally {
      client.release();
    }
    res.status(201).json({ order: req.body.call });
  });
  let requests = 0;
  // A replay comes through a server of the gate's own, and is no request of anybody's.
  const server = createServer(app).on('request', () => {
    requests += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await gate.start();
  return {
    url: async () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async requests() {
      const came = requests;
      requests = 0;
      return came;
    },
  };
});
