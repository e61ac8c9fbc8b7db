import {
  type Engine,
  type Gate,
  type SlackwaterOptions,
  slackwater,
  type WorkTypeOptions,
} from '@slackwater/middleware';
import { observe } from '@slackwater/middleware/pg';
import express, { type Express } from 'express';
import pg from 'pg';
import { customerOf, routes } from './routes.ts';
import { createTables } from './tables.ts';

/** What the shop is opened with. */
export interface ShopOptions {
  /** The PostgreSQL that it sells from. */
  readonly connectionString: string;
  /** Where deferred requests are recorded: `sqliteEngine` for one host, `natsEngine` for several. */
  readonly engine: Engine;
  /** How deferrals are performed; the defaults are right for most. */
  readonly perform?: NonNullable<SlackwaterOptions['perform']>;
}

/** An open shop. */
export interface Shop {
  readonly app: Express;
  readonly gate: Gate;
  readonly pool: pg.Pool;
  /** Ends what it opened. The server that serves `app` is its owner's to close, before this. */
  close(): Promise<void>;
}

/** The one database that all of it is written to. */
export const partition = 'shop';

/** What matters how much. Payments come first, and while they are slow nothing else makes them slower. */
export const workTypes = {
  pay: { priority: 1, exempt: true },
  order: { priority: 2, thresholdMs: 60, whenOver: 'defer' },
  report: { priority: 3, thresholdMs: 40, whenOver: 'retry-later' },
} as const satisfies Record<string, WorkTypeOptions>;

/** Opens the shop: its tables, its gate, its routes. Rejects where the database can't be reached. */
export async function createShop(options: ShopOptions): Promise<Shop> {
  const pool = new pg.Pool({ connectionString: options.connectionString, max: 10 });
  // pg drops a connection that broke while it was idle; without a listener it would end the process.
  pool.on('error', () => {});
  await createTables(pool);
  observe(pool, { partition, ensure: true });

  const gate = slackwater({
    application: 'shop',
    workTypes,
    routes: {
      'POST /payments': { workType: 'pay', partition },
      'POST /orders': { workType: 'order', partition, orderKey: customerOf },
      'POST /reports': { workType: 'report', partition },
    },
    requester: customerOf,
    captureHeaders: ['X-Customer'],
    engine: options.engine,
    ...(options.perform === undefined ? {} : { perform: options.perform }),
  });

  const app = express();
  app.disable('x-powered-by');
  app.use(gate);
  app.use(routes(pool));

  return {
    app,
    gate,
    pool,
    async close() {
      await gate.close();
      await pool.end();
    },
  };
}
