import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { makeApp } from './app.ts';

const { DATABASE_URL, PORT = '3000' } = process.env;
if (DATABASE_URL === undefined) throw new Error('Say where the database is: DATABASE_URL=postgres://...');

const pool = new pg.Pool({ connectionString: DATABASE_URL });
await pool.query(readFileSync(new URL('schema.sql', import.meta.url), 'utf8'));

const server = makeApp(pool).listen(Number(PORT), '127.0.0.1', (error) => {
  if (error !== undefined) throw error;
  process.stdout.write(
    `The address book is at http://127.0.0.1:${(server.address() as AddressInfo).port}/contacts\n`,
  );
});

process.once('SIGTERM', () => server.close(() => void pool.end()));
