import { setTimeout as sleep } from 'node:timers/promises';
import { observe, undoRows } from '@slackwater/middleware/pg';
import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { requestContext } from '../../../packages/middleware/src/request-context.ts';
import { undoRowsContract } from '../../contracts/undo-rows-contract.ts';
import { contextOf } from './commits.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

function poolOf(options: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool({ connectionString: server.connectionString, ...options });
  pool.on('error', () => {});
  observe(pool, { partition: 'shared' });
  return pool;
}

const postponable = <T>(work: () => T): T => requestContext.run(contextOf({ postponable: true }), work);
const exempt = <T>(work: () => T): T => requestContext.run(contextOf({ postponable: false }), work);

describe('the connections of an observed pool', () => {
  it('leave the last one to work that may not be postponed', async () => {
    const pool = poolOf({ max: 3 });
    const held = await Promise.all([postponable(() => pool.connect()), postponable(() => pool.connect())]);
    let third: pg.PoolClient | undefined;
    const waiting = postponable(() => pool.connect()).then((client) => {
      third = client;
    });
    const answer = await exempt(() => pool.query('SELECT 1 AS one'));
    expect(answer.rows).toEqual([{ one: 1 }]);
    await requestContext.exit(() => pool.query('SELECT 1'));
    await sleep(30);
    expect(third).toBeUndefined();
    held[0]?.release();
    await waiting;
    third?.release(true);
    held[1]?.release();
    await pool.end();
  });

  it('leave the last one of each pool where a partition has several', async () => {
    const pools = [poolOf({ max: 2 }), poolOf({ max: 3 })];
    const held = await Promise.all(
      pools.flatMap((pool, more) =>
        Array.from({ length: 1 + more }, () => postponable(() => pool.connect())),
      ),
    );
    const waiting = pools.map((pool) => postponable(() => pool.connect()).then((client) => client.release()));
    for (const pool of pools) {
      const answer = await exempt(() => pool.query('SELECT 1 AS one'));
      expect(answer.rows).toEqual([{ one: 1 }]);
      expect([pool.totalCount, pool.waitingCount]).toEqual([pool.options.max, 0]);
    }
    for (const client of held) client.release();
    await Promise.all(waiting);
    await Promise.all(pools.map((pool) => pool.end()));
  });

  it('come to waiting work in its order, also through callbacks', async () => {
    const pool = poolOf({ max: 2 });
    const order: number[] = [];
    const contexts = [1, 2, 3, 4].map(() => contextOf({ postponable: true }));
    const seen: unknown[] = [];
    await Promise.all(
      contexts.map((context, index) =>
        requestContext.run(context, () => {
          if (index % 2 === 0) {
            return pool.connect().then(async (client) => {
              order.push(index);
              await client.query('SELECT pg_sleep(0.02)');
              client.release();
            });
          }
          return new Promise<void>((resolve, reject) => {
            pool.connect((error, client, release) => {
              if (error) return reject(error);
              seen.push(requestContext.getStore() === context);
              order.push(index);
              client?.query('SELECT 1', () => {
                release();
                resolve();
              });
            });
          });
        }),
      ),
    );
    expect(order).toEqual([0, 1, 2, 3]);
    expect(seen).toEqual([true, true]);
    await pool.end();
  });

  it("give up a wait after the pool's connectionTimeoutMillis, with pg's own words", async () => {
    // Long enough for a busy machine to connect once.
    const pool = poolOf({ max: 2, connectionTimeoutMillis: 1_000 });
    const held = await postponable(() => pool.connect());
    await expect(postponable(() => pool.connect())).rejects.toThrow(
      /^timeout exceeded when trying to connect$/,
    );
    held.release();
    expect((await postponable(() => pool.query('SELECT 1 AS one'))).rows).toHaveLength(1);
    await pool.end();
  });

  it('do not make a request wait for itself', async () => {
    const pool = poolOf({ max: 2 });
    await postponable(async () => {
      const first = await pool.connect();
      const second = await pool.connect();
      second.release();
      first.release();
    });
    await pool.end();
  });

  it('are not shared where there is only one', async () => {
    const pool = poolOf({ max: 1 });
    expect((await postponable(() => pool.query('SELECT 1 AS one'))).rows).toEqual([{ one: 1 }]);
    await pool.end();
  });

  it('are free again after a connection that could not be made', async () => {
    const pool = poolOf({ max: 2, connectionString: undefined, host: '127.0.0.1', port: 1, user: 'nobody' });
    for (let count = 0; count < 3; count++) {
      await expect(postponable(() => pool.connect())).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    }
    await pool.end();
  });

  it('are taken back where a BEGIN was refused and nobody uses them or gives them back', async () => {
    const pool = poolOf({ max: 2 });
    await pool.query('CREATE TABLE IF NOT EXISTS t (n int)');
    const once = <T>(work: () => T): T => requestContext.run(contextOf({ key: 'abandoned' }), work);
    const refused = async (): Promise<pg.PoolClient> => {
      const client = await pool.connect();
      await expect(once(() => client.query('BEGIN'))).rejects.toMatchObject({ status: 409 });
      return client;
    };
    const operator = await pool.connect();
    await operator.query(
      'CREATE TABLE slackwater_completions (key text, ordinal int, tombstone boolean DEFAULT false, done_at timestamptz DEFAULT now(), PRIMARY KEY (key, ordinal))',
    );
    operator.release();
    await once(() => pool.query('INSERT INTO t VALUES (1)'));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const [held, used] = [await refused(), await refused()];
      await vi.advanceTimersByTimeAsync(9_999);
      await used.query('SELECT 1');
      await vi.advanceTimersByTimeAsync(1);
      expect(pool.totalCount).toBe(1);
      held.release();
      await vi.advanceTimersByTimeAsync(60_000);
      await used.query('SELECT 1');
      used.release();
    } finally {
      vi.useRealTimers();
    }
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await pool.end();
  });
});

undoRowsContract('pg', async () => {
  const pool = new pg.Pool({ connectionString: server.connectionString, max: 3 });
  return {
    async sql(...statements) {
      for (const statement of statements) await pool.query(statement);
    },
    // As text: every digit of a number, and every microsecond, is in it.
    async rows(table) {
      const types = { getTypeParser: () => (text: string) => text };
      const { rows, fields } = await pool.query({ text: `SELECT * FROM ${table} ORDER BY 1, 2`, types });
      const numbers = new Set(fields.flatMap(({ name, dataTypeID }) => (dataTypeID === 23 ? [name] : [])));
      const read = (name: string, value: unknown) =>
        numbers.has(name) && value !== null ? Number(value) : value;
      return rows.map((row: object) =>
        Object.fromEntries(Object.entries(row).map(([name, value]) => [name, read(name, value)])),
      );
    },
    undo(tables) {
      const rows = undoRows(pool, { tables });
      return {
        ensure: rows.ensure,
        transaction: (task, statements) =>
          rows.transaction(task, async (client) => {
            for (const statement of statements) await client.query(statement);
          }),
        rollback: rows.rollback,
      };
    },
    types: [
      ['text', "'o''clock \\ \u{1F600}'", "''"],
      ['bytea', "'\\x00ff2c'", "''"],
      ['bigint', '9223372036854775807', '-9223372036854775808'],
      ['numeric', "'12345678901234567890.0123456789'", "'NaN'"],
      ['numeric(10, 2)', '1.10', '-0.01'],
      ['double precision', '0.1::float8 + 0.2::float8', "'-Infinity'"],
      ['real', '0.1', "'NaN'"],
      ['timestamptz', "'2026-03-29T02:30:00.123456+05:30'", "'infinity'"],
      ['timestamp', "'0044-03-15 12:00:00 BC'", "'-infinity'"],
      ['date', "'2026-02-28'", "'9999-12-31'"],
      ['interval', "'1 mon -3 days 04:05:06.7'", "'0'"],
      ['boolean', 'true', 'false'],
      ['uuid', "'00000000-0000-4000-8000-000000000000'", 'NULL'],
      ['jsonb', `'{"a": [1.0, null]}'`, "'null'"],
      ['json', `'{"b":  1, "a": 2}'`, "'[]'"],
      ['int[]', "'{1,NULL,3}'", "'{}'"],
      ['int4range', "'[1,5)'", "'empty'"],
      ['inet', "'10.0.0.0/8'", "'::1'"],
      ['bit varying(9)', "B'101'", "B''"],
    ],
    generated: 'twice int GENERATED ALWAYS AS (n * 2) STORED',
    seesCascades: true,
    quote: (name) => `"${name.replaceAll('"', '""')}"`,
    dispose: () => pool.end(),
  };
});
