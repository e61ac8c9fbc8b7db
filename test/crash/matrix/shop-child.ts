/**
 * A shop in a process of its own, every order of which is deferred, that kills itself at that step of an order which the header
 * `X-Kill-At` names: started by matrix.test.ts with its engine and the address of its database. With `STALLS` it stops itself, once,
 * at that place of its route.
 */
import { createServer, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { slackwater, sqliteEngine } from '@slackwater/middleware';
import { observe } from '@slackwater/middleware/pg';
import express from 'express';
import pg from 'pg';
import type { Engine, OpenEngine } from '../../../packages/middleware/src/engines/engine.ts';
import { stepInDatabase } from './database-steps.ts';
import { withEngineSteps } from './engine-steps.ts';
import { countSteps } from './steps.ts';

const [spec = '', connectionString = ''] = process.argv.slice(2);
const steps = countSteps();
stepInDatabase(pg, steps);

const pool = new pg.Pool({ connectionString, max: 3 });
pool.on('error', () => {});
observe(pool, { partition: 'orders' });
let engine: OpenEngine | undefined;
/** How each run of the route ended. */
const ends: unknown[] = [];
let stalls = process.env['STALLS'];
const gate = slackwater({
  application: 'shop',
  workTypes: { order: { priority: 2, thresholdMs: 60_000, whenOver: 'defer', candidates: 'always' } },
  routes: { 'POST /orders': { workType: 'order', partition: 'orders' } },
  requester: (req) => req.get('x-customer'),
  engine: withEngineSteps(await engineOf(spec), steps, (opened) => {
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
    stallAt('before BEGIN');
    await client.query('BEGIN');
    await client.query('INSERT INTO orders (reference) VALUES ($1)', [req.body.reference]);
    stallAt('before COMMIT');
    await client.query('COMMIT');
    ends.push('committed');
    res.status(201).json({ by: process.env['NAME'] });
  } catch (error) {
    ends.push((error as { readonly code?: unknown }).code);
    throw error;
  } finally {
    client.release();
  }
});
app.get('/ends', (_req, res) => void res.json(ends));
app.get('/steps', (_req, res) => void res.json(steps.told));
app.get('/backlog', async (_req, res) => void res.json(await engine?.queue.backlog()));

function stallAt(place: string): void {
  if (stalls !== place) return;
  stalls = undefined;
  // The engine's thread ends what it is at: whoever goes on must not meet its locks.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  process.kill(process.pid, 'SIGSTOP');
}

/** Others than the embedded one are loaded where they are wanted. */
async function engineOf(text: string): Promise<Engine> {
  const { engine: name, directory } = JSON.parse(text) as { engine: string; directory?: string };
  if (name === 'sqlite' && directory !== undefined) return sqliteEngine({ directory });
  return (await import('../../e2e/children/engine-of.ts')).engineOf(text);
}

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
