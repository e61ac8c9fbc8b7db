import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Gate, slackwater, sqliteEngine } from '@slackwater/middleware';
import { observe } from '@slackwater/middleware/node-sqlite';
import express from 'express';

/** An application whose handlers defer parts, on a database of its own. */
export interface PartsShop {
  readonly gate: Gate;
  readonly url: string;
  /** What is in the database, each as often as it is there. */
  effects(): readonly string[];
  close(): Promise<void>;
}

/**
 * Opens it in a directory, also one that another process left behind.
 *
 * @param reached called where a handler would answer, which it then never does; default: it answers
 */
export async function openPartsShop(
  directory: string,
  reached?: (route: string) => void,
): Promise<PartsShop> {
  const database = new DatabaseSync(join(directory, 'shop.db'));
  database.exec('PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 10000');
  database.exec('CREATE TABLE IF NOT EXISTS effects (what TEXT NOT NULL)');
  const observation = observe(database, { partition: 'shop', ensure: true });
  const insert = database.prepare('INSERT INTO effects (what) VALUES (?)');
  const work = (what: string): void => {
    database.exec('BEGIN');
    insert.run(what);
    database.exec('COMMIT');
  };
  const gate = slackwater({
    application: 'parts-shop',
    workTypes: {
      order: { priority: 1, thresholdMs: 60_000, whenOver: 'defer' },
      told: {
        priority: 2,
        whenOver: 'defer',
        candidates: 'always',
        deferWithoutAsking: true,
        acknowledge: 'succeeded',
        result: () => ({ status: 201, body: { outcome: 'succeeded', implemented: false } }),
        compensate: ({ request }) => work(`undone ${JSON.parse(Buffer.from(request.body).toString()).what}`),
      },
    },
    defaultWorkType: 'order',
    routes: { 'POST /told': { workType: 'told', partition: 'shop' } },
    partition: 'shop',
    requester: () => 'ann',
    engine: sqliteEngine({ directory: join(directory, 'ledger') }),
    parts: { email: { perform: ({ to }: { to: string }) => work(`mail ${to}`) } },
    perform: { lookEveryMs: 50, lookCapMs: 200, leaseMs: 1_000, holdPartsMs: 500 },
    ledger: { engineTimeoutMs: 30_000 },
  });
  const app = express();
  app.use(gate);
  app.post('/committed', async (req, res) => {
    work('order');
    await req.slackwater.defer('email', { to: 'committed' });
    if (reached === undefined) res.status(201).json(req.slackwater.parts('order'));
    else reached('committed');
  });
  app.post(['/uncommitted', '/unkeyed'], async (req, res) => {
    await req.slackwater.defer('email', { to: req.path.slice(1) });
    if (reached === undefined) res.status(201).json(req.slackwater.parts());
    else reached(req.path.slice(1));
  });
  app.post('/told', (_req, res) => void res.status(409).end());
  const http = createServer(app);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    gate,
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    effects: () =>
      database
        .prepare('SELECT what FROM effects ORDER BY what')
        .all()
        .map(({ what }) => String(what)),
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
      await gate.close();
      observation.stop();
      database.close();
    },
  };
}
