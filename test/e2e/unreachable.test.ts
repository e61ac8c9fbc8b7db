import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Gate, slackwater, sqliteEngine } from '@slackwater/middleware';
import { type Observed, observe } from '@slackwater/middleware/pg';
import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import { type NetworkProxy, startProxy } from '@slackwater/test-support/proxy';
import express from 'express';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, post } from './orders-app.ts';

let directory: string;
let server: PostgresServer;
let proxy: NetworkProxy;
let pool: pg.Pool;
let observed: Observed;
let gate: Gate;
let http: Server;
let url: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slackwater-unreachable-'));
  server = await startPostgres();
  proxy = await startProxy(`${server.host}:${server.port}`);
  const { user, password, database } = server;
  const address = { host: proxy.host, port: proxy.port, user, password, database };
  pool = new pg.Pool({ ...address, max: 4, connectionTimeoutMillis: 500 });
  pool.on('error', () => {});
  await pool.query('CREATE TABLE orders (reference text PRIMARY KEY)');
  observed = observe(pool, { partition: 'unreachable', ensure: true, probeTimeoutMs: 200 });
  gate = slackwater({
    workTypes: {
      defers: { priority: 1, whenOver: 'defer', candidates: { any: [{ unavailable: true }] } },
      sheds: { priority: 1, candidates: { any: [{ unavailable: true }] } },
      none: { priority: 1 },
    },
    classify: (req) => req.get('x-work'),
    partition: 'unreachable',
    requester: () => 'ann',
    engine: sqliteEngine({ directory }),
    perform: { lookEveryMs: 50, lookCapMs: 200 },
    ledger: { engineTimeoutMs: 30_000 },
    latency: { probeEveryMs: 50 },
  });
  const app = express();
  app.use(gate);
  app.use(express.json());
  app.post('/orders', async (req, res) => {
    await pool.query('INSERT INTO orders VALUES ($1)', [req.body.reference]);
    res.status(201).end();
  });
  app.use(((_error, _req, res, _next) => res.status(500).end()) as express.ErrorRequestHandler);
  http = createServer(app);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  await gate.start();
  // A look at the completion table that came too late on a busy machine is repeated after a second.
  await eventually(() => observedTable());
});
afterAll(async () => {
  http.closeAllConnections();
  await new Promise((resolve) => http.close(resolve));
  await gate.close();
  observed.stop();
  await pool.end();
  await proxy.stop();
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** Rejects while nobody has seen the completion table. */
async function observedTable(): Promise<void> {
  const { rows } = await pool.query("SELECT to_regclass('slackwater_completions') AS name");
  expect(rows).toEqual([{ name: 'slackwater_completions' }]);
}

let sent = 0;

async function order(workType: string): Promise<{ status: number; reference: string }> {
  const reference = `${workType} ${++sent}`;
  const answer = await post(`${url}/orders`, { reference }, { prefer: 'respond-async', 'x-work': workType });
  await answer.arrayBuffer();
  return { status: answer.status, reference };
}

describe('a database out of reach (B-14)', () => {
  const heal = (): Promise<void> | void => proxy.heal();
  it.each<[string, () => Promise<void> | void, () => Promise<void> | void]>([
    ['refuses connections', () => proxy.cut(), heal],
    ['is no process any more', () => server.kill(), () => server.restart()],
    [
      'resets connections, and answers no new ones in time',
      () => {
        proxy.stall();
        proxy.drop();
      },
      heal,
    ],
  ])('that %s: requests are answered, and done when it is back', async (_, breakDown, comeBack) => {
    // More connections than one: the loss of a single one says nothing.
    await eventually(async () => {
      const some = await Promise.all([order('none'), order('none'), order('none')]);
      expect(some.map(({ status }) => status)).toEqual([201, 201, 201]);
    });
    await breakDown();
    const deferred = await eventually(async () => {
      const one = await order('defers');
      expect(one.status).toBe(202);
      return one;
    });
    expect((await order('sheds')).status).toBe(503);
    expect((await order('none')).status).toBe(500);
    const wave = await Promise.all(Array.from({ length: 10 }, () => order('defers')));
    expect(wave.map(({ status }) => status)).toEqual(wave.map(() => 202));
    await comeBack();
    await eventually(async () => {
      const { rows } = await pool.query('SELECT reference FROM orders');
      const there = rows.map(({ reference }) => reference);
      expect(there).toEqual(expect.arrayContaining([deferred, ...wave].map(({ reference }) => reference)));
    });
    await eventually(async () => expect((await order('sheds')).status).toBe(201));
  });
});
