import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import pg from 'pg';
import { type Child, startChild } from '../child.ts';
import type { OrderServer } from './order-server.ts';

const script = new URL('order-server.ts', import.meta.url);

/** Servers of orders on a PostgreSQL whose commits stall, until `use` has ended. */
export async function withStalledOrders<Result>(
  servers: number,
  use: (servers: readonly Child<OrderServer>[]) => Promise<Result>,
): Promise<Result> {
  const postgres = await startPostgres();
  const { connectionString } = postgres;
  const children: Child<OrderServer>[] = [];
  try {
    await makeTable(postgres);
    for (let n = 0; n < servers; n++) children.push(startChild<OrderServer>(script, { connectionString }));
    // The answer means that everything is there which deferring takes.
    await Promise.all(children.map((child) => child.ask('url')));
    await postgres.stallCommits(true);
    await Promise.all(children.map((child) => child.ask('stalled')));
    return await use(children);
  } finally {
    await Promise.all(children.map((child) => child.end()));
    await postgres.stop();
  }
}

async function makeTable({ connectionString }: PostgresServer): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  await client.query('CREATE TABLE orders (id bigserial PRIMARY KEY, note text NOT NULL)');
  await client.end();
}
