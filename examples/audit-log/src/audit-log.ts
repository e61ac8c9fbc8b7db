import { type AuthOptions, type Gate, slackwater, sqliteEngine } from '@slackwater/middleware';
import { observe } from '@slackwater/middleware/pg';
import express, { type Express } from 'express';
import pg from 'pg';
import { applicationOf, createTables, routes, whatIsWrong } from './events.ts';

/** What the audit log is opened with. */
export interface AuditLogOptions {
  /** The PostgreSQL that events can be searched in. */
  readonly connectionString: string;
  /** Where the ledger and its keys are. */
  readonly directory: string;
  /** How the tokens of auditors are verified. */
  readonly auth: AuthOptions;
}

/** An open audit log. */
export interface AuditLog {
  readonly app: Express;
  readonly gate: Gate;
  close(): Promise<void>;
}

const partition = 'events';

/**
 * Opens the audit log. Whatever is told is in the ledger before the answer, whether the database is there or not: writing the row that
 * people search is what may wait.
 */
export async function openAuditLog({
  connectionString,
  directory,
  auth,
}: AuditLogOptions): Promise<AuditLog> {
  const pool = new pg.Pool({ connectionString, max: 5 });
  // pg drops a connection that broke while it was idle; without a listener it would end the process.
  pool.on('error', () => {});
  await createTables(pool);
  observe(pool, { partition, ensure: true });

  const gate = slackwater({
    application: 'audit-log',
    workTypes: {
      event: {
        priority: 1,
        whenOver: 'defer',
        candidates: 'always',
        deferWithoutAsking: true,
        validate: whatIsWrong,
      },
    },
    routes: {
      // What was done to one object is written in the order in which it was told.
      'POST /objects/:object/events': {
        workType: 'event',
        partition,
        orderKey: ({ params }) => params['object'],
      },
    },
    requester: applicationOf,
    captureHeaders: ['X-Application'],
    engine: sqliteEngine({ directory }),
    // Without a database there is nothing to be gentle with: once it is back, the rows are there some seconds later.
    perform: { retryCapMs: 3_000, maxAttempts: 1_000 },
    auth,
  });

  const app = express();
  app.disable('x-powered-by');
  app.use(gate);
  app.use(routes(pool));
  return {
    app,
    gate,
    async close() {
      await gate.close();
      await pool.end();
    },
  };
}
