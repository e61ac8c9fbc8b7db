import { isReplay } from '@slackwater/middleware';
import express, { type Request, type RequestHandler, type Router } from 'express';
import type { Pool } from 'pg';
import { transaction } from './transaction.ts';

/**
 * Who a request is made for. The shop believes a header, so that it can be tried with curl; a real application
 * takes the word of its authentication, never that of the caller (README.md shows how).
 */
export function customerOf(req: Request): string | undefined {
  return req.get('X-Customer');
}

/** The shop's routes. Nothing in them knows that requests may be deferred, but for the column that shows it. */
export function routes(pool: Pool): Router {
  const router = express.Router();
  router.use(express.json());

  router.post('/payments', identified, async (req, res) => {
    const { reference, amountCents } = bodyOf(req);
    if (!isText(reference) || !isCount(amountCents)) {
      res.status(400).json({ error: 'give a reference and amountCents' });
      return;
    }
    const payment = await transaction(pool, async (client) => {
      const { rows } = await client.query<{ id: string }>(
        'INSERT INTO payments (reference, customer, replayed, amount_cents) VALUES ($1, $2, $3, $4) RETURNING id',
        [reference, customerOf(req), isReplay(req), amountCents],
      );
      return rows[0];
    });
    res.status(201).json({ payment: Number(payment?.id), reference });
  });

  router.post('/orders', identified, async (req, res) => {
    const { reference, item, count } = bodyOf(req);
    if (!isText(reference) || !isText(item) || !isCount(count)) {
      res.status(400).json({ error: 'give a reference, an item and a count' });
      return;
    }
    const order = await transaction(pool, async (client) => {
      const { rows } = await client.query<{ id: string }>(
        'INSERT INTO orders (reference, customer, replayed, item, count) VALUES ($1, $2, $3, $4, $5) RETURNING id',
        [reference, customerOf(req), isReplay(req), item, count],
      );
      await client.query("INSERT INTO shipments (order_id, state) VALUES ($1, 'to be packed')", [
        rows[0]?.id,
      ]);
      return rows[0];
    });
    res
      .status(201)
      .location(`/orders/${order?.id}`)
      .json({ order: Number(order?.id), reference });
  });

  router.post('/reports', identified, async (req, res) => {
    const { reference } = bodyOf(req);
    if (!isText(reference)) {
      res.status(400).json({ error: 'give a reference' });
      return;
    }
    const report = await transaction(pool, async (client) => {
      const { rows } = await client.query<{ id: string; total_orders: string }>(
        `INSERT INTO reports (reference, customer, replayed, total_orders)
         SELECT $1, $2, $3, count(*) FROM orders RETURNING id, total_orders`,
        [reference, customerOf(req), isReplay(req)],
      );
      return rows[0];
    });
    res
      .status(201)
      .json({ report: Number(report?.id), reference, totalOrders: Number(report?.total_orders) });
  });

  router.get('/orders', identified, async (req, res) => {
    const { rows } = await pool.query(
      'SELECT id::int AS order, reference, item, count FROM orders WHERE customer = $1 ORDER BY id DESC LIMIT 20',
      [customerOf(req)],
    );
    res.json(rows);
  });

  router.get('/orders/:id', identified, async (req, res) => {
    const { rows } = await pool.query(
      `SELECT orders.id::int AS order, reference, item, count, state FROM orders
       JOIN shipments ON order_id = orders.id WHERE orders.id = $1 AND customer = $2`,
      [Number.parseInt(String(req.params['id']), 10) || 0, customerOf(req)],
    );
    if (rows[0] === undefined) res.status(404).json({ error: 'no such order' });
    else res.json(rows[0]);
  });

  router.get('/', (_req, res) => {
    res.json({ shop: 'open' });
  });
  return router;
}

const identified: RequestHandler = (req, res, next) => {
  if (customerOf(req) === undefined) res.status(401).json({ error: 'say who you are: X-Customer' });
  else next();
};

function bodyOf(req: Request): Readonly<Record<string, unknown>> {
  return typeof req.body === 'object' && req.body !== null ? req.body : {};
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 200;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0 && Number(value) < 1_000_000;
}
