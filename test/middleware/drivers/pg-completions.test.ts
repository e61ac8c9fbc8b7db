import { setTimeout as sleep } from 'node:timers/promises';
import { type Observed, observe } from '@slackwater/middleware/pg';
import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Completions } from '../../../packages/middleware/src/drivers/driver.ts';
import { requestContext } from '../../../packages/middleware/src/request-context.ts';
import { completionRowsContract, type ObservedDatabase } from '../../contracts/completion-rows-contract.ts';
import { contextOf, hearCommits } from './commits.ts';
import { completionsOf } from './completions-of.ts';

let server: PostgresServer;
let operator: pg.Pool;
let pool: pg.Pool;
let observed: Observed;
let completions: Completions;

beforeAll(async () => {
  server = await startPostgres();
  operator = new pg.Pool({ connectionString: server.connectionString, max: 2 });
  operator.on('error', () => {});
  await operator.query(
    'CREATE TABLE work (id serial PRIMARY KEY, note text, n int UNIQUE DEFERRABLE INITIALLY DEFERRED)',
  );
});

afterAll(async () => {
  await operator.end();
  await server.stop();
});

beforeEach(async () => {
  await operator.query('DROP TABLE IF EXISTS slackwater_completions; TRUNCATE work');
  pool = new pg.Pool({ connectionString: server.connectionString, max: 5 });
  pool.on('error', () => {});
  observed = observe(pool, { partition: 'done once', ensure: true });
  completions = completionsOf('done once');
});

afterEach(async () => {
  await server.stallCommits(false);
  await pool.end();
});

/** Does work once per key, as a handler would. */
function attempt<T>(key: string, work: (client: pg.PoolClient) => Promise<T>) {
  const context = contextOf({ key });
  const result = requestContext.run(context, async () => {
    const client = await pool.connect();
    try {
      return await work(client);
    } finally {
      client.release();
    }
  });
  return { context, result };
}

const rows = async (key: string) =>
  (
    await operator.query('SELECT ordinal, tombstone FROM slackwater_completions WHERE key = $1 ORDER BY 1', [
      key,
    ])
  ).rows;
const done = async () => Number((await operator.query('SELECT count(*) AS n FROM work')).rows[0].n);

async function insertInTransaction(client: pg.PoolClient): Promise<string> {
  await client.query('BEGIN');
  await client.query('INSERT INTO work (note) VALUES ($1)', ['x']);
  return (await client.query('COMMIT')).command;
}

describe('the completion row', () => {
  it('makes a second attempt fail at its BEGIN, with 409, and leaves the connection usable', async () => {
    await attempt('again', insertInTransaction).result;
    const { context, result } = attempt('again', async (client) => {
      const refused = await client.query('BEGIN').catch((error: unknown) => error);
      expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
      expect(client.getTransactionStatus()).toBe('I');
      await client.query('ROLLBACK');
      throw refused;
    });
    await expect(result).rejects.toMatchObject({ code: 'already-performed', status: 409, statusCode: 409 });
    expect(context.completion?.duplicate).toBe(true);
    expect(await done()).toBe(1);
  });

  it('refuses the whole transaction of an attempt that awaits nothing but its COMMIT', async () => {
    await attempt('queued', insertInTransaction).result;
    const { result } = attempt('queued', async (client) => {
      client.query('BEGIN');
      client.query('INSERT INTO work (note) VALUES ($1)', ['y']).catch(() => {});
      await client.query('COMMIT');
    });
    await expect(result).rejects.toMatchObject({ code: 'already-performed' });
    expect(await done()).toBe(1);
  });

  it('goes when its transaction is rolled back, and the next transaction gets its ordinal', async () => {
    const { result } = attempt('rolled back', async (client) => {
      await client.query('BEGIN');
      await client.query('INSERT INTO work (note) VALUES (1)');
      await client.query('ROLLBACK');
      await client.query('BEGIN');
      await expect(client.query('SELECT 1/0')).rejects.toThrow('division');
      expect((await client.query('COMMIT')).command).toBe('ROLLBACK');
      return insertInTransaction(client);
    });
    expect(await result).toBe('COMMIT');
    expect(await rows('rolled back')).toEqual([{ ordinal: 0, tombstone: false }]);
  });

  it('is inserted for callbacks, pg.Query and serializable transactions too', async () => {
    const { result } = attempt('forms', async (client) => {
      await new Promise<void>((resolve, reject) =>
        client.query('BEGIN', (error) => (error ? reject(error) : resolve())),
      );
      await client.query('INSERT INTO work DEFAULT VALUES');
      await new Promise<void>((resolve, reject) => {
        client
          .query(new pg.Query('COMMIT'))
          .on('end', () => resolve())
          .on('error', reject);
      });
      await client.query('BEGIN ISOLATION LEVEL SERIALIZABLE');
      await client.query('INSERT INTO work DEFAULT VALUES');
      await client.query('COMMIT AND CHAIN');
      await client.query('INSERT INTO work DEFAULT VALUES');
      await client.query('COMMIT');
    });
    await result;
    expect((await rows('forms')).map(({ ordinal }) => ordinal)).toEqual([0, 1, 2]);
  });

  it('stays away from reading: statements outside transactions, and BEGIN READ ONLY', async () => {
    const { context, result } = attempt('reads', async (client) => {
      await client.query('SELECT * FROM work');
      await client.query('BEGIN READ ONLY');
      await client.query('SELECT * FROM work');
      await client.query('COMMIT');
    });
    await result;
    expect(context.completion?.nextOrdinal).toBe(0);
    expect(context.written).toEqual([]);
    await completions.ready();
    expect(await rows('reads')).toEqual([]);
  });

  it('is not written where BEGIN itself fails', async () => {
    await completions.ready();
    const { result } = attempt('no begin', (client) => client.query('BEGIN WITH NONSENSE'));
    await expect(result).rejects.toMatchObject({ code: '42601' });
    expect(await rows('no begin')).toEqual([]);
  });

  it('says what is missing where the table is, and rolls the transaction back', async () => {
    observed.stop();
    observe(pool, { partition: 'done once' });
    const { result } = attempt('no table', insertInTransaction);
    await expect(result).rejects.toMatchObject({ code: 'completion-table-missing' });
    const alone = attempt('no table', (client) => client.query('INSERT INTO work DEFAULT VALUES'));
    await expect(alone.result).rejects.toMatchObject({ code: 'completion-table-missing' });
    expect(await done()).toBe(0);
  });

  it('refuses a transaction in one string and what can run in no transaction', async () => {
    const { result } = attempt('string', (client) =>
      client.query('BEGIN; INSERT INTO work DEFAULT VALUES; COMMIT'),
    );
    await expect(result).rejects.toMatchObject({ code: 'transaction-in-one-string' });
    await expect(attempt('vacuum', (client) => client.query('VACUUM work')).result).rejects.toMatchObject({
      code: 'statement-outside-transaction',
    });
    const told = attempt(
      'callback',
      (client) => new Promise((resolve) => client.query('BEGIN; COMMIT', resolve)),
    );
    expect(await told.result).toMatchObject({ code: 'transaction-in-one-string' });
    expect(await done()).toBe(0);
  });
});

describe('an autocommit write that is to be done once', () => {
  it('answers as it would by itself, after its COMMIT with the row', async () => {
    const heard = hearCommits('done once');
    const context = contextOf({ key: 'auto' });
    const result = await requestContext.run(context, () =>
      pool.query('INSERT INTO work (note) VALUES ($1) RETURNING note', ['a']),
    );
    expect(result).toMatchObject({ command: 'INSERT', rowCount: 1, rows: [{ note: 'a' }] });
    expect(await rows('auto')).toEqual([{ ordinal: 0, tombstone: false }]);
    expect(heard.finished.map(({ kind, outcome }) => `${kind} ${outcome}`)).toContain('autocommit committed');
    heard.close();
  });

  it('is done once', async () => {
    const write = () =>
      requestContext.run(contextOf({ key: "it's \\ once" }), () =>
        pool.query('INSERT INTO work DEFAULT VALUES'),
      );
    await write();
    await expect(write()).rejects.toMatchObject({ code: 'already-performed' });
    expect(await done()).toBe(1);
    expect(await rows("it's \\ once")).toHaveLength(1);
  });

  it("gives its own error, or its commit's, and leaves no row", async () => {
    const write = (text: string) => requestContext.run(contextOf({ key: 'wrong' }), () => pool.query(text));
    await expect(write('INSERT INTO nowhere VALUES (1)')).rejects.toMatchObject({
      code: '42P01',
      message: expect.stringContaining('nowhere'),
    });
    await expect(write('INSERT INTO work (n) VALUES (1), (1)')).rejects.toMatchObject({
      code: '23505',
      constraint: 'work_n_key',
    });
    expect(await rows('wrong')).toEqual([]);
    expect(await done()).toBe(0);
  });

  it('is answered no earlier than the database has committed', async () => {
    await completions.ready();
    await server.stallCommits(true);
    let answered = false;
    const write = requestContext
      .run(contextOf({ key: 'stalled' }), () => pool.query('INSERT INTO work DEFAULT VALUES'))
      .then(() => {
        answered = true;
      });
    await sleep(150);
    expect(answered).toBe(false);
    await server.stallCommits(false);
    await write;
  });

  it('keeps its place among statements that were called without waiting', async () => {
    const { result } = attempt('order', async (client) => {
      const notes = await Promise.all([
        client.query("INSERT INTO work (note) VALUES ('1')"),
        client.query('SELECT count(*)::int AS n FROM work'),
        client.query("INSERT INTO work (note) VALUES ('2')"),
        client.query('SELECT count(*)::int AS n FROM work'),
      ]);
      return [notes[1]?.rows[0].n, notes[3]?.rows[0].n];
    });
    expect(await result).toEqual([1, 2]);
    expect(await rows('order')).toHaveLength(2);
  });

  it('ends as an emitter ends', async () => {
    const { result } = attempt(
      'emitter',
      (client) =>
        new Promise<number>((resolve, reject) => {
          const query = client.query(new pg.Query('INSERT INTO work DEFAULT VALUES RETURNING id'));
          let seen = 0;
          query.on('row', () => seen++);
          query.on('end', () => resolve(seen));
          query.on('error', reject);
        }),
    );
    expect(await result).toBe(1);
    expect(await rows('emitter')).toHaveLength(1);
  });
});

describe('the completion rows of a database', () => {
  it('are not ready without their table, their key or the right to write, and are once that is put right', async () => {
    const other = new pg.Pool({ connectionString: server.connectionString });
    observe(other, { partition: 'bare' });
    const bare = completionsOf('bare');
    await expect(bare.ready()).rejects.toMatchObject({ code: 'completion-table-missing' });
    await operator.query(
      'CREATE TABLE slackwater_completions (key text, ordinal int, tombstone boolean, done_at timestamptz)',
    );
    await expect(bare.ready()).rejects.toMatchObject({ code: 'completion-table-missing' });
    await operator.query('CREATE UNIQUE INDEX ON slackwater_completions (key, ordinal) WHERE NOT tombstone');
    await expect(bare.ready()).rejects.toThrow('unique key');
    await operator.query('ALTER TABLE slackwater_completions ADD PRIMARY KEY (key, ordinal)');
    await bare.ready();
    await other.end();
  });

  it('refuse to decide while a transaction with a row does not end', async () => {
    await completions.ready();
    const { result } = attempt('undecided', async (client) => {
      await client.query('BEGIN');
      await expect(completions.shutOut('undecided')).rejects.toMatchObject({ code: '55P03' });
      await client.query('ROLLBACK');
    });
    await result;
    expect(await completions.shutOut('undecided')).toBe('shut-out');
  });

  it('are found also while the pool is exhausted, and rejected while the database is away', async () => {
    await attempt('found', insertInTransaction).result;
    const clients = await Promise.all(Array.from({ length: 5 }, () => pool.connect()));
    expect(await completions.find('found')).toEqual([{ ordinal: 0, tombstone: false }]);
    for (const client of clients) client.release();
    await server.kill();
    // Backends outlive their killed server by a moment.
    await vi.waitFor(() => expect(completions.find('found')).rejects.toThrow(), 30_000);
    await server.restart();
    expect(await completions.find('found')).toHaveLength(1);
  });
});

const ends: (() => Promise<void>)[] = [];
let observations = 0;

function poolOf(schema: string): pg.Pool {
  const made = new pg.Pool({
    connectionString: server.connectionString,
    options: `-c search_path=${schema.replaceAll(' ', '_')}`,
    max: 5,
  });
  ends.push(() => made.end());
  return made;
}

async function open(schema: string): Promise<ObservedDatabase> {
  const asking = poolOf(schema);
  await asking.query(`CREATE SCHEMA ${schema.replaceAll(' ', '_')}`);
  await asking.query('CREATE TABLE work (id serial PRIMARY KEY, note text)');
  const observedPool = (ensure: boolean) => {
    const made = poolOf(schema);
    const partition = `${schema} ${++observations}`;
    const { prune } = observe(made, { partition, ensure });
    return { pool: made, prune, completions: completionsOf(partition) };
  };
  const first = observedPool(true);
  return {
    completions: first.completions,
    async client() {
      const client = await first.pool.connect();
      return { run: (sql) => client.query(sql), done: () => client.release() };
    },
    prune: first.prune,
    observedAgain: async (ensure) => observedPool(ensure).completions,
    ask: async (sql) => (await asking.query<Record<string, unknown>>(sql)).rows,
  };
}

const columns = 'key text, ordinal int, tombstone boolean DEFAULT false, done_at timestamptz DEFAULT now()';

completionRowsContract('pg', {
  open,
  async close() {
    for (const end of ends.splice(0)) await end();
  },
  beginReading: 'BEGIN READ ONLY',
  refused: [
    ['statement-outside-transaction', 'VACUUM work'],
    ['statement-outside-transaction', 'CREATE DATABASE other'],
    ['statement-outside-transaction', "ROLLBACK PREPARED 'x'"],
  ],
  age: (key) => `UPDATE slackwater_completions SET done_at = now() - interval '1 hour' WHERE key = '${key}'`,
  notOurs: [
    [/unique key/, `CREATE TABLE slackwater_completions (${columns})`],
    [
      /unique key/,
      `CREATE TABLE slackwater_completions (${columns})`,
      'CREATE UNIQUE INDEX ON slackwater_completions (key, ordinal) WHERE NOT tombstone',
    ],
    [/column/, 'CREATE TABLE slackwater_completions (key text, ordinal int, PRIMARY KEY (key, ordinal))'],
  ],
  heading: 'PostgreSQL',
});
