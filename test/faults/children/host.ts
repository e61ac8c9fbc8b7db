/**
 * The example shop as one host of several, on the built packages: its ledger on NATS. By the environment: DATABASE_URL,
 * NATS_SERVERS (with commas between), KEY_FILE, PORT and LEASE_MS. Once it listens it prints one line of JSON with its address
 * and the key that receipts are verified with, and it ends with its standard input. Trouble that it survives is a line of standard error that begins with "trouble".
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { slackwater } from '@slackwater/middleware';
import { natsEngine } from '@slackwater/middleware/nats';
import { observe } from '@slackwater/middleware/pg';
import express from 'express';
import pg from 'pg';
import { listen } from '../../../examples/shop/src/listen.ts';
import { customerOf, routes } from '../../../examples/shop/src/routes.ts';
import { partition, workTypes } from '../../../examples/shop/src/shop.ts';

const {
  DATABASE_URL: connectionString,
  NATS_SERVERS: servers = '',
  KEY_FILE: keyFile = '',
  PORT,
  LEASE_MS,
} = process.env;

const openWithinMs = 60_000;
const openAgainMs = 100;

const pool = new pg.Pool({ connectionString, max: 8 });
pool.on('error', () => {});
observe(pool, { partition, ensure: true });
const gate = slackwater({
  application: 'shop',
  workTypes,
  routes: {
    'POST /payments': { workType: 'pay', partition },
    'POST /orders': { workType: 'order', partition, orderKey: customerOf },
  },
  requester: customerOf,
  captureHeaders: ['X-Customer'],
  engine: natsEngine({ servers: servers.split(','), keys: readFileSync(keyFile) }),
  perform: { leaseMs: Number(LEASE_MS), lookCapMs: 2_000, retryCapMs: 2_000 },
});
gate.on('trouble', ({ doing, error }) => {
  process.stderr.write(`trouble ${new Date().toISOString()} ${doing}: ${String(error)}\n`);
});

process.stdin.on('end', () => process.exit()).resume();

const app = express();
app.use(gate);
app.use(routes(pool));
const { address } = await listen(app, Number(PORT));
await untilItOpens(() => gate.start());
process.stdout.write(
  `${JSON.stringify({ address, verifierKey: await untilItOpens(() => gate.ledger.verifierKey()) })}\n`,
);

/** Servers may be choosing a leader, or the machine may be busy: the gate goes on trying to open its ledger, so whoever asks does. */
async function untilItOpens<T>(ask: () => Promise<T>): Promise<T> {
  for (const giveUpAt = Date.now() + openWithinMs; ; ) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() > giveUpAt) throw error;
      await sleep(openAgainMs);
    }
  }
}
