import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, DatabaseSync } from 'node:sqlite';
import { type ObservedDatabase, observe } from '@slackwater/middleware/node-sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type CommitSource,
  commitSources,
  completionsAt,
} from '../../../packages/middleware/src/drivers/driver.ts';
import { refusesVacuum } from '../../../packages/middleware/src/drivers/node-sqlite-state.ts';
import { requestContext } from '../../../packages/middleware/src/request-context.ts';
import { contextOf, type HeardCommits, hearCommits } from './commits.ts';
import { holdLock } from './lock-holder.ts';

let directory: string;
let file: string;
let database: DatabaseSync;
let observed: ObservedDatabase;
let heard: HeardCommits;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'slackwater-node-sqlite-'));
  file = join(directory, 'orders.db');
  database = new DatabaseSync(file);
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 10000;
    CREATE TABLE t (n INTEGER PRIMARY KEY, u INTEGER UNIQUE);
    CREATE TABLE child (t INTEGER REFERENCES t (n) DEFERRABLE INITIALLY DEFERRED);
    INSERT INTO t VALUES (1000, 1000)`);
  observed = observe(database, { partition: 'orders' });
  heard = hearCommits('orders');
});

afterEach(() => {
  heard.close();
  if (database.isOpen) database.close();
  rmSync(directory, { recursive: true, force: true });
});

const run = (...texts: string[]): void => {
  for (const sql of texts) database.exec(sql);
};
const summary = () => heard.finished.map(({ kind, outcome }) => `${kind} ${outcome}`);
const sources = (): CommitSource[] => [...commitSources()].filter(({ partition }) => partition === 'orders');

describe('the commits of an observed node:sqlite database', () => {
  it('are each COMMIT and END of a transaction that wrote, by exec or by statement', () => {
    run('BEGIN', 'INSERT INTO t VALUES (1, 1)', 'COMMIT');
    run('begin immediate', 'UPDATE t SET u = u + 1', ' -- now\n /* it */ end transaction;');
    database.prepare('BEGIN').run();
    database.prepare('DELETE FROM t WHERE n = ?').run(1);
    database.prepare('COMMIT').run();
    expect(summary()).toEqual(['explicit committed', 'explicit committed', 'explicit committed']);
    expect(heard.started).toEqual(heard.finished);
    expect(heard.finished.every(({ durationMs }) => durationMs > 0)).toBe(true);
  });

  it('are each write outside a transaction, however its statement is called', () => {
    run('INSERT INTO t VALUES (1, 1)');
    database.prepare('INSERT INTO t VALUES (?, ?)').run(2, 2);
    expect(database.prepare('INSERT INTO t VALUES (3, 3) RETURNING n').get()).toEqual({ n: 3 });
    expect(database.prepare('DELETE FROM t WHERE n < 3 RETURNING n').all()).toHaveLength(2);
    database.prepare('WITH x AS (SELECT 5 AS n) INSERT INTO t SELECT n, n FROM x').run();
    run('CREATE TABLE other (n)');
    expect(summary()).toEqual(Array.from({ length: 6 }, () => 'autocommit committed'));
  });

  it('are not reading, rolling back, what writes nothing, nor the savepoints within', () => {
    run('BEGIN', 'SELECT * FROM t', 'COMMIT');
    run('BEGIN', 'INSERT INTO t VALUES (1, 1)', 'ROLLBACK');
    run('BEGIN; INSERT INTO t VALUES (1, 1); ROLLBACK');
    run('BEGIN', 'UPDATE t SET u = 3 WHERE n = -1', 'COMMIT');
    run('DELETE FROM t WHERE n = -1', 'INSERT OR IGNORE INTO t VALUES (1000, 1)');
    database.prepare('SELECT * FROM t').all();
    expect(heard.started).toEqual([]);
    run('BEGIN', 'SAVEPOINT a', 'INSERT INTO t VALUES (1, 1)', 'RELEASE a', 'SAVEPOINT b');
    run('INSERT INTO t VALUES (2, 2)', 'ROLLBACK TO b');
    expect(heard.started).toEqual([]);
    run('COMMIT');
    expect(summary()).toEqual(['explicit committed']);
  });

  it('are the RELEASE of an outermost savepoint that wrote', () => {
    run('SAVEPOINT a', 'SAVEPOINT b', 'INSERT INTO t VALUES (1, 1)', 'RELEASE b');
    expect(() => run('RELEASE nobody')).toThrow('no such savepoint');
    expect(heard.started).toEqual([]);
    run('RELEASE SAVEPOINT a');
    expect(summary()).toEqual(['explicit committed']);
  });

  it('are seen in a text of several statements, past strings, comments and triggers', () => {
    run(
      "begin; insert into t values (1, 1); select 'rollback; it''s', \"a;b\" from (select 1 as [a;b]); commit;",
    );
    expect(summary()).toEqual(['explicit committed']);
    heard.clear();
    run(`BEGIN; CREATE TRIGGER tr AFTER INSERT ON t BEGIN
      UPDATE t SET u = CASE WHEN u > 1 THEN u ELSE NULL END; DELETE FROM child; END; -- ROLLBACK
      COMMIT; /* BEGIN; */`);
    expect(summary()).toEqual(['explicit committed']);
    heard.clear();
    run('BEGIN; INSERT INTO t VALUES (7, 7)', 'COMMIT; BEGIN', 'SELECT 1', 'COMMIT');
    expect(summary()).toEqual(['explicit committed']);
    heard.clear();
    run('INSERT INTO child VALUES (7); INSERT INTO child VALUES (7)');
    expect(summary()).toEqual(['autocommit committed']);
  });

  it('are failed where COMMIT is refused, and the transaction can be mended and committed', () => {
    run('PRAGMA foreign_keys = ON', 'BEGIN', 'INSERT INTO child VALUES (5)');
    expect(() => run('COMMIT')).toThrow('FOREIGN KEY constraint failed');
    expect(database.isTransaction).toBe(true);
    run('INSERT INTO t VALUES (5, 5)', 'COMMIT');
    run('SAVEPOINT a', 'INSERT INTO child VALUES (6)');
    expect(() => run('RELEASE a')).toThrow('FOREIGN KEY constraint failed');
    run('ROLLBACK');
    expect(summary()).toEqual(['explicit failed', 'explicit committed', 'explicit failed']);
  });

  it('are rolled back where something before the commit was refused', () => {
    expect(() => run('BEGIN; INSERT INTO t VALUES (1, 1); INSERT INTO t VALUES (1, 1); COMMIT')).toThrow();
    run('ROLLBACK');
    expect(() => run('INSERT INTO t VALUES (1000, 1)')).toThrow('UNIQUE');
    expect(summary()).toEqual(['explicit rolledBack', 'autocommit rolledBack']);
    heard.clear();
    run('BEGIN', 'INSERT INTO t VALUES (1, 1)');
    expect(() => run('INSERT OR ROLLBACK INTO t VALUES (1, 1)')).toThrow('UNIQUE');
    expect(() => run('COMMIT')).toThrow('no transaction is active');
    expect(() => run('INSRT INTO t VALUES (1, 1)')).toThrow('syntax error');
    expect(() => database.prepare('INSERT INTO t VALUES (?, 9)').run(Symbol() as never)).toThrow(TypeError);
    expect(summary()).toEqual([]);
  });

  it('take as long as another connection keeps a write outside a transaction waiting', async () => {
    const insert = database.prepare('INSERT INTO t VALUES (1, 1)');
    const holder = await holdLock(file, 'write');
    holder.releaseAfter(200);
    insert.run();
    await holder.released;
    expect(summary()).toEqual(['autocommit committed']);
    expect(heard.finished[0]?.durationMs).toBeGreaterThan(50);
  });

  it('take as long as a reader keeps COMMIT waiting, with a rollback journal', async () => {
    run('PRAGMA journal_mode = DELETE', 'BEGIN', 'INSERT INTO t VALUES (1, 1)');
    const holder = await holdLock(file, 'read');
    holder.releaseAfter(200);
    run('COMMIT');
    await holder.released;
    expect(summary()).toEqual(['explicit committed']);
    expect(heard.finished[0]?.durationMs).toBeGreaterThan(50);
  });

  it('are failed where the database stays busy for too long', async () => {
    run('PRAGMA journal_mode = DELETE', 'PRAGMA busy_timeout = 1', 'BEGIN', 'INSERT INTO t VALUES (1, 1)');
    const reader = await holdLock(file, 'read');
    expect(() => run('COMMIT')).toThrow('database is locked');
    expect(database.isTransaction).toBe(true);
    reader.releaseAfter(1);
    await reader.released;
    run('COMMIT');
    const writer = await holdLock(file, 'write');
    expect(() => run('INSERT INTO t VALUES (2, 2)')).toThrow('database is locked');
    expect(() => run('BEGIN IMMEDIATE')).toThrow('database is locked');
    writer.releaseAfter(1);
    await writer.released;
    expect(summary()).toEqual(['explicit failed', 'explicit committed', 'autocommit failed']);
  });

  it('come when a statement that is iterated has no more rows, or nobody wants them', () => {
    const insert = database.prepare('INSERT INTO t VALUES (?, ?), (?, ?) RETURNING n');
    const rows = insert.iterate(1, 1, 2, 2);
    expect(rows.next().value).toEqual({ n: 1 });
    expect(summary()).toEqual([]);
    expect([...rows]).toEqual([{ n: 2 }]);
    expect(summary()).toEqual(['autocommit committed']);
    for (const row of insert.iterate(3, 3, 4, 4)) {
      expect(row).toEqual({ n: 3 });
      break;
    }
    expect(summary()).toEqual(['autocommit committed', 'autocommit committed']);
    expect(() => [...insert.iterate(5, 5, 5, 5)]).toThrow('UNIQUE');
    expect(summary().at(-1)).toBe('autocommit rolledBack');
    expect(database.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 5 });
  });

  it('belong to the request that called, which is told where it writes', () => {
    const context = contextOf();
    requestContext.run(context, () => {
      run('BEGIN', 'INSERT INTO t VALUES (1, 1)', 'INSERT INTO t VALUES (2, 2)', 'COMMIT');
      run('INSERT INTO t VALUES (3, 3)', 'SELECT 1', 'BEGIN', 'COMMIT');
    });
    expect(heard.finished.map((commit) => commit.context)).toEqual([context, context]);
    expect(context.written).toEqual(['orders', 'orders']);
  });

  it('count once where a function of the application queries the database itself', () => {
    database.function('log', () => {
      database.exec('INSERT INTO t VALUES (50, 50)');
      return 50;
    });
    run('INSERT INTO child SELECT log()');
    expect(summary()).toEqual(['autocommit committed']);
  });

  it('are hidden by an authorizer that denies the count, and the application does not notice', () => {
    const { SQLITE_FUNCTION, SQLITE_DENY, SQLITE_OK } = constants;
    database.setAuthorizer((action, _first, name) =>
      action === SQLITE_FUNCTION && name === 'total_changes' ? SQLITE_DENY : SQLITE_OK,
    );
    run('INSERT INTO t VALUES (1, 1)', 'BEGIN', 'INSERT INTO t VALUES (2, 2)', 'COMMIT');
    expect(summary()).toEqual([]);
    database.setAuthorizer(null);
    run('BEGIN', 'INSERT INTO t VALUES (3, 3)', 'COMMIT');
    expect(summary()).toEqual(['explicit committed']);
  });

  it('of statements prepared before are not seen, but count in a transaction whose COMMIT is', () => {
    observed.stop();
    const insert = database.prepare('INSERT INTO t VALUES (?, ?)');
    observed = observe(database, { partition: 'orders' });
    insert.run(1, 1);
    run('BEGIN', 'COMMIT');
    expect(summary()).toEqual([]);
    run('BEGIN');
    insert.run(2, 2);
    const context = contextOf();
    requestContext.run(context, () => run('COMMIT'));
    expect(summary()).toEqual(['explicit committed']);
    expect(context.written).toEqual(['orders']);
  });
});

describe('observing a node:sqlite database', () => {
  it('leaves other connections and the class alone, and gives the methods back', () => {
    const { exec, prepare, close } = DatabaseSync.prototype;
    expect([database.exec === exec, database.prepare === prepare]).toEqual([false, false]);
    using other = new DatabaseSync(':memory:');
    expect(other.exec).toBe(exec);
    const statement = database.prepare('INSERT INTO t VALUES (?, ?)');
    observed.stop();
    observed.stop();
    expect([database.exec, database.prepare, database.close]).toEqual([exec, prepare, close]);
    expect(Object.keys(database)).not.toContain('exec');
    statement.run(1, 1);
    run('INSERT INTO t VALUES (2, 2)');
    expect(heard.started).toEqual([]);
    expect(sources()).toEqual([]);
  });

  it('twice is observing once, and as another partition is refused', () => {
    expect(observe(database, { partition: 'orders' })).toBe(observed);
    expect(() => observe(database, { partition: 'stock' })).toThrow('this database is observed as "orders"');
    run('INSERT INTO t VALUES (1, 1)');
    expect(heard.finished).toHaveLength(1);
  });

  it('makes a source without probe, until the database is closed', () => {
    expect(sources()).toMatchObject([{ driver: 'node-sqlite', probe: undefined, completions: {} }]);
    expect(completionsAt('orders')).toBe(sources()[0]?.completions);
    database.close();
    expect(sources()).toEqual([]);
    expect(() => run('INSERT INTO t VALUES (1, 1)')).toThrow('database is not open');
    database.open();
    observe(database, { partition: 'orders' });
    run('INSERT INTO t VALUES (1, 1)');
    database[Symbol.dispose]();
    expect(sources()).toEqual([]);
    expect(summary()).toEqual(['autocommit committed']);
  });

  it('refuses what is no database, what is closed, and options that it does not know', () => {
    const closed = new DatabaseSync(':memory:', { open: false });
    expect(() => observe(closed, { partition: 'x' })).toThrow('does not answer SELECT total_changes()');
    expect(() => observe({} as DatabaseSync, { partition: 'x' })).toThrow('no DatabaseSync of node:sqlite');
    expect(() => observe(database, undefined as never)).toThrow('give an object');
    expect(() => observe(database, {} as never)).toThrow("a name for what the database's commits go to");
    expect(() => observe(database, { partition: 'x', ensure: 1 as never })).toThrow('give true or false');
    expect(() => observe(database, { partition: '' })).toThrow('give a name of 1 to 200 characters');
    expect(() => observe(database, { partition: 'x', insure: true } as never)).toThrow('no option insure');
  });

  it('answers the same, errors too', () => {
    expect(database.prepare('INSERT INTO t VALUES (?, ?)').run(1, 2)).toEqual({
      lastInsertRowid: 1,
      changes: 1,
    });
    expect(() => database.exec(7 as never)).toThrow(TypeError);
    expect(() => database.prepare('INSERT INTO nowhere VALUES (1)')).toThrow('no such table');
  });

  it('knows a transaction by a VACUUM that never runs, where Node does not tell', () => {
    observed.stop();
    const exec = (sql: string): void => database.exec(sql);
    expect(refusesVacuum(exec)).toBe(false);
    run('BEGIN');
    expect(refusesVacuum(exec)).toBe(true);
    run('INSERT INTO t VALUES (1, 1)', 'COMMIT');
    const rows = database.prepare('INSERT INTO t VALUES (2, 2), (3, 3) RETURNING n').iterate();
    rows.next();
    expect(refusesVacuum(exec)).toBe(false);
    expect([...rows]).toHaveLength(1);
    database.close();
    expect(() => refusesVacuum(exec)).toThrow('database is not open');
  });
});
