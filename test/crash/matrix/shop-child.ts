/**
 * A shop in a process of its own, every order of which is deferred, that kills itself at that step of an order which the header
 * `X-Kill-At` names: started by matrix.test.ts with the folder of its ledger and the address of its database.
 */
import { createServer, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { slackwater, sqliteEngine } from '@slackwater/middleware';
import { observe } from '@slackwater/middleware/pg';
import express from 'express';
import pg from 'pg';
import type { OpenEngine } from '../../../packages/middleware/src/engines/engine.ts';
import { stepInDatabase } from './database-steps.ts';
import { withEngineSteps } from './engine-steps.ts';
import { countSteps } from './steps.ts';

const [directory = '', connectionString = ''] = process.argv.slice(2);
const steps = countSteps();
stepInDatabase(pg, steps);

const pool = new pg.Pool({ connectionString, max: 3 });
pool.on('error', () => {});
observe(pool, { partition: 'orders' });
let engine: OpenEngine | undefined;
const gate = slackwater({
  application: 'shop',
  workTypes: { order: { priority: 2, thresholdMs: 60_000, whenOver: 'defer', candidates: 'always' } },
  routes: { 'POST /orders': { workType: 'order', partition: 'orders' } },
  requester: (req) => req.get('x-customer'),
  engine: withEngineSteps(sqliteEngine({ directory }), steps, (opened) => {
    engine = opened;
  }),
  perform: { leaseMs: 1_000, lookEveryMs: 50 },
  ledger: { engineTimeoutMs: 30_000 },
});

const app = express();
app.use((req, _res, next) => {
  const at = req.get('x-kill-at');
  if (at !== undefined) steps.begin(at);
  next();
});
app.use(gate);
app.use(express.json());
app.post('/orders', async (req, res) => {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await client.query('INSERT INTO orders (reference) VALUES ($1)', [req.body.reference]);
    await client.query('COMMIT');
    res.status(201).json({ done: true });
  } finally {
    client.release();
  }
});
app.get('/steps', (_req, res) => void res.json(steps.told));
app.get('/backlog', async (_req, res) => void res.json(await engine?.queue.backlog()));

const { end } = ServerResponse.prototype;
ServerResponse.prototype.end = function (this: ServerResponse, ...args: never[]): ServerResponse {
  if (this.req.method !== 'POST' || this.statusCode !== 202) return Reflect.apply(end, this, args);
  steps.at('before', 'the 202');
  this.once('finish', () => steps.at('after', 'the 202'));
  return Reflect.apply(end, this, args);
} as typeof end;

await gate.start();
const server = createServer(app);
server.listen(0, '127.0.0.1', async () => {
  const verifierKey = await gate.ledger.verifierKey();
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ address: `http://127.0.0.1:${port}`, verifierKey })}\n`);
});
// It ends with who started it.
process.stdin.resume().on('end', () => process.exit(1));
