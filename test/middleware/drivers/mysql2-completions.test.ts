import { type ObservedMysql2, observe } from '@slackwater/middleware/mysql2';
import { type MariadbServer, startMariadb } from '@slackwater/test-support/mariadb';
import type callbacks from 'mysql2';
import mysql from 'mysql2/promise';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Completions } from '../../../packages/middleware/src/drivers/driver.ts';
import { requestContext } from '../../../packages/middleware/src/request-context.ts';
import { completionRowsContract, type ObservedDatabase } from '../../contracts/completion-rows-contract.ts';
import { doneOnceContract } from '../../contracts/done-once-contract.ts';
import { contextOf, hearCommits } from './commits.ts';
import { completionsOf } from './completions-of.ts';

let server: MariadbServer;
let operator: mysql.Pool;
const ends: (() => Promise<void>)[] = [];
let observations = 0;

beforeAll(async () => {
  server = await startMariadb();
  operator = mysql.createPool({ ...addressOf(), connectionLimit: 2 });
});

afterAll(async () => {
  await operator.end();
  await server.stop();
});

function addressOf(database = server.database) {
  const { host, port, user, password } = server;
  return { host, port, user, password, database };
}

function observedPool(
  database: string,
  ensure: boolean,
): { pool: mysql.Pool; observed: ObservedMysql2; partition: string } {
  const partition = `${database} ${++observations}`;
  const pool = mysql.createPool({ ...addressOf(database), connectionLimit: 5, multipleStatements: true });
  const observed = observe(pool, { partition, ensure });
  ends.push(() => pool.end());
  return { pool, observed, partition };
}

async function observedConnection(database: string) {
  const partition = `${database} ${++observations}`;
  const connection = await mysql.createConnection(addressOf(database));
  observe(connection, { partition });
  return { connection, rows: completionsOf(partition), end: () => connection.end() };
}

async function closeAll(): Promise<void> {
  for (const end of ends.splice(0)) await end();
}

async function open(name: string): Promise<ObservedDatabase> {
  const database = name.replaceAll(' ', '_');
  await operator.query(`CREATE DATABASE \`${database}\``);
  const asking = mysql.createPool({ ...addressOf(database), connectionLimit: 1 });
  ends.push(() => asking.end());
  await asking.query('CREATE TABLE work (id int AUTO_INCREMENT PRIMARY KEY, note text) ENGINE = InnoDB');
  const { pool, observed, partition } = observedPool(database, true);
  return {
    completions: completionsOf(partition),
    async client() {
      const connection = await pool.getConnection();
      return { run: (sql) => connection.query(sql), done: () => connection.release() };
    },
    prune: observed.prune,
    observedAgain: async (ensure) => completionsOf(observedPool(database, ensure).partition),
    async ask(sql) {
      const [rows] = await asking.query(sql);
      return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : [];
    },
  };
}

const columns = 'ordinal int NOT NULL, tombstone boolean NOT NULL DEFAULT false, done_at timestamp(3)';

completionRowsContract('mysql2', {
  open,
  close: closeAll,
  beginReading: 'START TRANSACTION READ ONLY',
  refused: [
    ['statement-outside-transaction', 'TRUNCATE work'],
    ['statement-outside-transaction', 'CALL nothing()'],
    ['statement-outside-transaction', "XA START 'x'"],
    ['statement-outside-transaction', 'LOCK TABLES work WRITE'],
    ['transaction-in-one-string', "INSERT INTO work (note) VALUES ('x'); COMMIT"],
  ],
  age: (key) =>
    `UPDATE slackwater_completions SET done_at = NOW(3) - INTERVAL 1 HOUR WHERE \`key\` = '${key}'`,
  notOurs: [
    [
      /InnoDB/,
      `CREATE TABLE slackwater_completions (\`key\` varbinary(128), ${columns}, PRIMARY KEY (\`key\`, ordinal)) ENGINE = MyISAM`,
    ],
    [
      /varbinary/,
      `CREATE TABLE slackwater_completions (\`key\` varchar(128), ${columns}, PRIMARY KEY (\`key\`, ordinal)) ENGINE = InnoDB`,
    ],
    [
      /unique key/,
      `CREATE TABLE slackwater_completions (\`key\` varbinary(128), ${columns}) ENGINE = InnoDB`,
    ],
    [
      /unique key/,
      `CREATE TABLE slackwater_completions (\`key\` varbinary(128), ${columns}, UNIQUE (\`key\`(10), ordinal)) ENGINE = InnoDB`,
    ],
  ],
  heading: 'MariaDB and MySQL',
});

doneOnceContract('mysql2', async () => {
  const [first, second] = ['effects_first', 'effects_second'].map((database) => {
    const asking = mysql.createPool({ ...addressOf(database), connectionLimit: 2 });
    return { ...observedPool(database, true), asking, database };
  });
  if (first === undefined || second === undefined) throw new Error('no databases');
  for (const { asking, database } of [first, second]) {
    ends.push(() => asking.end());
    await operator.query(`CREATE DATABASE ${database}`);
    await asking.query('CREATE TABLE effects (what varchar(100) NOT NULL) ENGINE = InnoDB');
  }
  return {
    completions: completionsOf(first.partition),
    async client(of = 'first') {
      const pool = { first: first.pool, second: second.pool, unobserved: first.asking }[of];
      const connection = await pool.getConnection();
      return { run: (sql) => connection.query(sql), done: () => connection.release() };
    },
    async effects() {
      const [rows] = await first.asking.query<mysql.RowDataPacket[]>(
        'SELECT what FROM effects ORDER BY what',
      );
      return rows.map((row) => String(row['what']));
    },
    async clear() {
      for (const { asking } of [first, second]) await asking.query('DELETE FROM effects');
    },
    ask: (sql) => first.asking.query(sql),
  };
});

describe('completion rows on mysql2', () => {
  let pool: mysql.Pool;
  let partition: string;
  let completions: Completions;
  let database: ObservedDatabase;
  let key: string;
  let count = 0;

  beforeAll(async () => {
    database = await open('shapes');
    ({ pool, partition } = observedPool('shapes', true));
    completions = completionsOf(partition);
    await completions.ready();
    await database.ask("CREATE PROCEDURE gives_up() BEGIN ROLLBACK; SIGNAL SQLSTATE '45000'; END");
    await database.ask('CREATE PROCEDURE books() BEGIN INSERT INTO work (note) VALUES (1); END');
  });
  afterAll(closeAll);
  beforeEach(async () => {
    key = `shape ${++count}`;
    await database.ask('DELETE FROM work');
  });

  /** One attempt on a connection of the pool's, or on the one that is given. */
  async function attempt<T>(
    work: (connection: mysql.Connection) => Promise<T>,
    given?: mysql.Connection,
    context = contextOf({ key }),
  ): Promise<T> {
    return requestContext.run(context, async () => {
      if (given !== undefined) return work(given);
      const connection = await pool.getConnection();
      try {
        return await work(connection);
      } finally {
        connection.release();
      }
    });
  }
  const ordinals = async () => (await completions.find(key)).map(({ ordinal }) => ordinal);
  const done = async () => (await database.ask('SELECT note FROM work')).length;
  const write = 'INSERT INTO work (note) VALUES (1)';

  it('come with transactions begun by method, by text and by prepared statements', async () => {
    await attempt(async (connection) => {
      await connection.beginTransaction();
      await connection.execute('INSERT INTO work (note) VALUES (?)', ['a']);
      await connection.commit();
      await connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
      await connection.query('INSERT INTO work (note) VALUES (?)', ['b']);
      await connection.query('COMMIT AND CHAIN');
      await connection.query(write);
      await connection.commit();
    });
    expect([await ordinals(), await done()]).toEqual([[0, 1, 2], 3]);
  });

  it('come with a transaction that another BEGIN commits implicitly', async () => {
    await attempt(async (connection) => {
      await connection.beginTransaction();
      await connection.query(write);
      await connection.beginTransaction();
      await connection.rollback();
    });
    expect([await ordinals(), await done()]).toEqual([[0], 1]);
  });

  it('come with callbacks and events, which are told of after the COMMIT', async () => {
    await attempt(async (connection) => {
      const below = (connection as unknown as { readonly connection: callbacks.Connection }).connection;
      await new Promise((resolve, reject) =>
        below.query(write, (error, result) => (error ? reject(error) : resolve(result))),
      );
      await new Promise((resolve, reject) =>
        below.query('INSERT INTO work (note) VALUES (2) RETURNING id').on('end', resolve).on('error', reject),
      );
    });
    expect([await ordinals(), await done()]).toEqual([[0, 1], 2]);
  });

  it('leave a write outside a transaction its own result, and its commit is measured', async () => {
    const heard = hearCommits(partition);
    const result = await requestContext.run(contextOf({ key }), async () => {
      const [inserted] = await pool.execute<mysql.ResultSetHeader>(
        'INSERT INTO work (note) VALUES (?), (?)',
        [1, 2],
      );
      const [rows] = await pool.query<mysql.RowDataPacket[]>(
        'INSERT INTO work (note) VALUES (3) RETURNING note',
      );
      return { inserted, rows };
    });
    expect(result.inserted).toMatchObject({ affectedRows: 2 });
    expect(result.inserted.insertId).toBeGreaterThan(0);
    expect(result.rows).toEqual([{ note: '3' }]);
    expect(heard.finished.map(({ kind, outcome }) => `${kind} ${outcome}`)).toEqual([
      'autocommit committed',
      'autocommit committed',
    ]);
    heard.close();
    expect(await ordinals()).toEqual([0, 1]);
  });

  it('are not left by a prepared statement that the server does not prepare, or that lacks a value', async () => {
    await attempt(async (connection) => {
      await expect(connection.execute('INSERT INTO nowhere VALUES (1)')).rejects.toMatchObject({
        errno: 1146,
      });
      await expect(connection.execute('INSERT INTO work (note) VALUES (?)', [])).rejects.toThrow();
    });
    expect(await ordinals()).toEqual([]);
  });

  it('come with autocommit off, before the first write or savepoint of each transaction', async () => {
    const { connection, end } = await observedConnection('shapes');
    await attempt(async () => {
      await connection.query('SET autocommit = 0');
      await connection.query('SELECT note FROM work');
      await connection.query('SAVEPOINT a');
      await connection.query(write);
      await connection.query('ROLLBACK TO a');
      await connection.query(write);
      await connection.commit();
      await connection.query(write);
      await connection.query('SET autocommit = 1');
    }, connection);
    expect([await ordinals(), await done()]).toEqual([[0, 1], 2]);
    const again = attempt(() => connection.query(write), connection);
    await expect(again).rejects.toMatchObject({ code: 'already-performed' });
    await end();
  });

  it('are found and shut out for a single connection too, by connections beside it', async () => {
    const { connection, rows, end } = await observedConnection('shapes');
    await attempt(() => connection.query(write), connection);
    expect(await rows.find(key)).toEqual([{ ordinal: 0, tombstone: false }]);
    expect(await rows.shutOut(key)).toBe('completed');
    await end();
  });

  it('are none for what a session lets only read', async () => {
    await attempt(async (connection) => {
      await connection.query('SET SESSION TRANSACTION READ ONLY');
      await connection.query('BEGIN');
      await connection.query('SELECT note FROM work');
      await connection.query('COMMIT');
      await expect(connection.query(write)).rejects.toMatchObject({ errno: 1792 });
      await connection.query('SET SESSION TRANSACTION READ WRITE');
    });
    expect(await ordinals()).toEqual([]);
  });

  it('are in the database of the pool, whichever the handler uses', async () => {
    await attempt(async (connection) => {
      await connection.query('USE information_schema');
      await connection.query('INSERT INTO shapes.work (note) VALUES (1)');
      await connection.query('USE shapes');
    });
    expect([await ordinals(), await done()]).toEqual([[0], 1]);
  });

  it('come with a CALL between BEGIN and COMMIT', async () => {
    await attempt(async (connection) => {
      await connection.beginTransaction();
      await connection.query('CALL books()');
      await connection.commit();
    });
    expect([await ordinals(), await done()]).toEqual([[0], 1]);
  });

  it.each(['TRUNCATE work', 'CREATE TABLE more (id int)', 'LOCK TABLES work WRITE'])(
    'are not committed by %s, which would commit what is half done',
    async (sql) => {
      await attempt(async (connection) => {
        await connection.beginTransaction();
        await connection.query(write);
        await expect(connection.query(sql)).rejects.toMatchObject({ code: 'statement-outside-transaction' });
        await connection.rollback();
      });
      expect([await ordinals(), await done()]).toEqual([[], 0]);
    },
  );

  it.each([
    "UPDATE work SET note = 'mine' WHERE id = 1002",
    'SELECT note FROM work WHERE id = 1002 FOR UPDATE',
  ])('come anew where a deadlock ended the transaction, at %s, and its handler goes on', async (victim) => {
    await database.ask("INSERT INTO work (id, note) VALUES (1001, 'a'), (1002, 'b')");
    const holder = await pool.getConnection();
    await attempt(async (connection) => {
      await connection.beginTransaction();
      await connection.query("UPDATE work SET note = 'mine' WHERE id = 1001");
      await holder.beginTransaction();
      // Who wrote less is the victim.
      for (let n = 0; n < 20; n++) await holder.query(write);
      await holder.query("UPDATE work SET note = 'theirs' WHERE id = 1002");
      const theirs = holder.query("UPDATE work SET note = 'theirs' WHERE id = 1001");
      await expect(connection.query(victim)).rejects.toMatchObject({
        errno: 1213,
      });
      await theirs;
      await holder.rollback();
      await connection.query(write);
      await connection.query(write);
    });
    holder.release();
    expect([await ordinals(), await done()]).toEqual([[0, 1], 4]);
  });

  it('come anew where a statement failed and took the whole transaction with it, of which its error says nothing', async () => {
    await attempt(async (connection) => {
      await connection.beginTransaction();
      await connection.query(write);
      await expect(connection.query('CALL gives_up()')).rejects.toMatchObject({ sqlState: '45000' });
      await connection.query(write);
    });
    expect([await ordinals(), await done()]).toEqual([[0], 1]);
  });

  it('are waited for by a second attempt while the first has not ended; when that takes too long nothing is known', async () => {
    await attempt(async (connection) => {
      await connection.beginTransaction();
      const second = attempt(async (other) => {
        await other.query('SET SESSION innodb_lock_wait_timeout = 1');
        await expect(other.beginTransaction()).rejects.toMatchObject({ errno: 1205 });
        await other.query('SET SESSION innodb_lock_wait_timeout = 50');
        await expect(other.query('SELECT 1')).resolves.toBeDefined();
      });
      await second;
      const undecided = expect(completions.shutOut(key)).rejects.toMatchObject({ errno: 1317 });
      await vi.waitFor(async () => {
        const [waiting] = await operator.query<mysql.RowDataPacket[]>(
          "SELECT id FROM information_schema.PROCESSLIST WHERE info LIKE '%LOCK IN SHARE MODE' AND db = 'shapes'",
        );
        expect(waiting).toHaveLength(1);
        await operator.query(`KILL QUERY ${Number(waiting[0]?.['id'])}`);
      });
      await undecided;
      await connection.query(write);
      await connection.commit();
    });
    expect([await ordinals(), await done()]).toEqual([[0], 1]);
  });

  it.each(['before', 'behind'])(
    'tell what became of a COMMIT whose connection was lost %s it',
    async (lost) => {
      const context = contextOf({ key });
      const again = async (connection: mysql.Connection): Promise<void> => {
        await connection.beginTransaction();
        await connection.query(write);
        await connection.commit();
      };
      await attempt(
        async (connection) => {
          await connection.beginTransaction();
          await connection.query(write);
          const [[row]] = await connection.query<mysql.RowDataPacket[]>('SELECT CONNECTION_ID() AS id');
          if (lost === 'before') {
            await operator.query(`KILL ${Number(row?.['id'])}`);
            await expect(connection.commit()).rejects.toThrow();
          } else {
            connection.commit().catch(() => {});
            connection.destroy();
          }
        },
        undefined,
        context,
      );
      // Whichever it was: who tries once more, in the same attempt or another, does it once.
      await attempt(again, undefined, context).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'already-performed' });
      });
      await expect(attempt(again)).rejects.toMatchObject({ code: 'already-performed' });
      expect([await ordinals(), await done()]).toEqual([[0], 1]);
    },
  );

  it('end a connection whose BEGIN was refused and that nobody uses or gives back for 10 s', async () => {
    const small = mysql.createPool({ ...addressOf('shapes'), connectionLimit: 3, waitForConnections: false });
    observe(small, { partition: 'abandoned' });
    const once = <T>(work: () => T): T => requestContext.run(contextOf({ key }), work);
    const refused = async (): Promise<mysql.PoolConnection> => {
      const connection = await small.getConnection();
      await expect(once(() => connection.beginTransaction())).rejects.toMatchObject({ status: 409 });
      return connection;
    };
    await once(() => small.query(write));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const [held, used, given] = [await refused(), await refused(), await refused()];
      given.release();
      const again = await small.getConnection();
      await vi.advanceTimersByTimeAsync(9_999);
      await used.query('SELECT 1');
      await vi.advanceTimersByTimeAsync(1);
      const instead = await small.getConnection();
      held.release();
      await vi.advanceTimersByTimeAsync(60_000);
      for (const one of [used, again, instead]) {
        await one.query('SELECT 1');
        one.release();
      }
    } finally {
      vi.useRealTimers();
    }
    await small.end();
  });

  it('are asked for anew after the server refused the connection they are asked for over', async () => {
    const late = { user: 'late', password: 'better than never' };
    const pool = mysql.createPool({ ...addressOf(), ...late });
    observe(pool, { partition: 'late', ensure: true });
    const rows = completionsOf('late');
    await expect(rows.find('key')).rejects.toThrow('Access denied');
    await operator.query(`CREATE USER ${late.user} IDENTIFIED BY '${late.password}'`);
    await operator.query(`GRANT ALL ON *.* TO ${late.user}`);
    expect(await rows.find('key')).toEqual([]);
    await rows.ready();
    await pool.end();
  });

  it('are refused where they can be asked for no more: the database is gone', async () => {
    await attempt((connection) => connection.query(write));
    await server.kill();
    await vi.waitFor(() => expect(completions.find(key)).rejects.toThrow(), 30_000);
    await server.restart();
    expect(await ordinals()).toEqual([0]);
  });
});
