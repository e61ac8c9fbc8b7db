import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Gate, slackwater } from '@slackwater/middleware';
import { observe } from '@slackwater/middleware/node-sqlite';
import express from 'express';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { holdLock, type LockHolder } from '../middleware/drivers/lock-holder.ts';
import { doneOnceSuite } from './done-once-suite.ts';

let directory: string;
let file: string;
let database: DatabaseSync;
let gate: Gate;
let server: Server;
let url: string;
/** Lets its lock go a while after the next order has begun to wait for it. */
let holder: LockHolder | undefined;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slackwater-node-sqlite-'));
  file = join(directory, 'orders.db');
  database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 10000');
  database.exec('CREATE TABLE t (n INTEGER PRIMARY KEY)');
  observe(database, { partition: 'orders' });
  const insert = database.prepare('INSERT INTO t DEFAULT VALUES');
  gate = slackwater({
    workTypes: { order: { priority: 1, thresholdMs: 40 } },
    latency: { probeEveryMs: 60_000 },
  });
  const app = express();
  app.use(gate);
  app.post('/orders/:id', (_req, res) => {
    holder?.releaseAfter(120);
    insert.run();
    res.status(201).end();
  });
  app.post('/greetings', (_req, res) => res.status(200).end());
  app.get('/orders', (_req, res) => res.json(database.prepare('SELECT count(*) AS orders FROM t').get()));
  server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await gate.close();
  database.close();
  rmSync(directory, { recursive: true, force: true });
});

const post = (path: string): Promise<Response> => fetch(`${url}${path}`, { method: 'POST' });

/** An order that another connection keeps waiting. */
async function slowOrder(): Promise<number> {
  holder = await holdLock(file, 'write');
  const { status } = await post('/orders/slow');
  holder.releaseAfter(1);
  await holder.released;
  holder = undefined;
  return status;
}

describe('an Express application on node:sqlite', () => {
  it('is protected while a busy writer keeps its commits waiting, on the routes that commit', async () => {
    expect((await post('/orders/1')).status).toBe(201);
    expect((await post('/orders/2')).status).toBe(201);
    const statuses: number[] = [];
    for (let order = 0; order < 8; order++) statuses.push(await slowOrder());
    expect(statuses[0]).toBe(201);
    expect(statuses.at(-1)).toBe(503);
    expect(gate.latency.read('orders').valueMs).toBeGreaterThan(40);

    const refused = await post('/orders/3');
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await post('/greetings')).status).toBe(200);
    const performed = statuses.filter((status) => status === 201).length;
    expect(await (await fetch(`${url}/orders`)).json()).toEqual({ orders: 2 + performed });
  });
});

doneOnceSuite('node:sqlite', async () => {
  const own = new DatabaseSync(':memory:');
  own.exec('CREATE TABLE once (reference TEXT NOT NULL)');
  observe(own, { partition: 'once', ensure: true });
  const insert = own.prepare('INSERT INTO once (reference) VALUES (?)');
  return {
    partition: 'once',
    handler(req, res) {
      insert.run(String(req.body.reference));
      res.status(201).end();
    },
    times: async (reference) => own.prepare('SELECT 1 FROM once WHERE reference = ?').all(reference).length,
  };
});
