import { observe } from '@slackwater/middleware/pg';
import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { requestContext } from '../../../packages/middleware/src/request-context.ts';
import { contextOf, type HeardCommits, hearCommits } from './commits.ts';

let server: PostgresServer;
let client: pg.Client;
let heard: HeardCommits;

beforeAll(async () => {
  server = await startPostgres();
  const operator = new pg.Client({ connectionString: server.connectionString });
  await operator.connect();
  await operator.query('CREATE TABLE t (id serial PRIMARY KEY, n int UNIQUE)');
  await operator.end();
});
afterAll(() => server.stop());

beforeEach(async () => {
  client = new pg.Client({ connectionString: server.connectionString, pipeline: true });
  client.on('error', () => {});
  observe(client, { partition: 'pipelined' });
  await client.connect();
  heard = hearCommits('pipelined');
});
afterEach(async () => {
  heard.close();
  await client.end();
});

const summary = (): readonly string[] => heard.finished.map(({ kind, outcome }) => `${kind} ${outcome}`);

/** Sends all of them before the first is answered. */
function send(...texts: string[]): Promise<unknown> {
  return Promise.allSettled(texts.map((text) => client.query(text)));
}

describe('a client in pipeline mode', () => {
  it('shows a transaction that is sent whole as one explicit commit, with its context', async () => {
    const context = contextOf();
    await requestContext.run(context, () => send('BEGIN', 'INSERT INTO t DEFAULT VALUES', 'COMMIT'));
    expect(summary()).toEqual(['explicit committed']);
    expect(heard.finished[0]?.context).toBe(context);
    expect(context.written).toEqual(['pipelined']);
  });

  it('tells apart what stands in front of a transaction, in it, and behind it', async () => {
    const write = 'INSERT INTO t DEFAULT VALUES';
    await send(write, 'BEGIN', write, write, 'COMMIT', write, 'SELECT 1', 'BEGIN', write, 'COMMIT', write);
    expect(summary()).toEqual([
      'autocommit committed',
      'explicit committed',
      'autocommit committed',
      'explicit committed',
      'autocommit committed',
    ]);
  });

  it('knows what follows a COMMIT that is not answered yet', async () => {
    await send('BEGIN', 'INSERT INTO t DEFAULT VALUES');
    await send('COMMIT', 'INSERT INTO t DEFAULT VALUES');
    expect(summary()).toEqual(['explicit committed', 'autocommit committed']);
  });

  it('shows nothing for reading, rolling back and savepoints', async () => {
    await send(
      'SELECT 1',
      'BEGIN',
      'SELECT 1',
      'COMMIT',
      'BEGIN',
      'INSERT INTO t DEFAULT VALUES',
      'ROLLBACK',
    );
    expect(summary()).toEqual([]);
    await send('BEGIN', 'INSERT INTO t DEFAULT VALUES', 'SAVEPOINT s', 'RELEASE SAVEPOINT s', 'COMMIT');
    expect(summary()).toEqual(['explicit committed']);
  });

  it('knows a COMMIT that was answered with ROLLBACK', async () => {
    await send('BEGIN', 'INSERT INTO t (n) VALUES (7), (7)', 'COMMIT', 'INSERT INTO t DEFAULT VALUES');
    expect(summary()).toEqual(['explicit rolledBack', 'autocommit committed']);
  });

  it('does not know how those ended that were under way when the connection was lost', async () => {
    await server.stallCommits(true);
    const write = 'INSERT INTO t DEFAULT VALUES';
    const lost = send(write, write);
    await expect.poll(() => heard.started.length).toBe(2);
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    await lost;
    expect(summary()).toEqual(['autocommit unknown', 'autocommit unknown']);
    await server.stallCommits(false);
  });
});
