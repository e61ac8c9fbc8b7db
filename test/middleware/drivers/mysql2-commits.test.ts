import { setTimeout as sleep } from 'node:timers/promises';
import { type ObservedMysql2, observe } from '@slackwater/middleware/mysql2';
import { type MariadbServer, startMariadb } from '@slackwater/test-support/mariadb';
import { startProxy } from '@slackwater/test-support/proxy';
import callbacks from 'mysql2';
import mysql from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { commitSources } from '../../../packages/middleware/src/drivers/driver.ts';
import { requestContext } from '../../../packages/middleware/src/request-context.ts';
import { contextOf, type HeardCommits, hearCommits } from './commits.ts';

let server: MariadbServer;
let operator: mysql.Connection;

beforeAll(async () => {
  server = await startMariadb();
  operator = await mysql.createConnection(addressOf());
  await operator.query('CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, n int UNIQUE) ENGINE = InnoDB');
  await operator.query('CREATE PROCEDURE adds() BEGIN INSERT INTO t VALUES (); SELECT 1; END');
  await operator.query('CREATE PROCEDURE counts() SELECT count(*) FROM t');
  await operator.query(
    'CREATE FUNCTION adding() RETURNS int MODIFIES SQL DATA BEGIN INSERT INTO t VALUES (); RETURN 1; END',
  );
});

afterAll(async () => {
  await operator.end();
  await server.stop();
});

let pool: mysql.Pool;
let observed: ObservedMysql2;
let heard: HeardCommits;

beforeEach(() => {
  pool = mysql.createPool({ ...addressOf(), connectionLimit: 4, multipleStatements: true });
  observed = observe(pool, { partition: 'orders', writingFunctions: ['adding'] });
  heard = hearCommits();
});

afterEach(async () => {
  heard.close();
  await pool.end();
});

function addressOf() {
  const { host, port, user, password, database } = server;
  return { host, port, user, password, database };
}

async function withConnection<T>(work: (connection: mysql.PoolConnection) => Promise<T>): Promise<T> {
  const connection = await pool.getConnection();
  try {
    return await work(connection);
  } finally {
    connection.release();
  }
}

/** Runs statements one after the other on one connection. */
const run = (...statements: string[]): Promise<void> =>
  withConnection(async (connection) => {
    for (const sql of statements) await connection.query(sql);
  });

/** Keeps every commit that writes waiting while `work` runs, and lets them through. */
async function whileCommitsWait(work: () => Promise<void>): Promise<void> {
  for (const stage of ['START', 'FLUSH', 'BLOCK_DDL', 'BLOCK_COMMIT']) {
    await operator.query(`BACKUP STAGE ${stage}`);
  }
  try {
    await work();
  } finally {
    await operator.query('BACKUP STAGE END');
  }
}

const summary = () => heard.finished.map(({ kind, outcome }) => `${kind} ${outcome}`);
const written = 'INSERT INTO t VALUES ()';

describe('the commits of an observed mysql2 pool', () => {
  it('show a commit that the database delays by 300 ms as one of about 300 ms (D-01)', async () => {
    let commit = Promise.resolve();
    const calledAt = performance.now();
    await whileCommitsWait(async () => {
      commit = run('BEGIN', written, 'DO SLEEP(0.1)', 'COMMIT');
      await vi.waitFor(() => expect(heard.started).toHaveLength(1), { interval: 5, timeout: 30_000 });
      await sleep(300);
    });
    await commit;
    expect(summary()).toEqual(['explicit committed']);
    expect(heard.finished[0]?.durationMs).toBeGreaterThan(290);
    expect(heard.finished[0]?.startedAt).toBeGreaterThan(calledAt + 99);
  });

  it('are told by each way to begin and commit, as text, method or prepared statement', async () => {
    await withConnection(async (connection) => {
      await connection.beginTransaction();
      await connection.execute('INSERT INTO t (n) VALUES (?)', [null]);
      await connection.commit();
      await connection.query('start transaction with consistent snapshot');
      await connection.query({ sql: 'INSERT INTO t (n) VALUES (?)', values: [null] });
      await connection.execute('COMMIT');
      await connection.query('/*!40000 BEGIN */');
      const statement = await connection.prepare('INSERT INTO t (n) VALUES (?)');
      await statement.execute([null]);
      await connection.query('# done\n/* it is */ commit work -- now');
      await statement.close();
    });
    expect(summary()).toEqual(['explicit committed', 'explicit committed', 'explicit committed']);
    expect(heard.finished).toEqual(heard.started);
  });

  it('are told through callbacks and events as well', async () => {
    const connection = callbacks.createConnection(addressOf());
    observe(connection, { partition: 'events' });
    await new Promise<void>((resolve, reject) => {
      connection.beginTransaction(() => {
        connection.query(written, () => connection.commit((error) => (error ? reject(error) : resolve())));
      });
    });
    await new Promise<void>((resolve, reject) => {
      connection.query(written).on('error', reject).on('end', resolve);
    });
    await new Promise<void>((resolve, reject) => {
      connection.execute(written).on('error', reject).on('end', resolve);
    });
    expect(summary()).toEqual(['explicit committed', 'autocommit committed', 'autocommit committed']);
    connection.destroy();
  });

  it('are each write outside a transaction, with rows or without', async () => {
    await pool.query(written);
    await pool.execute('UPDATE t SET n = ? WHERE id = 1', [-1]);
    await pool.query('INSERT INTO t (n) VALUES (-2) RETURNING id');
    await pool.query('WITH a AS (SELECT 1 AS one) SELECT * FROM a');
    await pool.query('DELETE FROM t WHERE n IN (-1, -2)');
    expect(summary()).toEqual(Array.from({ length: 4 }, () => 'autocommit committed'));
  });

  it('are not reading, rolling back, nor transactions that wrote nothing, read-only ones among them', async () => {
    await run('BEGIN', 'SELECT * FROM t', 'COMMIT');
    await run('START TRANSACTION READ ONLY', 'SELECT * FROM t', 'COMMIT');
    await run('BEGIN', 'SELECT * FROM t FOR UPDATE', 'UPDATE t SET n = 1 WHERE id = -1', 'COMMIT');
    await run('BEGIN', written, 'ROLLBACK', 'COMMIT');
    await run('BEGIN', 'CREATE TEMPORARY TABLE x (n int)', 'DROP TEMPORARY TABLE x', 'COMMIT');
    await run('BEGIN; SELECT 1; COMMIT', 'SET @autocommit = 1', 'EXPLAIN UPDATE t SET n = 1 WHERE id = 1');
    expect(heard.started).toEqual([]);
  });

  it('leave no sample where a write outside a transaction found nothing to write', async () => {
    await pool.query('UPDATE t SET n = 1 WHERE id = -1');
    await pool.query('UPDATE t SET n = n');
    expect(summary()).toEqual(['autocommit rolledBack', 'autocommit rolledBack']);
  });

  it('are seen past savepoints, and once', async () => {
    await run('BEGIN', 'SAVEPOINT a', written, 'ROLLBACK TO a', 'ROLLBACK WORK TO SAVEPOINT a');
    expect(heard.started).toEqual([]);
    await run('BEGIN', 'SAVEPOINT a', written, 'RELEASE SAVEPOINT a', 'COMMIT');
    expect(summary().at(-1)).toBe('explicit committed');
  });

  it('are both of COMMIT AND CHAIN, and none where the second transaction wrote nothing', async () => {
    await run('BEGIN', written, 'COMMIT AND CHAIN', written, 'COMMIT AND CHAIN', 'COMMIT');
    expect(summary()).toEqual(['explicit committed', 'explicit committed']);
  });

  it('are what DDL commits implicitly, as autocommit since its own time is in it', async () => {
    await run('BEGIN', written, 'CREATE TABLE made (n int)', 'COMMIT', 'DROP TABLE made');
    expect(summary()).toEqual(['autocommit committed', 'autocommit committed']);
    heard.clear();
    await run('BEGIN', written, 'LOCK TABLES t WRITE', 'UNLOCK TABLES', 'COMMIT');
    expect(summary()).toEqual(['autocommit committed']);
  });

  it('are what BEGIN commits implicitly', async () => {
    await run('BEGIN', written, 'BEGIN', 'ROLLBACK');
    expect(summary()).toEqual(['explicit committed']);
  });

  it('are seen with autocommit off: COMMIT, and SET autocommit = 1, but no single write', async () => {
    await run('SET autocommit = 0', 'SELECT * FROM t', 'COMMIT', written, written);
    expect(heard.started).toEqual([]);
    await run('COMMIT', written, 'SET @@session.autocommit = ON', written);
    expect(summary()).toEqual(['explicit committed', 'explicit committed', 'autocommit committed']);
  });

  it('are seen in a text of several statements, as one from its sending to its answer', async () => {
    await pool.query("BEGIN; INSERT INTO t VALUES (); SELECT 'rollback; it''s'; COMMIT");
    expect(summary()).toEqual(['explicit committed']);
    heard.clear();
    await run('BEGIN; INSERT INTO t VALUES ()', 'COMMIT; BEGIN', 'SELECT 1', 'COMMIT');
    expect(summary()).toEqual(['explicit committed']);
    heard.clear();
    await pool.query('INSERT INTO t VALUES (); INSERT INTO t VALUES ()');
    expect(summary()).toEqual(['autocommit committed']);
  });

  it('are rolled back where something before the commit was refused, committed where it came after', async () => {
    const one = 'INSERT INTO t (n) VALUES (77)';
    await expect(run(`BEGIN; ${one}; ${one}; COMMIT`)).rejects.toMatchObject({ errno: 1062 });
    await run('ROLLBACK');
    await expect(run(`BEGIN; ${one}; COMMIT; ${one}`)).rejects.toMatchObject({ errno: 1062 });
    await expect(pool.query(one)).rejects.toMatchObject({ errno: 1062 });
    expect(summary()).toEqual(['explicit rolledBack', 'explicit committed', 'autocommit rolledBack']);
  });

  it("are none of a deadlock's victim, whose COMMIT has nothing to commit", async () => {
    await run('INSERT INTO t (id, n) VALUES (9001, 9001), (9002, 9002)');
    heard.clear();
    const one = await pool.getConnection();
    const other = await pool.getConnection();
    for (const connection of [one, other]) await connection.beginTransaction();
    await one.query('UPDATE t SET n = 9011 WHERE id = 9001');
    await other.query('UPDATE t SET n = 9012 WHERE id = 9002');
    const results = await Promise.allSettled([
      one.query('UPDATE t SET n = 9021 WHERE id = 9002'),
      other.query('UPDATE t SET n = 9022 WHERE id = 9001'),
    ]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    await Promise.all([one.commit(), other.commit()]);
    expect(summary()).toEqual(['explicit committed']);
    one.release();
    other.release();
  });

  it('are failed where a write outside a transaction waits for a lock until it is out of time', async () => {
    await run('INSERT INTO t (id, n) VALUES (9101, 9101)');
    await operator.query('BEGIN');
    await operator.query('UPDATE t SET n = 9102 WHERE id = 9101');
    heard.clear();
    await withConnection(async (connection) => {
      await connection.query('SET innodb_lock_wait_timeout = 0');
      await expect(connection.query('DELETE FROM t WHERE id = 9101')).rejects.toMatchObject({ errno: 1205 });
    });
    await operator.query('ROLLBACK');
    expect(summary()).toEqual(['autocommit failed']);
  });

  it('are failed where the caller waits no longer, once, whatever the server answers later', async () => {
    await withConnection(async (connection) => {
      await connection.query('BEGIN');
      await connection.query(written);
      await whileCommitsWait(async () => {
        await expect(connection.query({ sql: 'COMMIT', timeout: 50 })).rejects.toMatchObject({
          code: 'PROTOCOL_SEQUENCE_TIMEOUT',
        });
        expect(summary()).toEqual(['explicit failed']);
        expect(heard.finished[0]?.durationMs).toBeGreaterThan(45);
      });
      await connection.query(written);
    });
    expect(summary()).toEqual(['explicit failed', 'autocommit committed']);
  });

  it.each(['the network', 'the application', 'the server'])(
    'are unknown where the connection is lost before the answer, by %s',
    async (who) => {
      const proxy = await startProxy(`${server.host}:${server.port}`);
      const own = mysql.createPool({ ...addressOf(), port: proxy.port });
      observe(own, { partition: 'lost' });
      const connection = await own.getConnection();
      await connection.query('BEGIN');
      await connection.query(written);
      await whileCommitsWait(async () => {
        const answer = connection.query('COMMIT').catch((error: Error) => error);
        await vi.waitFor(() => expect(heard.started).toHaveLength(1), { interval: 5, timeout: 30_000 });
        if (who === 'the network') proxy.drop();
        else if (who === 'the application') connection.destroy();
        else await operator.query(`KILL CONNECTION ${connection.threadId}`);
        await vi.waitFor(() => expect(summary()).toEqual(['explicit unknown']), {
          interval: 5,
          timeout: 30_000,
        });
        // mysql2 leaves those who wait for a destroyed connection waiting.
        if (who !== 'the application') expect(await answer).toBeInstanceOf(Error);
      });
      await own.end();
      await proxy.stop();
    },
  );

  it('leave out the wait for a connection and for statements before them', async () => {
    const one = mysql.createPool({ ...addressOf(), connectionLimit: 1 });
    observe(one, { partition: 'one' });
    const calledAt = [performance.now()];
    await Promise.all([one.query('DO SLEEP(0.1)'), one.query(written)]);
    const connection = await one.getConnection();
    await connection.query('BEGIN');
    await connection.query(written);
    calledAt.push(performance.now());
    await Promise.all([connection.query('DO SLEEP(0.1)'), connection.commit()]);
    connection.release();
    expect(summary()).toEqual(['autocommit committed', 'explicit committed']);
    for (const [at, { startedAt }] of heard.finished.entries()) {
      expect(startedAt).toBeGreaterThan(Number(calledAt[at]) + 99);
    }
    await one.end();
  });

  it('are those of routines that say they wrote, or of which observe() was told', async () => {
    await run('BEGIN', 'CALL counts()', 'COMMIT');
    expect(heard.started).toEqual([]);
    await pool.query('CALL counts()');
    expect(heard.started).toEqual([]);
    await pool.query('CALL adds()');
    expect(summary()).toEqual(['autocommit committed']);
    expect(heard.started).toEqual(heard.finished);
    heard.clear();
    await run('BEGIN', 'CALL adds()', 'COMMIT');
    await pool.query('SELECT adding()');
    await run("PREPARE s FROM 'INSERT INTO t VALUES ()'", 'BEGIN', 'EXECUTE s', 'COMMIT');
    expect(summary()).toEqual(['explicit committed', 'autocommit committed', 'explicit committed']);
  });

  it('are those of XA: what was prepared, and what was committed', async () => {
    await run("XA START 'a'", written, "XA END 'a'", "XA PREPARE 'a'", "XA COMMIT 'a'");
    await run("XA START 'b'", written, "XA END 'b'", "XA COMMIT 'b' ONE PHASE");
    await run("XA START 'c'", 'SELECT 1', "XA END 'c'", "XA COMMIT 'c' ONE PHASE");
    expect(summary()).toEqual(['explicit committed', 'explicit committed', 'explicit committed']);
  });

  it('are none where a statement never reached the server', async () => {
    await expect(pool.query('INSRT INTO t VALUES ()')).rejects.toMatchObject({ errno: 1064 });
    await expect(pool.execute('INSERT INTO nowhere VALUES (1)')).rejects.toMatchObject({ errno: 1146 });
    await expect(pool.execute(written, [undefined as never])).rejects.toThrow('must not contain undefined');
    expect(summary()).toEqual([]);
  });

  it('carry the context of the request that called, also behind callbacks and waits', async () => {
    const core = callbacks.createPool({ ...addressOf(), connectionLimit: 1 });
    observe(core, { partition: 'contexts' });
    const contexts = [contextOf(), contextOf(), contextOf()];
    await Promise.all(
      contexts.map((context) =>
        requestContext.run(
          context,
          () =>
            new Promise<void>((resolve, reject) => {
              core.getConnection((error, connection) => {
                if (error) return reject(error);
                connection.query('BEGIN', () => {
                  connection.query(written, () => {
                    connection.query(written, () => {
                      connection.query('COMMIT', () => {
                        connection.release();
                        core.query(written, () => resolve());
                      });
                    });
                  });
                });
              });
            }),
        ),
      ),
    );
    const explicit = heard.finished.filter(({ kind }) => kind === 'explicit');
    expect(explicit.map(({ context }) => context)).toEqual(contexts);
    expect(contexts.map(({ written: told }) => told)).toEqual(contexts.map(() => ['contexts', 'contexts']));
    core.end();
  });

  it('are heard no more after stop(), and mysql2 is as it was', async () => {
    const connection = await pool.getConnection();
    observed.stop();
    expect(Object.hasOwn(pool.pool, 'getConnection')).toBe(false);
    expect(Object.hasOwn(connection.connection, 'addCommand')).toBe(false);
    connection.release();
    await pool.query(written);
    expect(heard.started).toEqual([]);
    expect([...commitSources()].filter(({ partition }) => partition === 'orders')).toEqual([]);
    observe(pool, { partition: 'again' });
    await pool.query(written);
    expect(heard.finished.map(({ partition }) => partition)).toEqual(['again']);
  });
});

describe('observe() of mysql2', () => {
  it('knows pools, connections and what they hand out, by callbacks and promises, and watches each once', async () => {
    const core = callbacks.createPool(addressOf());
    const same = observe(core, { partition: 'p' });
    expect(observe(core.promise(), { partition: 'p' })).toBe(same);
    const handed = await core.promise().getConnection();
    expect(() => observe(handed, { partition: 'q' })).toThrow('observed as one of its pool');
    await handed.query(written);
    handed.release();
    expect(summary()).toEqual(['autocommit committed']);
    expect(() => observe(core, { partition: 'q' })).toThrow(
      'partition: "q": this pool is observed as "p"; stop that first.',
    );
    core.end();
  });

  it('takes connections that a pool has already made into account', async () => {
    const early = mysql.createPool(addressOf());
    const connection = await early.getConnection();
    await connection.query('BEGIN');
    observe(early, { partition: 'early' });
    await connection.query(written);
    await connection.commit();
    connection.release();
    expect(summary().at(-1)).toBe('explicit committed');
    await early.end();
  });

  it('refuses what is closed, and what is nothing of mysql2', async () => {
    const closed = mysql.createPool(addressOf());
    await closed.end();
    expect(() => observe(closed, { partition: 'p' })).toThrow('this pool is closed');
    const connection = await mysql.createConnection(addressOf());
    connection.destroy();
    expect(() => observe(connection, { partition: 'p' })).toThrow('this connection is closed');
    for (const nothing of [undefined, 'pool', {}, { pool: {} }]) {
      expect(() => observe(nothing as never, { partition: 'p' })).toThrow(
        'is no pool, connection or pool cluster',
      );
    }
    const given = pool.pool;
    expect(() => observe(given, {} as never)).toThrow('needs the option partition');
    expect(() => observe(given, { partition: '' })).toThrow('1 to 200 characters');
    expect(() => observe(given, { partition: 'p', writingFunctions: 'f' as never })).toThrow(
      'array of names',
    );
    expect(() => observe(given, { partition: 'p', ensure: 1 as never })).toThrow('give true or false');
    expect(() => observe(given, { partition: 'p', insure: true } as never)).toThrow('knows no option insure');
  });

  it('observes the pools of a cluster, each as the partition of its id, those added later too', async () => {
    const cluster = mysql.createPoolCluster();
    cluster.add('EU', addressOf());
    const stoppable = observe(cluster, { partition: (id) => `orders ${id}` });
    cluster.add('US', addressOf());
    await (await cluster.getConnection('US')).query(written);
    await cluster.of('EU').query(written);
    expect(heard.finished.map(({ partition }) => partition)).toEqual(['orders US', 'orders EU']);
    stoppable.stop();
    expect([...commitSources()].filter(({ partition }) => partition.startsWith('orders '))).toEqual([]);
    await cluster.end();
  });
});
