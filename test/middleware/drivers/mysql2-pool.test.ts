import { setTimeout as sleep } from 'node:timers/promises';
import { observe, undoRows } from '@slackwater/middleware/mysql2';
import { freePort } from '@slackwater/test-support/free-port';
import { type MariadbServer, startMariadb } from '@slackwater/test-support/mariadb';
import { type NetworkProxy, startProxy } from '@slackwater/test-support/proxy';
import mysql from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type SourceContact,
  sourceContact,
  sourcesOf,
} from '../../../packages/middleware/src/drivers/driver.ts';
import { requestContext } from '../../../packages/middleware/src/request-context.ts';
import { undoRowsContract } from '../../contracts/undo-rows-contract.ts';
import { contextOf } from './commits.ts';

let server: MariadbServer;
let proxy: NetworkProxy;
let told: string[];

const listen = (message: unknown): void => {
  const { partition, outcome } = message as SourceContact;
  if (partition === 'shared') told.push(outcome);
};

beforeAll(async () => {
  server = await startMariadb();
  proxy = await startProxy(`${server.host}:${server.port}`);
});
afterAll(async () => {
  await proxy.stop();
  await server.stop();
});
beforeEach(() => {
  told = [];
  sourceContact.subscribe(listen);
});
afterEach(() => {
  sourceContact.unsubscribe(listen);
});

function addressOf(options: mysql.PoolOptions): mysql.PoolOptions {
  const { host, port, user, password, database } = server;
  return { host, port, user, password, database, ...options };
}

function poolOf(options: mysql.PoolOptions): mysql.Pool {
  const pool = mysql.createPool(addressOf(options));
  observe(pool, { partition: 'shared' });
  return pool;
}

const postponable = <T>(work: () => T): T => requestContext.run(contextOf({ postponable: true }), work);
const exempt = <T>(work: () => T): T => requestContext.run(contextOf({ postponable: false }), work);

describe('the connections of an observed mysql2 pool', () => {
  it('leave the last one to work that may not be postponed, and tell who waits', async () => {
    const pool = poolOf({ connectionLimit: 3 });
    const take = () => postponable(() => pool.getConnection());
    const held = await Promise.all([take(), take()]);
    let third: mysql.PoolConnection | undefined;
    const waiting = take().then((connection) => {
      third = connection;
    });
    const [rows] = await exempt(() => pool.query('SELECT 1 AS one'));
    expect(rows).toEqual([{ one: 1 }]);
    await requestContext.exit(() => pool.query('SELECT 1'));
    await sleep(20);
    expect(third).toBeUndefined();
    expect(sourcesOf('shared')[0]).toMatchObject({ driver: 'mysql2', connections: 3 });
    expect(sourcesOf('shared')[0]?.waiting?.()).toBe(1);
    expect(sourcesOf('shared')[0]?.server).toBe(`localhost:${server.port}`);
    held[0]?.release();
    await waiting;
    third?.destroy();
    const again = await take();
    again.release();
    held[1]?.release();
    expect(sourcesOf('shared')[0]?.waiting?.()).toBe(0);
    await pool.end();
    expect(sourcesOf('shared')).toEqual([]);
  });

  it('never make a request wait for itself', async () => {
    const pool = poolOf({ connectionLimit: 2 });
    await postponable(async () => {
      const first = await pool.getConnection();
      const second = await pool.getConnection();
      second.release();
      first.release();
    });
    await pool.end();
  });

  it('are counted once where mysql2 asks again for who waits, as a connection was given up', async () => {
    const pool = poolOf({ connectionLimit: 2 });
    const take = () => postponable(() => pool.getConnection());
    for (let round = 0; round < 3; round++) {
      const [one, other] = await Promise.all([1, 2].map(() => exempt(() => pool.getConnection())));
      const waiting = take();
      await sleep(1);
      postponable(() => one?.destroy());
      (await waiting).destroy();
      other?.release();
    }
    const last = await take();
    expect(sourcesOf('shared')[0]?.waiting?.()).toBe(0);
    last.release();
    await pool.end();
  });

  it("are refused in mysql2's own words where the pool lets nobody wait, or no more", async () => {
    const impatient = poolOf({ connectionLimit: 2, waitForConnections: false });
    const held = await postponable(() => impatient.getConnection());
    await expect(postponable(() => impatient.query('SELECT 1'))).rejects.toThrow('No connections available.');
    held.release();
    await impatient.end();
    const short = poolOf({ connectionLimit: 2, queueLimit: 1 });
    const first = await postponable(() => short.getConnection());
    const second = postponable(() => short.getConnection());
    await expect(postponable(() => short.getConnection())).rejects.toThrow('Queue limit reached.');
    first.release();
    (await second).release();
    await short.end();
  });

  it('answer who waits where the pool is ended', async () => {
    const pool = poolOf({ connectionLimit: 2 });
    const held = await postponable(() => pool.getConnection());
    const waiting = postponable(() => pool.getConnection());
    const refused = expect(waiting).rejects.toThrow('Pool is closed.');
    await pool.end();
    await refused;
    held.destroy();
  });
});

describe('an observed mysql2 pool tells whether its database can be reached', () => {
  it('where a connection is made, and lost', async () => {
    const pool = poolOf({ port: proxy.port });
    await pool.query('SELECT 1');
    expect(told).toEqual(['reached']);
    proxy.drop();
    await vi.waitFor(() => expect(told).toEqual(['reached', 'lost']), 30_000);
    await pool.query('SELECT 1');
    expect(told).toEqual(['reached', 'lost', 'reached']);
    await pool.end();
    expect(told).toHaveLength(3);
  });

  it('where nobody listens, or nobody answers in time', async () => {
    const nobody = poolOf({ port: await freePort() });
    await expect(nobody.query('SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(told).toEqual(['refused']);
    await nobody.end();
    proxy.stall();
    const late = poolOf({ port: proxy.port, connectTimeout: 50 });
    await expect(late.query('SELECT 1')).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    expect(told).toEqual(['refused', 'timed-out']);
    await late.end();
    await proxy.heal();
  });

  it('and says nothing where the database answers and does not want this caller, or the pool is full', async () => {
    const stranger = poolOf({ password: 'wrong' });
    await expect(stranger.query('SELECT 1')).rejects.toMatchObject({ errno: 1045 });
    await stranger.end();
    const full = poolOf({ connectionLimit: 1, waitForConnections: false });
    const held = await full.getConnection();
    await expect(full.query('SELECT 1')).rejects.toThrow('No connections available.');
    held.destroy();
    await full.end();
    expect(told).toEqual(['reached']);
  });

  it('as a single connection does', async () => {
    const connection = mysql.createConnection(addressOf({ port: proxy.port }));
    const made = await connection;
    observe(made, { partition: 'shared' });
    made.on('error', () => {});
    const answer = made.query('DO SLEEP(60)').catch((error: Error) => error);
    proxy.drop();
    expect(await answer).toBeInstanceOf(Error);
    expect(told).toEqual(['lost']);
    expect(() => observe(made, { partition: 'shared' })).not.toThrow();
  });
});

undoRowsContract('mysql2', async () => {
  const pool = mysql.createPool(
    addressOf({ connectionLimit: 2, supportBigNumbers: true, bigNumberStrings: true, dateStrings: true }),
  );
  const everybody = mysql.createPool(addressOf({ connectionLimit: 1 }));
  return {
    async sql(...statements) {
      // Another time zone than that of the tasks: a time of it is none of theirs.
      await everybody.query("SET SESSION time_zone = '+05:30'");
      for (const statement of statements) await everybody.query(statement);
    },
    async rows(table) {
      const [rows] = await pool.query(`SELECT * FROM ${table} ORDER BY 1, 2`);
      return (rows as object[]).map((row) => ({ ...row }));
    },
    undo(tables) {
      const rows = undoRows(pool, { tables });
      return {
        ensure: rows.ensure,
        transaction: (task, statements) =>
          rows.transaction(task, async (on) => {
            for (const statement of statements) await on.query(statement);
          }),
        rollback: rows.rollback,
      };
    },
    types: [
      ['varchar(40) CHARACTER SET utf8mb4', "'o''clock \\\\ \u{1F600}'", "''"],
      ['varchar(40) CHARACTER SET latin1', "'caf\u{E9}'", "'CAFE'"],
      ['longtext', "'a,b-'", "'-'"],
      ['varbinary(20)', "x'00ff2c'", "x''"],
      ['longblob', "x'00'", 'NULL'],
      ['bigint', '9223372036854775807', '-9223372036854775808'],
      ['bigint unsigned', '18446744073709551615', '0'],
      ['decimal(30, 10)', '12345678901234567890.0123456789', '-0.1'],
      ['double', '0.1e0 + 0.2e0', '1e-300'],
      ['float', '16777217', '0.1'],
      ['datetime(6)', "'2026-03-29 02:30:00.123456'", "'1000-01-01'"],
      ['timestamp(6) NULL', "'2026-03-29 02:30:00.123456'", "'1999-12-31 23:59:59'"],
      ['date', "'2026-02-28'", "'9999-12-31'"],
      ['time(3)', "'-12:30:00.250'", "'00:00:00'"],
      ['year', '2026', '1901'],
      ['bit(9)', "b'100000001'", "b'0'"],
      ["enum('a', 'b,c')", "'b,c'", "'a'"],
      ["set('x', 'y')", "'x,y'", "''"],
      ['json', `'{"a": [1, null]}'`, "'[]'"],
    ],
    generated: 'twice int GENERATED ALWAYS AS (n * 2) STORED, thrice int AS (n * 3)',
    seesCascades: false,
    quote: (name) => `\`${name.replaceAll('`', '``')}\``,
    async dispose() {
      await Promise.all([pool.end(), everybody.end()]);
    },
  };
});

describe('undoRows of mysql2', () => {
  it('refuses tables without transactions, and columns of which it knows no exact image', async () => {
    const pool = mysql.createPool(addressOf({ connectionLimit: 2 }));
    await pool.query('CREATE TABLE isam (id int PRIMARY KEY) ENGINE = MyISAM');
    await pool.query('CREATE TABLE places (id int PRIMARY KEY, place point)');
    await expect(undoRows(pool, { tables: ['isam'] }).ensure()).rejects.toThrow(
      /"isam": it is not of InnoDB/,
    );
    const refused = undoRows(pool, { tables: ['places'] }).ensure();
    await expect(refused).rejects.toThrow(/no exact image can be taken of its column "place", of type point/);
    await pool.end();
  });

  it('prepares no table while another process does', async () => {
    const pool = mysql.createPool(addressOf({ connectionLimit: 2 }));
    await pool.query('CREATE TABLE contended (id int PRIMARY KEY)');
    const other = await pool.getConnection();
    await other.query("DO GET_LOCK('slackwater_row_images', 30)");
    // The server is asked to wait for no time: else this would take as long as it really waits.
    const atOnce = {
      async getConnection() {
        const connection = await pool.getConnection();
        return {
          query: (sql: string, values?: unknown) =>
            connection.query(
              sql,
              sql.includes('GET_LOCK') ? ['slackwater_row_images', 0] : (values as string[]),
            ),
          release: () => connection.release(),
          destroy: () => connection.destroy(),
        };
      },
    };
    const { ensure } = undoRows(atOnce, { tables: ['contended'] });
    await expect(ensure()).rejects.toMatchObject({
      code: 'undo-busy',
      message: expect.stringContaining("waited 30 s for GET_LOCK('slackwater_row_images')"),
    });
    const triggers = async () => {
      const [rows] = await pool.query("SHOW TRIGGERS LIKE 'contended'");
      return (rows as object[]).length;
    };
    expect(await triggers()).toBe(0);
    await other.query("DO RELEASE_LOCK('slackwater_row_images')");
    await ensure();
    expect(await triggers()).toBeGreaterThan(0);
    other.release();
    await pool.end();
  });

  it('watches a table as it is by now: columns that came later are put back as well', async () => {
    const pool = mysql.createPool(addressOf({ connectionLimit: 2 }));
    await pool.query('CREATE TABLE grows (id int PRIMARY KEY)');
    await pool.query('INSERT INTO grows VALUES (1)');
    const rows = undoRows(pool, { tables: [`\`${server.database}\`.grows`] });
    await Promise.all([rows.ensure(), rows.ensure()]);
    const [before, after] = [
      { operation: 'run', task: 'before' },
      { operation: 'run', task: 'after' },
    ];
    await rows.transaction(before, (on) => on.query('UPDATE grows SET id = 2'));
    await pool.query('ALTER TABLE grows ADD COLUMN more int DEFAULT 7');
    await expect(rows.rollback(undefined, before)).rejects.toMatchObject({ code: 'undo-conflict' });
    await rows.ensure();
    await rows.transaction(after, (on) => on.query('UPDATE grows SET more = 8'));
    await rows.rollback(undefined, after);
    expect((await pool.query('SELECT * FROM grows'))[0]).toEqual([{ id: 2, more: 7 }]);
    await pool.end();
  });
});
