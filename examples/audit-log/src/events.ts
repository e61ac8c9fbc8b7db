import express, { type Request, type RequestHandler, type Router } from 'express';
import type { Pool } from 'pg';

/**
 * Which application tells of an event. A header is believed, so that it can be tried with curl; a real service takes the word of
 * its authentication, never that of the caller.
 */
export function applicationOf(req: Request): string | undefined {
  return req.get('X-Application');
}

/** What is wrong with an event; undefined where nothing is. */
export function whatIsWrong(req: Request): string | undefined {
  const { action, actor, details = {} } = (req.body ?? {}) as Readonly<Record<string, unknown>>;
  if (!isText(action)) return 'say in "action" what was done: up to 200 characters';
  if (!isText(actor)) return 'say in "actor" who did it: up to 200 characters';
  if (typeof details !== 'object' || details === null) return '"details" is no object';
  return undefined;
}

/** The table that events are searched in. */
export async function createTables(pool: Pool): Promise<void> {
  await pool.query(`CREATE TABLE IF NOT EXISTS events (
    number bigserial PRIMARY KEY,
    application text NOT NULL,
    object text NOT NULL,
    action text NOT NULL,
    actor text NOT NULL,
    details jsonb NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now()
  )`);
}

/** Tells of events, and finds them. */
export function routes(pool: Pool): Router {
  const router = express.Router();
  router.use(express.json());

  router.post('/objects/:object/events', identified, async (req, res) => {
    const wrong = whatIsWrong(req);
    if (wrong !== undefined) {
      res.status(400).json({ error: wrong });
      return;
    }
    const { action, actor, details = {} } = req.body as Readonly<Record<string, unknown>>;
    const { rows } = await pool.query<{ number: string }>(
      'INSERT INTO events (application, object, action, actor, details) VALUES ($1, $2, $3, $4, $5) RETURNING number',
      [applicationOf(req), req.params['object'], action, actor, details],
    );
    res.status(201).json({ number: Number(rows[0]?.number) });
  });

  router.get('/objects/:object/events', identified, async (req, res) => {
    const { rows } = await pool.query(
      `SELECT number::int, action, actor, details FROM events
       WHERE application = $1 AND object = $2 ORDER BY number DESC LIMIT 100`,
      [applicationOf(req), req.params['object']],
    );
    res.json(rows);
  });

  return router;
}

const identified: RequestHandler = (req, res, next) => {
  if (applicationOf(req) === undefined) res.status(401).json({ error: 'say who you are: X-Application' });
  else next();
};

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '' && value.length <= 200;
}
