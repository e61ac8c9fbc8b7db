import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { observe } from '@slackwater/middleware/node-sqlite';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Completions } from '../../../packages/middleware/src/drivers/driver.ts';
import { requestContext } from '../../../packages/middleware/src/request-context.ts';
import { completionRowsContract, type ObservedDatabase } from '../../contracts/completion-rows-contract.ts';
import { doneOnceContract } from '../../contracts/done-once-contract.ts';
import { contextOf, hearCommits } from './commits.ts';
import { completionsOf } from './completions-of.ts';

const directory = mkdtempSync(join(tmpdir(), 'slackwater-node-sqlite-once-'));
const opened: DatabaseSync[] = [];
let observations = 0;

afterAll(() => {
  for (const database of opened) if (database.isOpen) database.close();
  rmSync(directory, { recursive: true, force: true });
});

function observed(file: string, ensure: boolean) {
  const database = new DatabaseSync(file);
  opened.push(database);
  const partition = `sqlite ${++observations}`;
  const { prune, stop } = observe(database, { partition, ensure });
  return { database, prune, stop, completions: completionsOf(partition), partition };
}

async function open(name: string): Promise<ObservedDatabase> {
  const file = join(directory, `${name}.db`);
  const asking = new DatabaseSync(file);
  opened.push(asking);
  asking.exec('PRAGMA journal_mode = WAL; CREATE TABLE work (id INTEGER PRIMARY KEY, note TEXT)');
  const first = observed(file, true);
  return {
    completions: first.completions,
    async client() {
      const { database } = observed(file, true);
      return { run: async (sql) => database.exec(sql), done: () => database.close() };
    },
    prune: first.prune,
    observedAgain: async (ensure) => observed(file, ensure).completions,
    ask: async (sql) => asking.prepare(sql).all(),
  };
}

const columns = 'ordinal INTEGER, tombstone INTEGER DEFAULT 0, done_at INTEGER DEFAULT (unixepoch())';

completionRowsContract('node:sqlite', {
  open,
  close: async () => {},
  refused: [
    ['statement-outside-transaction', 'VACUUM'],
    ['transaction-in-one-string', "INSERT INTO work (note) VALUES ('x'); COMMIT"],
    ['transaction-in-one-string', "SAVEPOINT a; INSERT INTO work (note) VALUES ('x'); RELEASE a"],
  ],
  age: (key) => `UPDATE slackwater_completions SET done_at = unixepoch() - 3600 WHERE key = '${key}'`,
  notOurs: [
    [/unique key/, `CREATE TABLE slackwater_completions (key TEXT, ${columns})`],
    [
      /unique key/,
      `CREATE TABLE slackwater_completions (key TEXT COLLATE NOCASE, ${columns}, UNIQUE (key, ordinal))`,
    ],
    [/another type/, `CREATE TABLE slackwater_completions (key BLOB, ${columns}, UNIQUE (key, ordinal))`],
    [/a column/, 'CREATE TABLE slackwater_completions (key TEXT, ordinal INTEGER, UNIQUE (key, ordinal))'],
  ],
  heading: 'SQLite',
});

doneOnceContract('node:sqlite', async () => {
  const [first, second] = ['shapes first', 'shapes second'].map((name) => {
    const file = join(directory, `${name}.db`);
    const database = new DatabaseSync(file);
    opened.push(database);
    database.exec('PRAGMA journal_mode = WAL; CREATE TABLE effects (what TEXT NOT NULL)');
    return { database, file };
  });
  if (first === undefined || second === undefined) throw new Error('no databases');
  const { completions } = observed(first.file, true);
  return {
    completions,
    async client(of = 'first') {
      const { file } = of === 'second' ? second : first;
      const database = of === 'unobserved' ? new DatabaseSync(file) : observed(file, true).database;
      return { run: async (sql) => database.exec(sql), done: () => database.close() };
    },
    effects: async () =>
      first.database
        .prepare('SELECT what FROM effects ORDER BY what')
        .all()
        .map(({ what }) => String(what)),
    async clear() {
      for (const { database } of [first, second]) database.exec('DELETE FROM effects');
    },
    ask: async (sql) => first.database.exec(sql),
  };
});

describe('completion rows on node:sqlite', () => {
  let database: DatabaseSync;
  let completions: Completions;
  let partition: string;
  let key: string;
  let file: string;

  beforeEach(() => {
    key = `key ${observations}`;
    file = join(directory, `shapes ${observations}.db`);
    ({ database, completions, partition } = observed(file, true));
    database.exec('PRAGMA journal_mode = WAL; CREATE TABLE work (id INTEGER PRIMARY KEY, note TEXT UNIQUE)');
  });
  afterEach(() => database.close());

  const attempt = <T>(work: () => T, context = contextOf({ key })): T => requestContext.run(context, work);
  const ordinals = async () => (await completions.find(key)).map(({ ordinal }) => ordinal);
  const done = () => database.prepare('SELECT note FROM work').all().length;
  const write = 'INSERT INTO work DEFAULT VALUES';

  it.each([
    ['run', (statement: StatementSync) => statement.run('a')],
    ['get', (statement: StatementSync) => statement.get('a')],
    ['all', (statement: StatementSync) => statement.all('a')],
    ['iterate', (statement: StatementSync) => [...statement.iterate('a')]],
    ['iterate, left at the first row', (statement: StatementSync) => statement.iterate('a').next().value],
  ])(
    'come with a prepared write, by %s, which has its own result, and its commit is measured',
    async (how, call) => {
      const heard = hearCommits(partition);
      const statement = database.prepare('INSERT INTO work (note) VALUES (?) RETURNING note');
      const result = attempt(() => call(statement));
      const row = { note: 'a' };
      if (how === 'run') expect(result).toEqual({ changes: 1, lastInsertRowid: 1 });
      else expect(Array.isArray(result) ? result : [result]).toEqual([row]);
      expect(database.isTransaction).toBe(false);
      expect(heard.finished.map(({ kind, outcome }) => `${kind} ${outcome}`)).toEqual([
        'autocommit committed',
      ]);
      heard.close();
      expect([await ordinals(), done()]).toEqual([[0], 1]);
      expect(() => attempt(() => call(statement))).toThrow('performed before');
    },
  );

  it('come with prepared BEGIN and COMMIT, and with a savepoint that is the transaction, also where all is taken back to it', async () => {
    attempt(() => {
      for (const sql of ['BEGIN IMMEDIATE', write, 'COMMIT']) database.prepare(sql).run();
      for (const sql of ['SAVEPOINT a', write, 'ROLLBACK TO a', write, 'RELEASE a']) database.exec(sql);
      database.exec(write);
    });
    expect([await ordinals(), done()]).toEqual([[0, 1, 2], 3]);
    expect(() => attempt(() => database.exec('SAVEPOINT a'))).toThrow('performed before');
    expect(database.isTransaction).toBe(false);
  });

  it('come with the first write in a transaction that was begun on behalf of nobody', async () => {
    await completions.ready();
    database.exec('BEGIN');
    attempt(() => {
      database.exec(write);
      database.exec('COMMIT');
    });
    expect([await ordinals(), done()]).toEqual([[0], 1]);
  });

  it('go with a write that rolls back the whole transaction, and come with what follows', async () => {
    database.exec("INSERT INTO work (note) VALUES ('taken')");
    attempt(() => {
      database.exec('BEGIN');
      database.exec(write);
      expect(() => database.exec("INSERT OR ROLLBACK INTO work (note) VALUES ('taken')")).toThrow('UNIQUE');
      database.exec(write);
      expect(() => database.exec("INSERT INTO work (note) VALUES ('taken')")).toThrow('UNIQUE');
    });
    expect([await ordinals(), done()]).toEqual([[0], 2]);
  });

  it('are one for a schema change too, which SQLite does in transactions', async () => {
    attempt(() => database.exec('CREATE TABLE more (n INTEGER)'));
    expect(() => attempt(() => database.exec('CREATE TABLE still_more (n INTEGER)'))).toThrow(
      'performed before',
    );
    expect(await ordinals()).toEqual([0]);
  });

  it('say nothing where the database is busy: the write can be tried again', async () => {
    await completions.ready();
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    for (const sql of ['BEGIN', write]) {
      expect(() => attempt(() => database.exec(sql))).toThrow('locked');
      expect(database.isTransaction).toBe(false);
    }
    other.exec('ROLLBACK');
    other.close();
    attempt(() => database.exec(write));
    expect(await ordinals()).toEqual([0]);
  });

  it('are found while the connection is in a transaction of somebody, without what that has not committed', async () => {
    attempt(() => database.exec('BEGIN'));
    expect(await completions.find(key)).toEqual([]);
    attempt(() => database.exec('COMMIT'), contextOf({ key: 'another' }));
    expect(await ordinals()).toEqual([0]);
  });

  it('are kept for a database in memory too, by its one connection, between its transactions', async () => {
    const { database: memory, completions: rows } = observed(':memory:', true);
    memory.exec('CREATE TABLE work (id INTEGER PRIMARY KEY)');
    attempt(() => memory.exec(write));
    attempt(() => memory.exec('BEGIN'), contextOf({ key: 'open' }));
    const found = rows.find(key);
    const shutOut = rows.shutOut('open');
    memory.exec('ROLLBACK');
    expect(await found).toEqual([{ ordinal: 0, tombstone: false }]);
    expect(await shutOut).toBe('shut-out');
    memory.close();
  });

  it('need a database that can be written to', async () => {
    await completions.ready();
    const reading = new DatabaseSync(file, { readOnly: true });
    observe(reading, { partition: 'read only' });
    expect(() => attempt(() => reading.exec(write))).toThrow(/readonly/);
    reading.close();
  });

  it('are left alone when the observation has ended, by statements prepared before as well', async () => {
    const { database: second, stop, completions: rows } = observed(file, true);
    const statement = second.prepare(write);
    stop();
    attempt(() => statement.run());
    attempt(() => second.exec(write));
    expect(await rows.find(key)).toEqual([]);
    second.close();
  });
});
