/** A healthy application, in a process of its own. */
import { createProblem } from '@slackwater/shared';
import express from 'express';
import pg from 'pg';
import { answerCalls } from '../child.ts';
import { listen } from '../listen.ts';
import { deferrals } from './deferrals.ts';

/** What the server answers. */
export interface SdkServer extends Record<string, (...args: never[]) => Promise<unknown>> {
  /** Its address. */
  url(): Promise<string>;
  /** Under which its receipts verify. */
  verifierKey(): Promise<string>;
}

await answerCalls<SdkServer>(async (connectionString: string) => {
  const pool = new pg.Pool({ connectionString, max: 4 });
  // The database is stopped before this process is.
  pool.on('error', () => {});
  await pool.query('CREATE TABLE orders (id bigserial PRIMARY KEY, sku text NOT NULL, amount int NOT NULL)');
  const app = express();
  app.use(express.json());
  const insert = 'INSERT INTO orders (sku, amount) VALUES ($1, $2) RETURNING id';
  app.post('/orders', async (req, res) => {
    const { sku, amount } = req.body;
    const { rows } = await pool.query(insert, [sku, amount]);
    res.status(201).json({ order: rows[0].id });
  });
  app.post('/orders/priced', async (req, res) => {
    const { sku, amount } = req.body;
    await pool.query('SELECT pg_sleep(0.004)');
    const { rows } = await pool.query(insert, [sku, amount]);
    res.status(201).json({ order: rows[0].id });
  });
  app.post('/nothing', (req, res) => void res.status(201).json(req.body));
  let waiting = 0;
  const problem = createProblem('retry-later', 'Commits on its partition are slow.');
  const members = { recorded: false, retryable: true, retryAfterMs: 3_600_000, reasons: ['over-threshold'] };
  app.post('/later', (_req, res) => {
    const headers = { 'Slackwater-Retry-After-Ms': '3600000', 'Retry-After': '3600' };
    res
      .status(503)
      .set(headers)
      .type('application/problem+json')
      .send({ ...problem, ...members });
    waiting += 1;
  });
  const accept = deferrals();
  app.post('/deferred', (req, res) => {
    const resource = accept.next(req.originalUrl, req.get('content-type') ?? '', JSON.stringify(req.body));
    const headers = {
      'Operation-Location': resource.resourceLocation.replace('/outcome', ''),
      Location: resource.resourceLocation,
      'Retry-After': '3600',
    };
    res.status(202).set(headers).json(resource);
    waiting += 1;
  });
  app.get('/waiting', (_req, res) => void res.json(waiting));
  const address = await listen(app);
  return { url: async () => address, verifierKey: async () => accept.verifierKey };
});
