import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Gate, slackwater } from '@slackwater/middleware';
import { observe } from '@slackwater/middleware/mysql2';
import { type MariadbServer, startMariadb } from '@slackwater/test-support/mariadb';
import express from 'express';
import mysql from 'mysql2/promise';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { doneOnceSuite } from './done-once-suite.ts';

let database: MariadbServer;
let operator: mysql.Connection;
let pool: mysql.Pool;
let gate: Gate;
let server: Server;
let url: string;

beforeAll(async () => {
  database = await startMariadb();
  const { host, port, user, password, database: name } = database;
  operator = await mysql.createConnection({ host, port, user, password, database: name });
  await operator.query('CREATE TABLE orders (id int AUTO_INCREMENT PRIMARY KEY) ENGINE = InnoDB');
  pool = mysql.createPool({ host, port, user, password, database: name, connectionLimit: 5 });
  observe(pool, { partition: 'orders' });
  gate = slackwater({
    workTypes: { pay: { priority: 1, exempt: true }, order: { priority: 2, thresholdMs: 150 } },
    routes: { 'POST /payments': { workType: 'pay' }, 'POST /orders': { workType: 'order' } },
    partition: 'orders',
    latency: { probeEveryMs: 50, minSamples: 3 },
  });
  const app = express();
  app.use(gate);
  app.post(['/orders', '/payments'], async (_req, res) => {
    const connection = await pool.getConnection();
    await connection.beginTransaction();
    await connection.query('INSERT INTO orders VALUES ()');
    await connection.commit();
    connection.release();
    res.status(201).end();
  });
  server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  await operator.query('BACKUP STAGE END').catch(() => {});
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await gate.close();
  await pool.end();
  await operator.end();
  await database.stop();
});

const post = async (path: string): Promise<number> =>
  (await fetch(`${url}${path}`, { method: 'POST' })).status;

it('an application on MariaDB is protected while its commits stall, and opens by itself when they do no more', async () => {
  for (let n = 0; n < 8; n++) expect(await post('/orders')).toBe(201);
  for (const stage of ['START', 'FLUSH', 'BLOCK_DDL', 'BLOCK_COMMIT']) {
    await operator.query(`BACKUP STAGE ${stage}`);
  }
  const hanging = [post('/orders'), post('/orders'), post('/payments')];
  await vi.waitFor(async () => expect(gate.latency.read('orders').valueMs).toBeGreaterThan(150), {
    interval: 10,
    timeout: 30_000,
  });
  // One of them may be let through to find out, and hangs as well.
  const tries = [post('/orders'), post('/orders'), post('/orders')];
  expect(await Promise.race(tries)).toBe(503);
  // Exempt work finds a connection, though all that may be postponed waits.
  hanging.push(post('/payments'));
  await operator.query('BACKUP STAGE END');
  expect(await Promise.all(hanging)).toEqual([201, 201, 201, 201]);
  expect(await Promise.all(tries)).toContain(503);
  await vi.waitFor(async () => expect(await post('/orders')).toBe(201), { timeout: 30_000, interval: 20 });
  const [[counted]] = await operator.query<mysql.RowDataPacket[]>('SELECT count(*) AS orders FROM orders');
  expect(counted?.['orders']).toBeGreaterThanOrEqual(13);
});

doneOnceSuite('mysql2', async () => {
  const { host, port, user, password, database: name } = database;
  await operator.query('CREATE TABLE once (reference varchar(100) NOT NULL) ENGINE = InnoDB');
  const own = mysql.createPool({ host, port, user, password, database: name });
  observe(own, { partition: 'once', ensure: true });
  return {
    partition: 'once',
    async handler(req, res) {
      await own.execute('INSERT INTO once (reference) VALUES (?)', [req.body.reference]);
      res.status(201).end();
    },
    async times(reference) {
      const [rows] = await own.query<mysql.RowDataPacket[]>('SELECT 1 FROM once WHERE reference = ?', [
        reference,
      ]);
      return rows.length;
    },
  };
});
