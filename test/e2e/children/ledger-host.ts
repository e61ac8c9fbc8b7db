/**
 * One host of several that share a ledger in PostgreSQL, on the built packages. By the environment: DATABASE_URL,
 * LEDGER_URL, KEYS, LOOK_EVERY_MS, how often it looks at the queue by itself, and VERSION: 2 has one route more; what PGOPTIONS sets holds for this host's connections alone. Prints its address once it listens, and
 * ends with its standard input.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { slackwater } from '@slackwater/middleware';
import { observe } from '@slackwater/middleware/pg';
import { postgresEngine } from '@slackwater/middleware/postgres-engine';
import express from 'express';
import pg from 'pg';

const { DATABASE_URL, LEDGER_URL, KEYS = '', LOOK_EVERY_MS, VERSION } = process.env;
const deferrable = VERSION === '2' ? ['/orders', '/returns'] : ['/orders'];
const lookEveryMs = Number(LOOK_EVERY_MS);
const pool = new pg.Pool({ connectionString: DATABASE_URL });
pool.on('error', () => {});
observe(pool, { partition: 'orders' });
const gate = slackwater({
  application: 'orders',
  workTypes: {
    pay: { priority: 1, exempt: true },
    order: { priority: 2, thresholdMs: 200, whenOver: 'defer' },
  },
  routes: {
    'POST /payments': { workType: 'pay', partition: 'orders' },
    ...Object.fromEntries(
      deferrable.map((path) => [`POST ${path}`, { workType: 'order', partition: 'orders' }]),
    ),
  },
  ledger: { engineTimeoutMs: 30_000 },
  requester: (req) => req.get('x-customer'),
  engine: postgresEngine({
    pool: new pg.Pool({ connectionString: LEDGER_URL, options: '' }),
    keys: KEYS,
    ensure: true,
  }),
  // What a killed host had taken is not waited for as long as a test waits.
  perform: { lookEveryMs, lookCapMs: Math.max(lookEveryMs, 500), leaseMs: 2_000 },
  // No probe comes by chance while the test lasts.
  latency: { probeEveryMs: 60_000 },
});

const app = express();
app.use(gate);
app.use(express.json());
app.post([...deferrable, '/payments'], async (req, res) => {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await client.query('INSERT INTO orders (reference, host) VALUES ($1, $2)', [
      req.body.reference,
      process.pid,
    ]);
    await client.query('COMMIT');
  } finally {
    client.release();
  }
  res.status(201).json({ reference: req.body.reference });
});

const server = createServer(app).listen(0, '127.0.0.1', async () => {
  await gate.start();
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
process.stdin
  .on('end', async () => {
    // What was performed leaves the queue.
    await gate.close();
    process.exit();
  })
  .resume();
