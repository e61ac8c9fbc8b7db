/** The application, in a process of its own: three routes that write to a database, and somebody in front of them. */
import express, { type RequestHandler } from 'express';
import pg from 'pg';
import { answerCalls } from '../child.ts';
import { listen } from '../listen.ts';
import { frontOf } from './fronts.ts';
import { type Contender, workTypeNames } from './scenario.ts';

/** What the application is given. */
export interface ServerSetup {
  readonly contender: Contender;
  readonly connectionString: string;
}

/** What it can be asked. */
export interface ServerProcess {
  url(): Promise<string>;
}

const connections = 10;
/** As long as the callers of most contenders wait for an answer: who has no connection by then has no caller either. */
const connectionTimeoutMs = 5_000;

async function make({ contender, connectionString }: ServerSetup): Promise<ServerProcess> {
  const pool = new pg.Pool({
    ...{ connectionString, max: connections, connectionTimeoutMillis: connectionTimeoutMs },
  });
  // The database is stopped before this process is.
  pool.on('error', () => {});
  const app = express();
  const front = frontOf(contender, pool);
  if (front.middleware !== undefined) app.use(front.middleware);
  app.use(express.json());
  for (const workType of workTypeNames) {
    const handler: RequestHandler = async (req, res) => {
      await front.guard(() => write(pool, String(req.body.call), workType));
      res.status(201).json({ call: req.body.call });
    };
    app.post(`/${workType}s`, handler);
  }
  app.use(front.errors);
  const url = await listen(app);
  return { url: async () => url };
}

/** The effect of a call: a row. Nothing keeps it from being there twice but what stands in front of the route. */
async function write(pool: pg.Pool, call: string, workType: string): Promise<void> {
  const client = await pool.connect();
  let failed: Error | undefined;
  try {
    await client.query('BEGIN');
    await client.query('INSERT INTO effects (call, work_type) VALUES ($1, $2)', [call, workType]);
    await client.query('COMMIT');
  } catch (error) {
    failed = error as Error;
    throw error;
  } finally {
    client.release(failed);
  }
}

await answerCalls<ServerProcess>(make);
