import { observe } from '@slackwater/middleware/pg';
import {
  type PostgresServer,
  type SlowCommits,
  slowCommits,
  startPostgres,
} from '@slackwater/test-support/postgres';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { commitSources } from '../../../packages/middleware/src/drivers/driver.ts';
import { requestContext } from '../../../packages/middleware/src/request-context.ts';
import { contextOf, type HeardCommits, hearCommits } from './commits.ts';

let server: PostgresServer;
let operator: pg.Pool;
let slow: SlowCommits;

beforeAll(async () => {
  server = await startPostgres();
  operator = new pg.Pool({ connectionString: server.connectionString, max: 2 });
  operator.on('error', () => {});
  await operator.query('CREATE TABLE t (id serial PRIMARY KEY, n int UNIQUE DEFERRABLE INITIALLY DEFERRED)');
  slow = await slowCommits(operator, ['t']);
});

afterAll(async () => {
  await operator.end();
  await server.stop();
});

let pool: pg.Pool;
let heard: HeardCommits;

beforeEach(() => {
  pool = new pg.Pool({ connectionString: server.connectionString, max: 4 });
  pool.on('error', () => {});
  observe(pool, { partition: 'orders' });
  heard = hearCommits('orders');
});

afterEach(async () => {
  heard.close();
  await server.stallCommits(false);
  await slow.set(0);
  await pool.end();
});

async function withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    return await work(client);
  } finally {
    client.release();
  }
}

const summary = () => heard.finished.map(({ kind, outcome }) => `${kind} ${outcome}`);

describe('the commits of an observed pg pool', () => {
  it('shows a commit that the database delays by 300 ms as one of about 300 ms (D-01)', async () => {
    await slow.set(300);
    let tookMs = 0;
    await withClient(async (client) => {
      await client.query('BEGIN');
      await client.query('INSERT INTO t DEFAULT VALUES');
      await client.query('SELECT pg_sleep(0.1)');
      const from = performance.now();
      await client.query('COMMIT');
      tookMs = performance.now() - from;
    });
    expect(summary()).toEqual(['explicit committed']);
    expect(heard.finished[0]?.durationMs).toBeGreaterThan(290);
    expect(heard.finished[0]?.durationMs).toBeLessThanOrEqual(tookMs);
  });

  it('publishes each start once and each finish once, the finish on the same commit', async () => {
    await withClient(async (client) => {
      for (let count = 0; count < 3; count++) {
        await client.query('BEGIN');
        await client.query('INSERT INTO t DEFAULT VALUES');
        await client.query('COMMIT');
      }
    });
    expect(heard.started).toHaveLength(3);
    expect(heard.finished).toEqual(heard.started);
  });

  it.each(['commit', 'END', ' /* note */ -- so\n Commit Work ;', 'end transaction'])(
    'knows a commit by %j',
    async (text) => {
      await withClient(async (client) => {
        await client.query('begin');
        await client.query('insert into t default values');
        await client.query(text);
      });
      expect(summary()).toEqual(['explicit committed']);
    },
  );

  it('measures both commits of COMMIT AND CHAIN', async () => {
    await withClient(async (client) => {
      await client.query('BEGIN');
      await client.query('INSERT INTO t DEFAULT VALUES');
      await client.query('COMMIT AND CHAIN');
      await client.query('INSERT INTO t DEFAULT VALUES');
      await client.query('COMMIT');
    });
    expect(summary()).toEqual(['explicit committed', 'explicit committed']);
  });

  it('takes a transaction in one string from its sending to its answer, as one explicit commit', async () => {
    await slow.set(60);
    await pool.query('BEGIN; INSERT INTO t DEFAULT VALUES; COMMIT');
    expect(summary()).toEqual(['explicit committed']);
    expect(heard.finished[0]?.durationMs).toBeGreaterThan(55);
  });

  it('sees it through callbacks, config objects, pg.Query, named statements and submittables alike', async () => {
    await withClient(async (client) => {
      await client.query({ text: 'BEGIN' });
      await client.query({ name: 'add', text: 'INSERT INTO t (n) VALUES ($1)', values: [null] });
      await new Promise<void>((resolve, reject) => {
        client.query('COMMIT', (error) => (error ? reject(error) : resolve()));
      });
      await client.query('BEGIN');
      await client.query({ name: 'add', values: [null] } as unknown as pg.QueryConfig);
      await new Promise<void>((resolve, reject) => {
        const commit = client.query(new pg.Query('COMMIT'));
        commit.on('end', () => resolve());
        commit.on('error', reject);
      });
      await client.query('BEGIN');
      await client.query('INSERT INTO t DEFAULT VALUES');
      expect(await client.query(new OwnSubmittable('COMMIT')).done).toBe('COMMIT');
    });
    expect(summary()).toEqual(['explicit committed', 'explicit committed', 'explicit committed']);
  });

  it('gives autocommit writes a kind of their own, the reads among them not', async () => {
    await pool.query('INSERT INTO t DEFAULT VALUES');
    await pool.query('SELECT * FROM t');
    await pool.query('UPDATE t SET n = NULL WHERE id = $1', [1]);
    await pool.query('WITH gone AS (DELETE FROM t WHERE id = 0 RETURNING id) SELECT * FROM gone');
    await new Promise<void>((resolve, reject) => {
      pool.query('INSERT INTO t DEFAULT VALUES RETURNING id', (error, { rowCount }) => {
        expect(rowCount).toBe(1);
        return error ? reject(error) : resolve();
      });
    });
    expect(summary()).toEqual(Array(4).fill('autocommit committed'));
  });

  it('publishes no commit that only read', async () => {
    await withClient(async (client) => {
      await client.query('BEGIN');
      await client.query('SELECT count(*) FROM t');
      await client.query('COMMIT');
      await client.query('COMMIT');
    });
    await pool.query('BEGIN; SELECT 1; COMMIT');
    expect(heard.started).toEqual([]);
  });

  it('goes by the answer where the text does not tell what EXECUTE does', async () => {
    await withClient(async (client) => {
      await client.query('PREPARE p AS INSERT INTO t DEFAULT VALUES');
      await client.query('PREPARE q AS SELECT 1');
      await client.query('BEGIN');
      await client.query('EXECUTE q');
      await client.query('COMMIT');
      expect(heard.started).toEqual([]);
      await client.query('BEGIN');
      await client.query('EXECUTE p');
      await client.query('COMMIT');
    });
    expect(summary()).toEqual(['explicit committed']);
  });

  it('finishes a COMMIT that was answered with ROLLBACK as rolledBack', async () => {
    await withClient(async (client) => {
      await client.query('BEGIN');
      await client.query('INSERT INTO t DEFAULT VALUES');
      await expect(client.query('SELECT 1/0')).rejects.toThrow('division by zero');
      expect((await client.query('COMMIT')).command).toBe('ROLLBACK');
    });
    expect(summary()).toEqual(['explicit rolledBack']);
  });

  it('counts a COMMIT that is refused as failed, with the time it took (D-66)', async () => {
    await withClient(async (client) => {
      await client.query('BEGIN');
      await client.query('INSERT INTO t (n) VALUES (7), (7)');
      await expect(client.query('COMMIT')).rejects.toMatchObject({ code: '23505' });
    });
    expect(summary()).toEqual(['explicit failed']);
    expect(heard.finished[0]?.durationMs).toBeGreaterThan(0);
  });

  it('counts statements that run out of time with the time they took, and other errors of theirs not (D-66)', async () => {
    await pool.query('CREATE TABLE IF NOT EXISTS plain (id int PRIMARY KEY)');
    heard.clear();
    await withClient(async (client) => {
      await client.query('SET statement_timeout = 100');
      await expect(client.query('INSERT INTO plain SELECT 1 FROM pg_sleep(5)')).rejects.toMatchObject({
        code: '57014',
      });
      await client.query('RESET statement_timeout');
    });
    expect(summary()).toEqual(['autocommit failed']);
    expect(heard.finished[0]?.durationMs).toBeGreaterThan(95);
    heard.clear();
    await pool.query('INSERT INTO plain VALUES (1)');
    await expect(pool.query('INSERT INTO plain VALUES (1)')).rejects.toMatchObject({ code: '23505' });
    expect(summary()).toEqual(['autocommit committed', 'autocommit rolledBack']);
  });

  it("counts a COMMIT that runs out of the client's own time with that time (D-66)", async () => {
    await slow.set(400);
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query('INSERT INTO t DEFAULT VALUES');
    await expect(client.query({ text: 'COMMIT', query_timeout: 100 } as pg.QueryConfig)).rejects.toThrow(
      'Query read timeout',
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(summary()).toEqual(['explicit failed']);
    expect(heard.finished[0]?.durationMs).toBeGreaterThan(95);
    client.release(true);
  });

  it('does not know how a COMMIT ended whose connection is lost', async () => {
    await server.stallCommits(true);
    const client = await pool.connect();
    client.on('error', () => {});
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await client.query('BEGIN');
    await client.query('INSERT INTO t DEFAULT VALUES');
    const commit = client.query('COMMIT');
    const refused = expect(commit).rejects.toThrow();
    expect(heard.started).toHaveLength(1);
    expect(heard.finished).toHaveLength(0);
    await operator.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
    await refused;
    expect(summary()).toEqual(['explicit unknown']);
    client.release(true);
  });

  it('leaves out the time behind earlier statements of the same connection', async () => {
    const from = performance.now();
    await withClient(async (client) => {
      await Promise.all([
        client.query('BEGIN'),
        client.query('INSERT INTO t DEFAULT VALUES'),
        client.query('SELECT pg_sleep(0.3)'),
        client.query('COMMIT'),
      ]);
    });
    const allMs = performance.now() - from;
    expect(summary()).toEqual(['explicit committed']);
    expect(heard.finished[0]?.durationMs).toBeLessThan(allMs - 290);
  });

  it('leaves out the wait for a connection', async () => {
    const one = new pg.Pool({ connectionString: server.connectionString, max: 1 });
    one.on('error', () => {});
    observe(one, { partition: 'orders' });
    const client = await one.connect();
    const from = performance.now();
    const write = one.query('INSERT INTO t DEFAULT VALUES');
    await client.query('SELECT pg_sleep(0.3)');
    client.release();
    await write;
    expect(heard.finished[0]?.durationMs).toBeLessThan(performance.now() - from - 290);
    await one.end();
  });

  it("keeps each request's context when the pool is exhausted", async () => {
    const one = new pg.Pool({ connectionString: server.connectionString, max: 1 });
    one.on('error', () => {});
    observe(one, { partition: 'orders' });
    const contexts = [contextOf(), contextOf(), contextOf()];
    await Promise.all(
      contexts.map((context) => requestContext.run(context, () => one.query('INSERT INTO t DEFAULT VALUES'))),
    );
    const seen = await Promise.all(
      contexts.map((context) =>
        requestContext.run(
          context,
          () =>
            new Promise((resolve) =>
              one.connect((_error, _client, release) => {
                resolve(requestContext.getStore());
                release();
              }),
            ),
        ),
      ),
    );
    expect(heard.finished.map(({ context }) => context)).toEqual(contexts);
    expect(contexts.map(({ written }) => written)).toEqual([['orders'], ['orders'], ['orders']]);
    expect(seen).toEqual(contexts);
    await one.end();
  });

  it('tells a request once for each transaction that it wrote, and not for one that it read in', async () => {
    const context = contextOf();
    await requestContext.run(context, () =>
      withClient(async (client) => {
        await client.query('BEGIN');
        await client.query('SELECT 1');
        await client.query('COMMIT');
        await client.query('BEGIN');
        await client.query('INSERT INTO t DEFAULT VALUES');
        await client.query('INSERT INTO t DEFAULT VALUES');
        await client.query('COMMIT');
      }),
    );
    expect(context.written).toEqual(['orders']);
    expect(heard.finished.map((commit) => commit.context)).toEqual([context]);
  });

  it('changes nothing that callers see', async () => {
    const plain = new pg.Client({ connectionString: server.connectionString });
    await plain.connect();
    const answers = async (client: pg.Client | pg.PoolClient) => {
      const { rows, command, rowCount } = await client.query('INSERT INTO t DEFAULT VALUES RETURNING n');
      const wrong = await client
        .query('INSERT INTO nowhere VALUES (1)')
        .catch((error: pg.DatabaseError) => error.code);
      const several = (await client.query(
        'SELECT 1 AS a; CREATE TEMP TABLE x (a int)',
      )) as unknown as pg.QueryResult[];
      expect(() => client.query(null as unknown as string)).toThrow(TypeError);
      return { rows, command, rowCount, wrong, several: several.map((result) => result.command) };
    };
    const observed = await withClient(answers);
    expect(observed).toEqual(await answers(plain));
    await plain.end();
  });

  it('is undone by stop()', async () => {
    const other = new pg.Pool({ connectionString: server.connectionString });
    const observed = observe(other, { partition: 'orders' });
    await other.query('INSERT INTO t DEFAULT VALUES');
    observed.stop();
    await other.query('INSERT INTO t DEFAULT VALUES');
    expect(heard.finished).toHaveLength(1);
    expect([...commitSources()].filter(({ connections }) => connections === 10)).toEqual([]);
    await other.end();
  });

  it('observes one client, and every pool and client there is or will be', async () => {
    const client = new pg.Client({ connectionString: server.connectionString });
    observe(client, { partition: 'orders' });
    await client.connect();
    await client.query('INSERT INTO t DEFAULT VALUES');
    expect(summary()).toEqual(['autocommit committed']);
    await client.end();

    const before = new pg.Pool({ connectionString: server.connectionString });
    await before.query('SELECT 1');
    const name = `${server.host}:${server.port}/${server.database}`;
    const all = hearCommits(name);
    const everything = observe();
    const after = new pg.Client({ connectionString: server.connectionString });
    await after.connect();
    await before.query('INSERT INTO t DEFAULT VALUES');
    await after.query('INSERT INTO t DEFAULT VALUES');
    await pool.query('INSERT INTO t DEFAULT VALUES');
    expect(all.finished).toHaveLength(2);
    expect(heard.finished).toHaveLength(2);
    expect([...commitSources()].filter(({ partition }) => partition === name)).toHaveLength(1);
    everything.stop();
    await before.query('INSERT INTO t DEFAULT VALUES');
    expect(all.finished).toHaveLength(2);
    expect([...commitSources()].filter(({ partition }) => partition === name)).toHaveLength(0);
    all.close();
    await Promise.all([before.end(), after.end()]);
  });

  it('probes with a write of its own, which is no commit of the application, also with the pool exhausted', async () => {
    const one = new pg.Pool({ connectionString: server.connectionString, max: 1 });
    one.on('error', () => {});
    observe(one, { partition: 'probed', probeTimeoutMs: 800 });
    const heard = hearCommits('probed');
    const source = [...commitSources()].find(({ partition }) => partition === 'probed');
    const held = await one.connect();
    await expect(source?.probe?.()).resolves.toBeGreaterThan(0);
    await server.stallCommits(true);
    await expect(source?.probe?.()).rejects.toThrow('no answer within 800 ms');
    const again = source?.probe?.();
    await server.stallCommits(false);
    // The one under way is waited for; another would have been quick.
    await expect(again).resolves.toBeGreaterThan(800);
    expect(heard.started).toEqual([]);
    held.release();
    heard.close();
    await one.end();
  });

  it.each([
    [{ partition: 5 }, 'partition: 5 is a number; give a name'],
    [{ partition: '' }, 'partition: "" is a string'],
    [{}, 'needs the option partition'],
    [{ partition: 'x', ensure: 'yes' }, 'ensure: "yes" is a string; give true or false'],
    [{ partition: 'x', shard: 1 }, 'knows no option shard'],
    [{ partition: 'x', writingFunctions: 'f' }, 'writingFunctions: "f" is a string'],
    [{ partition: 'x', writingFunctions: new Array(1) }, 'give an array of function names'],
    [{ partition: 'x', probeTimeoutMs: 0 }, 'probeTimeoutMs: 0 is a number'],
    [{ partition: 'other' }, 'observed as "orders"'],
  ])('refuses %j with the value, the name and what was meant', (options, message) => {
    expect(() => observe(pool, options as { partition: string })).toThrow(message);
  });
});

/** The least that client.query accepts, as cursors and streams are. */
class OwnSubmittable {
  readonly text: string;
  readonly done: Promise<string>;
  #resolve: (tag: string) => void = () => {};
  #reject: (error: Error) => void = () => {};
  #tag = '';

  constructor(text: string) {
    this.text = text;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  submit(connection: pg.Connection): void {
    connection.query(this.text);
  }

  handleCommandComplete(message: { text: string }): void {
    this.#tag = message.text;
  }

  handleReadyForQuery(): void {
    this.#resolve(this.#tag);
  }

  handleError(error: Error): void {
    this.#reject(error);
  }

  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleEmptyQuery(): void {}
}
