import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import {
  defineOperation,
  type Gate,
  type OperationEvent,
  slackwater,
  sqliteEngine,
  type,
} from '@slackwater/middleware';
import {
  observe as observeDatabase,
  undoRows as undoRowsOfDatabase,
} from '@slackwater/middleware/node-sqlite';
import { observe, undoRows } from '@slackwater/middleware/pg';
import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let server: PostgresServer;
let pool: pg.Pool;
let directory: string;
let gate: Gate;
let events: OperationEvent[] = [];

function openGate(): Gate {
  const made = slackwater({
    application: 'travel',
    workTypes: { book: { priority: 1, thresholdMs: 20 } },
    engine: sqliteEngine({ directory }),
    ledger: { engineTimeoutMs: 30_000 },
    latency: { probeEveryMs: 60_000 },
  });
  events = [];
  made.on('operation', (event) => events.push(event));
  return made;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slackwater-operations-'));
  server = await startPostgres();
  pool = new pg.Pool({ connectionString: server.connectionString, max: 5 });
  observe(pool, { partition: 'travel', ensure: true });
  await pool.query(`
    CREATE TABLE seats (flight text, seat int, taken_by text, price numeric(10, 2), since timestamptz, PRIMARY KEY (flight, seat));
    CREATE TABLE "Notes" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "the text" text, twice text GENERATED ALWAYS AS ("the text" || "the text") STORED);
    CREATE TABLE lines (text text)`);
  gate = openGate();
  await gate.start();
});

afterAll(async () => {
  await gate.close();
  await pool.end();
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

async function rowsOf(table: string): Promise<readonly object[]> {
  return (await pool.query(`SELECT * FROM ${table} ORDER BY 1, 2`)).rows;
}

describe('an operation on a database', () => {
  it('puts back the rows that its task changed, and leaves what others changed as it is (T-34, T-36, T-37)', async () => {
    const rows = undoRows(pool, { tables: ['seats', '"Notes"'] });
    await Promise.all([rows.ensure(), rows.ensure()]);
    await pool.query(`TRUNCATE seats, "Notes" RESTART IDENTITY;
      INSERT INTO seats VALUES ('a', 1, NULL, 99.90, '2026-05-01T12:00:00.123456Z'), ('a', 2, 'bob', 1.00, NULL), ('a', 3, NULL, 5, NULL);
      INSERT INTO "Notes" ("the text") VALUES ('kept'), ('goes')`);
    const before = [await rowsOf('seats'), await rowsOf('"Notes"')];
    const between: unknown[] = [];
    const operation = defineOperation({
      name: 'undo rows',
      version: '1',
      tasks: {
        reserve: {
          partition: 'travel',
          outputs: { done: type<boolean>() },
          run: (_, context) =>
            rows.transaction(context, async (client) => {
              await client.query("UPDATE seats SET taken_by = 'ann', price = price * 2 WHERE seat = 1");
              await client.query("UPDATE seats SET taken_by = 'cy' WHERE seat = 1");
              await client.query('DELETE FROM seats WHERE seat = 2');
              await client.query(`INSERT INTO "Notes" ("the text") VALUES ('new')`);
              await client.query('DELETE FROM "Notes" WHERE id = 2');
              return { done: true };
            }),
          rollback: rows.rollback,
        },
        fails: {
          inputs: ['done'],
          async run() {
            between.push(await rowsOf('seats'), await rowsOf('"Notes"'));
            await pool.query("UPDATE seats SET taken_by = 'dan' WHERE seat = 3");
            throw new Error('no');
          },
        },
      },
    });
    const { settled } = await gate.operations.start(operation, {});
    expect(await settled).toMatchObject({ status: 'undone' });
    expect(between).not.toEqual(before);
    const [seats = [], notes] = before;
    expect(await rowsOf('seats')).toEqual(
      seats.map((row) => ('seat' in row && row.seat === 3 ? { ...row, taken_by: 'dan' } : row)),
    );
    expect(await rowsOf('"Notes"')).toEqual(notes);
    expect((await pool.query('SELECT count(*)::int AS n FROM slackwater_row_images')).rows).toEqual([
      { n: 0 },
    ]);
  });

  it('reports a conflict where somebody changed one of the rows since, and then changes none of them (T-37)', async () => {
    const rows = undoRows(pool, { tables: ['seats'] });
    await rows.ensure();
    await pool.query(
      "TRUNCATE seats; INSERT INTO seats VALUES ('a', 1, NULL, 1, NULL), ('a', 2, NULL, 1, NULL)",
    );
    const task = { operation: 'run', task: 'reserve' };
    await rows.transaction(task, (client) => client.query("UPDATE seats SET taken_by = 'ann'"));
    await pool.query("UPDATE seats SET taken_by = 'bob' WHERE seat = 1");
    await expect(rows.rollback(undefined, task)).rejects.toMatchObject({
      code: 'undo-conflict',
      message: expect.stringContaining('The row of seats with flight "a", seat 1 is not as the task left it'),
    });
    expect((await rowsOf('seats')).map((row) => 'taken_by' in row && row.taken_by)).toEqual(['bob', 'ann']);
    await pool.query("UPDATE seats SET taken_by = 'ann' WHERE seat = 1");
    await rows.rollback(undefined, task);
    expect((await rowsOf('seats')).map((row) => 'taken_by' in row && row.taken_by)).toEqual([null, null]);
    // Once more there is nothing left to undo.
    await pool.query("UPDATE seats SET taken_by = 'eve'");
    await rows.rollback(undefined, task);
    expect((await rowsOf('seats')).map((row) => 'taken_by' in row && row.taken_by)).toEqual(['eve', 'eve']);
  });

  it('refuses tables whose rows could not be found again', async () => {
    await expect(undoRows(pool, { tables: ['lines'] }).ensure()).rejects.toThrow(
      /"lines": it has no primary key/,
    );
    await expect(undoRows(pool, { tables: ['nowhere'] }).ensure()).rejects.toThrow(
      /"nowhere": there is no such table/,
    );
    expect(() => undoRows(pool, { tables: [] })).toThrow(/name the tables/);
    expect(() => undoRows(pool, { tables: new Array(1) })).toThrow(/name the tables/);
  });

  it('puts back rows of SQLite too, in transactions that have their completion rows', async () => {
    const database = new DatabaseSync(':memory:');
    database.exec(
      'CREATE TABLE seats (seat INTEGER PRIMARY KEY, taken_by TEXT); INSERT INTO seats VALUES (1, NULL)',
    );
    observeDatabase(database, { partition: 'local', ensure: true });
    const rows = undoRowsOfDatabase(database, { tables: ['seats'] });
    rows.ensure();
    const between: unknown[] = [];
    const seats = () => database.prepare('SELECT * FROM seats').all();
    const operation = defineOperation({
      name: 'undo rows of SQLite',
      version: '1',
      tasks: {
        reserve: {
          partition: 'local',
          outputs: { done: type<boolean>() },
          run: (_, context) =>
            rows.transaction(context, (on) => {
              on.exec("UPDATE seats SET taken_by = 'ann'");
              return { done: true };
            }),
          rollback: rows.rollback,
        },
        fails: {
          inputs: ['done'],
          run() {
            between.push(...seats());
            throw new Error('no');
          },
        },
      },
    });
    const { settled } = await gate.operations.start(operation, {});
    expect(await settled).toMatchObject({ status: 'undone' });
    expect([between, seats()]).toEqual([[{ seat: 1, taken_by: 'ann' }], [{ seat: 1, taken_by: null }]]);
    const done = database.prepare('SELECT key FROM slackwater_completions ORDER BY key').all();
    expect(done).toMatchObject([{}, { key: expect.stringMatching(/\/undo$/) }]);
    database.close();
  });

  it('does once what committed in a process that then ended, and undoes it where what it gave is lost (T-54)', async () => {
    await pool.query('TRUNCATE lines');
    const told: unknown[] = [];
    const commits = { hang: true };
    const write = async <Answer>(text: string, answer: Answer): Promise<Answer> => {
      const client = await pool.connect();
      try {
        await client.query('BEGIN');
        await client.query('INSERT INTO lines VALUES ($1)', [text]);
        await client.query('COMMIT');
      } finally {
        client.release();
      }
      if (commits.hang) await new Promise(() => {});
      return answer;
    };
    const quiet = defineOperation({
      name: 'gives nothing',
      version: '1',
      tasks: { a: { partition: 'travel', run: () => write('quiet', {}) } },
    });
    const giving = defineOperation({
      name: 'gives something',
      version: '1',
      tasks: {
        a: {
          partition: 'travel',
          outputs: { x: type<number>() },
          run: () => write('giving', { x: 1 }),
          rollback: (facts) => void told.push(facts),
        },
      },
    });
    const started = [await gate.operations.start(quiet, {}), await gate.operations.start(giving, {})];
    await expect.poll(async () => (await pool.query('SELECT text FROM lines')).rowCount).toBe(2);
    await gate.close();
    commits.hang = false;
    gate = openGate();
    gate.operations.register(quiet, giving);
    await gate.start();
    const [first, second] = await Promise.all(started.map(({ id }) => gate.operations.settled(id)));
    expect(first).toMatchObject({ status: 'succeeded' });
    expect(second).toMatchObject({ status: 'undone' });
    expect(second?.stages[0]?.tasks[0]).toMatchObject({
      end: 'unknown',
      error: 'task-outputs-lost',
      attempt: 2,
    });
    expect(told).toEqual([{ inputs: {}, outputs: undefined, end: 'unknown', committed: true }]);
    expect(
      (await pool.query('SELECT text, count(*)::int AS n FROM lines GROUP BY 1 ORDER BY 1')).rows,
    ).toEqual([
      { text: 'giving', n: 1 },
      { text: 'quiet', n: 1 },
    ]);
  });

  it('waits with a task while its partition is over the threshold, holding no connection; what is undone does not wait', async () => {
    const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    const undone: string[] = [];
    const held = defineOperation({
      name: 'held',
      version: '1',
      workType: 'book',
      tasks: { a: { partition: 'slow', run: () => ({}), rollback: () => void undone.push('held') } },
    });
    const undoing = defineOperation({
      name: 'undone meanwhile',
      version: '1',
      workType: 'book',
      tasks: {
        a: {
          partition: 'slow',
          outputs: { x: type<number>() },
          run: () => ({ x: 1 }),
          rollback: () => void undone.push('a'),
        },
        b: {
          inputs: ['x'],
          async run() {
            for (let i = 0; i < 6; i++) await gate.latency.commit('slow', () => sleep(40));
            throw new Error('no');
          },
        },
      },
    });
    expect(await (await gate.operations.start(undoing, {})).settled).toMatchObject({ status: 'undone' });
    expect(undone).toEqual(['a']);
    // The first that waits is the probe; it commits nothing, and the next probe is far off.
    await (await gate.operations.start(held, {})).settled;
    const { id, settled } = await gate.operations.start(held, {});
    await expect
      .poll(() => events.filter((event) => event.id === id).map((event) => event.type))
      .toEqual(['stage-planned']);
    await sleep(60);
    expect(await gate.operations.find(id)).toMatchObject({
      status: 'running',
      stages: [{ tasks: [{ phase: 'waiting' }] }],
    });
    expect(pool.idleCount).toBe(pool.totalCount);
    const quick = setInterval(() => void gate.latency.commit('slow', async () => {}), 5);
    expect(await settled).toMatchObject({ status: 'succeeded' });
    clearInterval(quick);
  });
});
