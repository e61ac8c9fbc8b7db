import express, { type ErrorRequestHandler, type Express } from 'express';
import type { Pool } from 'pg';
import { contacts } from './contacts.ts';

/** The address book. Tables: schema.sql. */
export function makeApp(pool: Pool): Express {
  const app = express();
  app.use(express.json());
  app.use('/contacts', contacts(pool));
  app.use((_req, res) => void res.status(404).json({ error: 'there is no such page' }));
  app.use(failed);
  return app;
}

const failed: ErrorRequestHandler = (error: Error & { status?: number }, _req, res, _next) => {
  const status = error.status ?? 500;
  res.status(status).json({ error: status < 500 ? error.message : 'something went wrong' });
};
