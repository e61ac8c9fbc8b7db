import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type Observed, observe } from '@slackwater/middleware/pg';
import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import knex from 'knex';
import pg, * as namespace from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type CommitSource,
  commitSources,
  type SourceContact,
  sourcesOf,
} from '../../../packages/middleware/src/drivers/driver.ts';
import { requestContext } from '../../../packages/middleware/src/request-context.ts';
import { contextOf, type HeardCommits, hearCommits } from './commits.ts';

let server: PostgresServer;
let heard: HeardCommits;
const undo: (() => unknown)[] = [];
const write = 'INSERT INTO t DEFAULT VALUES';

beforeAll(async () => {
  server = await startPostgres();
  const operator = new pg.Client({ connectionString: server.connectionString });
  await operator.connect();
  await operator.query('CREATE TABLE t (id serial PRIMARY KEY)');
  await operator.end();
});
afterAll(() => server.stop());
beforeEach(() => {
  heard = hearCommits();
});
afterEach(async () => {
  heard.close();
  for (const step of undo.splice(0).reverse()) await step();
});

function kept(observed: Observed): Observed {
  undo.push(() => observed.stop());
  return observed;
}

async function connected(database?: string): Promise<pg.Client> {
  const client = new pg.Client({
    ...{ connectionString: server.connectionString },
    ...(database && { connectionString: undefined, ...addressOf(server), database }),
  });
  undo.push(() => client.end());
  await client.connect();
  return client;
}

function addressOf({ host, port, user, password, database }: PostgresServer) {
  return { host, port, user, password, database };
}

const partitions = (): readonly string[] => heard.finished.map(({ partition }) => partition);

describe('what was ended', () => {
  it('is no source of anything, and is refused', async () => {
    const before = new Set(commitSources());
    const pool = new pg.Pool({ connectionString: server.connectionString });
    await pool.end();
    expect(() => observe(pool, { partition: 'ended' })).toThrow('this pool was ended; observe it before');
    const client = await connected();
    await client.end();
    expect(() => observe(client, { partition: 'ended' })).toThrow('this client was ended');
    expect(new Set(commitSources())).toEqual(before);
  });
});

describe('all of pg under observation', () => {
  it('is known by one name, or by that of each database', async () => {
    const one = observe(pg, { partition: 'all' });
    const first = await connected();
    await first.query(write);
    one.stop();
    kept(observe(pg));
    await (await connected()).query(write);
    const other = await connected('postgres');
    await other.query('CREATE TEMPORARY TABLE t (n int)');
    const { host, port, database } = server;
    expect(partitions()).toEqual(['all', `${host}:${port}/${database}`, `${host}:${port}/postgres`]);
  });

  it('leaves to what is observed by itself its own name, also for the module by its other name', async () => {
    kept(observe(pg, { partition: 'all' }));
    kept(observe(namespace, { partition: 'all' }));
    const pool = new pg.Pool({ connectionString: server.connectionString });
    undo.push(() => pool.end());
    observe(pool, { partition: 'own' });
    await pool.query(write);
    expect(partitions()).toEqual(['own']);
  });

  it('is one source for each database, however many connect, with probe and completion rows', async () => {
    kept(observe(pg, { partition: 'all', ensure: true }));
    const clients = [await connected(), await connected()];
    for (const client of clients) await client.query(write);
    const [source, ...more] = sourcesOf('all');
    expect(more).toEqual([]);
    expect(await source?.probe?.()).toBeGreaterThan(0);
    await source?.completions?.ready();
    // What the driver asks and writes for itself is nobody's commit.
    expect(partitions()).toEqual(['all', 'all']);
  });

  it('clears old completion rows away in all databases', async () => {
    const observed = kept(observe(pg, { partition: 'all', ensure: true }));
    const client = await connected();
    await requestContext.run(contextOf({ key: 'to be pruned' }), () => client.query(write));
    expect(await observed.prune(-60_000)).toBeGreaterThan(0);
    expect(await observed.prune(-60_000)).toBe(0);
  });

  it('tells where a database can be reached and where not, once for each try', async () => {
    const told: SourceContact[] = [];
    const hear = (message: unknown): number => told.push(message as SourceContact);
    subscribe('slackwater:source:contact', hear);
    undo.push(() => unsubscribe('slackwater:source:contact', hear));
    kept(observe(pg, { partition: 'all' }));
    const client = await connected();
    await client.query(write);
    const pool = new pg.Pool({ connectionString: server.connectionString });
    undo.push(() => pool.end());
    await pool.query(write);
    expect(told.map(({ outcome }) => outcome)).toEqual(['reached', 'reached']);
    // Port 1 is nobody's.
    const nowhere = knex({
      client: 'pg',
      connection: { host: '127.0.0.1', port: 1 },
      pool: { min: 0, max: 1 },
    });
    undo.push(() => nowhere.destroy());
    await expect(nowhere('t').select()).rejects.toThrow();
    expect(told.slice(2)).toEqual([{ partition: 'all', outcome: 'refused' }]);
  });

  it('is as it was before once it is stopped, also for clients that are connected', async () => {
    const before = new Set<CommitSource>(commitSources());
    const { query, connect } = pg.Client.prototype;
    const observed = observe(pg, { partition: 'all' });
    const client = await connected();
    await client.query(write);
    observed.stop();
    expect(pg.Client.prototype).toMatchObject({ query, connect });
    expect(new Set(commitSources())).toEqual(before);
    const pool = new pg.Pool({ connectionString: server.connectionString });
    undo.push(() => pool.end());
    observe(pool, { partition: 'later' });
    await client.query(write);
    expect(partitions()).toEqual(['all']);
  });

  it('is refused under a second name, and with options that can’t be meant', () => {
    kept(observe(pg, { partition: 'all' }));
    expect(() => observe(pg, { partition: 'other' })).toThrow(
      'all of pg is observed as "all"; stop that first',
    );
    expect(() => observe()).toThrow('all of pg is observed as "all"');
    expect(() => observe(pg, { partition: '' })).toThrow('give a name of 1 to 200 characters');
    expect(() => observe(pg, { pool: 3 } as object)).toThrow('observe() knows no option pool');
    const lookalike = { Client: class {}, Pool: () => {} } as unknown as typeof pg;
    expect(() => observe(lookalike, { partition: 'all' })).toThrow(
      'neither a pool nor a client of pg, nor pg itself',
    );
  });
});
