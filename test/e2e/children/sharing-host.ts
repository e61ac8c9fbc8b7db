/**
 * One host of several on the same database and the same engine, on the built packages. By the environment: DATABASE_URL, ENGINE (see
 * engine-of.ts), HOST, its name among the rows it writes, SECRET, which its auditors' tokens are signed with, and SHARE, `yes` where it shares its latency. What PGOPTIONS sets
 * holds for this host's connections alone. Prints its address once it listens and its ledger is open, and ends with its
 * standard input.
 */
import { createSecretKey } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { slackwater } from '@slackwater/middleware';
import { observe } from '@slackwater/middleware/pg';
import express from 'express';
import pg from 'pg';
import { engineOf } from './engine-of.ts';

const { DATABASE_URL: connectionString, ENGINE = '', HOST: host, SECRET = '', SHARE } = process.env;
const pool = new pg.Pool({ connectionString });
pool.on('error', () => {});
observe(pool, { partition: 'orders', ensure: true });
const gate = slackwater({
  application: 'shop',
  workTypes: {
    order: { priority: 1, thresholdMs: 200, whenOver: 'defer' },
    report: { priority: 2, thresholdMs: 200 },
  },
  routes: {
    'POST /orders': { workType: 'order', partition: 'orders' },
    'POST /reports': { workType: 'report', partition: 'orders' },
  },
  ledger: { engineTimeoutMs: 30_000 },
  requester: () => 'shop',
  engine: engineOf(ENGINE),
  shareLatency: SHARE === 'yes',
  // No probe comes by chance while the test lasts.
  latency: { probeEveryMs: 60_000 },
  auth: {
    key: createSecretKey(Buffer.from(SECRET)),
    algorithms: ['HS256'],
    audience: 'shop',
    issuer: 'test',
  },
});
const troubles: string[] = [];
gate.on('trouble', ({ doing }) => void troubles.push(doing));

const app = express();
app.use(gate);
app.post(['/orders', '/reports'], async (_req, res) => {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await client.query('INSERT INTO orders (host) VALUES ($1)', [host]);
    await client.query('COMMIT');
  } finally {
    client.release();
  }
  res.status(201).end();
});
app.get('/troubles', (_req, res) => void res.json(troubles));

const server = createServer(app).listen(0, '127.0.0.1', async () => {
  await gate.start();
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
process.stdin
  .on('end', async () => {
    await gate.close();
    process.exit();
  })
  .resume();
