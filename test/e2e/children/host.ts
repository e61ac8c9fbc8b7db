/**
 * One host of several on the same database, on the built packages. By the environment: DATABASE_URL and PARTITION; what
 * PGOPTIONS sets holds for this host's connections alone. Prints its address once it listens, and ends with its
 * standard input.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { slackwater } from '@slackwater/middleware';
import { observe } from '@slackwater/middleware/pg';
import express from 'express';
import pg from 'pg';

const { DATABASE_URL: connectionString, PARTITION: partition = '' } = process.env;
const pool = new pg.Pool({ connectionString });
pool.on('error', () => {});
observe(pool, { partition });
// No probe comes by chance while the test lasts.
const gate = slackwater({ thresholdMs: 200, partition, latency: { probeEveryMs: 60_000 } });

const app = express();
app.use(gate);
app.post('/orders', async (_req, res) => {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await client.query('INSERT INTO orders DEFAULT VALUES');
    await client.query('COMMIT');
  } finally {
    client.release();
  }
  res.status(201).end();
});
app.get('/latency', (_req, res) => {
  res.json(gate.latency.read(partition));
});

const server = createServer(app).listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
process.stdin.on('end', () => process.exit()).resume();
