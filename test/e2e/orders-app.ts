import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Gate, type SlackwaterOptions, slackwater, sqliteEngine } from '@slackwater/middleware';
import { type Observed, observe } from '@slackwater/middleware/pg';
import { type PostgresServer, type SlowCommits, slowCommits } from '@slackwater/test-support/postgres';
import express, { type Express, type Request, type RequestHandler } from 'express';
import pg from 'pg';
import { ensureTableSql } from '../../packages/middleware/src/drivers/pg-completion-table.ts';

/** An application on a real database, with a gate before its routes. */
export interface OrdersApp {
  readonly app: Express;
  readonly gate: Gate;
  readonly pool: pg.Pool;
  readonly url: string;
  readonly directory: string;
  /** How often each reference is in the database. */
  counts(): Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}

/** What may differ from one test's application to the next. */
export interface OrdersOptions {
  readonly partition: string;
  readonly express?: typeof express;
  /** Beside the usual ones. */
  readonly options?: SlackwaterOptions;
  /** Instead of the usual ones. */
  readonly bare?: SlackwaterOptions;
  /** Middleware in front of the gate. */
  readonly before?: readonly RequestHandler[];
  readonly directory?: string;
  readonly poolSize?: number;
  readonly ensure?: boolean;
}

/** Makes the tables that the routes write to, and the way to slow their commits down. */
export async function prepareDatabase(server: PostgresServer): Promise<SlowCommits> {
  const operator = new pg.Client({ connectionString: server.connectionString });
  await operator.connect();
  await operator.query(`
    CREATE TABLE orders (id bigserial PRIMARY KEY, reference text NOT NULL, customer text, note text);
    CREATE TABLE payments (id bigserial PRIMARY KEY, reference text NOT NULL);
  `);
  // As a migration makes it: the first request with a key may come before the gate has looked for it.
  await operator.query(ensureTableSql);
  await slowCommits(operator, ['orders', 'payments']);
  await operator.end();
  // Its own connection: one that is idle while the database is slow.
  const pool = new pg.Pool({ connectionString: server.connectionString, max: 1 });
  pool.on('error', () => {});
  return slowCommits(pool, []);
}

/** Starts the application on a free port. */
export async function startOrders(server: PostgresServer, setup: OrdersOptions): Promise<OrdersApp> {
  const pool = new pg.Pool({ connectionString: server.connectionString, max: setup.poolSize ?? 10 });
  pool.on('error', () => {});
  // A connection that breaks while a route holds it says so to nobody else.
  pool.on('connect', (client) => client.on('error', () => {}));
  const observed: Observed = observe(pool, { partition: setup.partition, ensure: setup.ensure ?? true });
  const directory = setup.directory ?? mkdtempSync(join(tmpdir(), 'slackwater-orders-'));
  const gate = slackwater(setup.bare ?? usualOptions(setup.partition, directory, setup.options));
  const app = (setup.express ?? express)();
  for (const middleware of setup.before ?? []) app.use(middleware);
  app.use(gate);
  app.use(express.json());
  app.use(express.urlencoded({ extended: true }));
  app.use(express.raw({ type: 'application/octet-stream' }));
  app.post(['/orders', '/orders/:id/notes'], inTransaction(pool, 'orders'));
  app.post('/payments', inTransaction(pool, 'payments'));
  app.post('/reports', inTransaction(pool, 'orders'));
  app.get('/orders/:reference', async (req, res) => {
    const { rows } = await pool.query('SELECT * FROM orders WHERE reference = $1', [req.params['reference']]);
    res.json(rows);
  });
  const http = createServer(app);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  return {
    app,
    gate,
    pool,
    directory,
    url: `http://127.0.0.1:${port}`,
    async counts() {
      const { rows } = await pool.query(
        'SELECT reference, count(*)::int AS n FROM orders GROUP BY reference ORDER BY reference',
      );
      return Object.fromEntries(rows.map(({ reference, n }) => [reference, n]));
    },
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
      await gate.close();
      observed.stop();
      await pool.end();
      if (setup.directory === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Three work types: one exempt, one that may be deferred, one that may not. */
export function usualOptions(
  partition: string,
  directory: string,
  more: SlackwaterOptions = {},
): SlackwaterOptions {
  return {
    application: 'orders',
    workTypes: {
      pay: { priority: 1, exempt: true },
      order: { priority: 2, thresholdMs: 100, whenOver: 'defer' },
      report: { priority: 3, thresholdMs: 60, whenOver: 'retry-later' },
    },
    routes: {
      'POST /payments': { workType: 'pay', partition },
      'POST /orders': { workType: 'order', partition },
      'POST /orders/:id/notes': { workType: 'order', partition, orderKey: ({ params }) => params['id'] },
      'POST /reports': { workType: 'report', partition },
    },
    requester: (req) => req.get('x-customer'),
    engine: sqliteEngine({ directory }),
    perform: { lookEveryMs: 100 },
    // A machine that is busy for a second must not look like an engine that does not answer.
    ledger: { engineTimeoutMs: 30_000 },
    // Seldom, so that what a test sends is not by chance the probe.
    latency: { probeEveryMs: 1_000 },
    ...more,
  };
}

function inTransaction(pool: pg.Pool, table: 'orders' | 'payments'): RequestHandler {
  return async (req, res) => {
    const body = (Buffer.isBuffer(req.body) ? { reference: req.body.toString() } : req.body) as {
      reference?: string;
      note?: string;
    };
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      const { rows } =
        table === 'orders'
          ? await client.query(
              'INSERT INTO orders (reference, customer, note) VALUES ($1, $2, $3) RETURNING id',
              [body?.reference ?? 'none', customerOf(req), body?.note],
            )
          : await client.query('INSERT INTO payments (reference) VALUES ($1) RETURNING id', [
              body?.reference ?? 'none',
            ]);
      await client.query('COMMIT');
      res.status(201).json({ id: rows[0].id, reference: body?.reference });
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {});
      throw error;
    } finally {
      client.release();
    }
  };
}

function customerOf(req: Request): string | undefined {
  return (req as { user?: { readonly name: string } }).user?.name ?? req.get('x-customer');
}

/** A POST with JSON. */
export function post(
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

/** Tries until it does not throw any more; throws what it threw last after 30 s. */
export async function eventually<T>(attempt: () => T | Promise<T>, withinMs = 30_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Slows the database down until orders and reports are over their thresholds, and takes the probe that is due. */
export async function overUntilHealed(orders: OrdersApp, slow: SlowCommits, ms = 400): Promise<void> {
  await slow.set(ms);
  const over = new Set<string>();
  const undo = orders.gate.on('state', ({ workType, to }) => {
    if (to === 'over') over.add(workType);
    else over.delete(workType);
  });
  await showThatItIsSlow(orders);
  // They may outlast the test.
  post(`${orders.url}/reports`, { reference: 'probe' }).catch(() => {});
  post(`${orders.url}/orders`, { reference: 'probe' }, { 'x-customer': 'probe' }).catch(() => {});
  await eventually(() => {
    if (over.size < 2) throw new Error(`over: ${[...over]}`);
  });
  undo();
}

/** Makes requests of exempt work until the partition is known to be slow. */
export async function showThatItIsSlow({ url }: Pick<OrdersApp, 'url'>): Promise<void> {
  await Promise.all(Array.from({ length: 8 }, (_, i) => post(`${url}/payments`, { reference: `slow ${i}` })));
}
