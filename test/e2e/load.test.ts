import { createServer } from 'node:http';
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
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from './orders-app.ts';

type Table = 'overloaded' | 'other';

const count = 20;
/** Far above what a commit takes on a busy machine, and far below what it is made to take. */
const thresholdMs = 1_000;
const slowMs = 1_500;

let server: PostgresServer;
let slow: SlowCommits;
let operator: pg.Pool;
const undo: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  server = await startPostgres();
  operator = new pg.Pool({ connectionString: server.connectionString, max: 1 });
  await operator.query(`
    CREATE TABLE overloaded (app text NOT NULL);
    CREATE TABLE other (app text NOT NULL);
  `);
  slow = await slowCommits(operator, ['overloaded']);
});

afterAll(async () => {
  await slow.set(0);
  for (const step of undo.splice(0).reverse()) await step();
  await operator.end();
  await server.stop();
});

/** An application that writes to two tables, each a partition of its own with a pool of its own. */
async function open(name: string, withGate: boolean): Promise<string> {
  const app = express();
  if (withGate) {
    const gate = slackwater({
      thresholdMs,
      partition: (req) => req.path.slice(1),
      // No probe comes by chance, however long the test lasts.
      latency: { probeEveryMs: 60_000 },
    });
    app.use(gate);
    undo.push(() => gate.close());
  }
  for (const table of ['overloaded', 'other'] as const) {
    const pool = new pg.Pool({ connectionString: server.connectionString, max: count });
    if (withGate) observe(pool, { partition: table });
    undo.push(() => pool.end());
    app.post(`/${table}`, async (_req, res) => {
      await pool.query(`INSERT INTO ${table} VALUES ($1)`, [name]);
      res.status(201).end();
    });
  }
  const http = createServer(app);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  undo.push(async () => {
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

function send(url: string, table: Table): Promise<Response> {
  return fetch(`${url}/${table}`, { method: 'POST' });
}

/** So many at once: a crowd does not wait for those before. */
async function crowd(url: string, table: Table): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => send(url, table)));
}

/** So many one after the other, which is no load. */
async function stroll(url: string, table: Table): Promise<void> {
  for (let i = 0; i < count; i++) await send(url, table);
}

async function rows(table: Table, app: string): Promise<number> {
  const { rows } = await operator.query(`SELECT count(*)::int AS n FROM ${table} WHERE app = $1`, [app]);
  return rows[0].n;
}

describe('an overloaded partition', () => {
  it('gets measurably fewer commits with the gate than without, and other partitions as many as before (D-29)', async () => {
    const urls = { gated: await open('gated', true), bare: await open('bare', false) };
    await slow.set(slowMs);
    await eventually(async () => {
      const together = Array.from({ length: 6 }, () => send(urls.gated, 'overloaded'));
      expect((await Promise.all(together)).map(({ status }) => status)).toContain(503);
    });
    await operator.query('TRUNCATE overloaded');
    await Promise.all(Object.values(urls).flatMap((url) => [crowd(url, 'overloaded'), stroll(url, 'other')]));
    expect(await rows('overloaded', 'bare')).toBe(count);
    // One may be the probe that is due.
    expect(await rows('overloaded', 'gated')).toBeLessThanOrEqual(1);
    expect([await rows('other', 'bare'), await rows('other', 'gated')]).toEqual([count, count]);
  });
});
