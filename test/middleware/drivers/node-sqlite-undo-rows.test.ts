import { DatabaseSync } from 'node:sqlite';
import { undoRows } from '@slackwater/middleware/node-sqlite';
import { describe, expect, it } from 'vitest';
import { undoRowsContract } from '../../contracts/undo-rows-contract.ts';

undoRowsContract('node:sqlite', async () => {
  const database = new DatabaseSync(':memory:');
  return {
    async sql(...statements) {
      for (const statement of statements) database.exec(statement);
    },
    async rows(table) {
      const select = database.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`);
      const exact = table === 'exacts';
      select.setReadBigInts(exact);
      return select.all().map((row) => ({ ...row }));
    },
    undo(tables) {
      const rows = undoRows(database, { tables });
      return {
        ensure: async () => rows.ensure(),
        async transaction(task, statements) {
          rows.transaction(task, (on) => {
            for (const statement of statements) on.exec(statement);
          });
        },
        rollback: rows.rollback,
      };
    },
    types: [
      ['text', "'o''clock \\ \u{1F600}'", "''"],
      ['text', "CAST(x'610062' AS TEXT)", "'a'"],
      ['text COLLATE NOCASE', "'Ann'", "'ann'"],
      ['blob', "x'00ff2c'", "x''"],
      ['integer', '9223372036854775807', '-9223372036854775808'],
      ['real', '0.1 + 0.2', '9e999'],
      ['real', '-1e-300', '-9e999'],
      ['', '1', '1.0'],
      ['', "'1'", "x'31'"],
      ['numeric', '1', "'one'"],
    ],
    generated: 'twice int GENERATED ALWAYS AS (n * 2) STORED, thrice int AS (n * 3)',
    seesCascades: true,
    quote: (name) => `"${name.replaceAll('"', '""')}"`,
    dispose: async () => database.close(),
  };
});

describe('undoRows of node:sqlite', () => {
  it('takes back what REPLACE deleted, and leaves the setting that it takes as it was', async () => {
    const database = new DatabaseSync(':memory:');
    database.exec(
      "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE); INSERT INTO t VALUES (1, 'a'), (2, 'b')",
    );
    const rows = undoRows(database, { tables: ['main.t'] });
    rows.ensure();
    const task = { operation: 'run', task: 'a' };
    rows.transaction(task, (on) => on.exec("REPLACE INTO t VALUES (1, 'b')"));
    expect(database.prepare('SELECT * FROM t').all()).toEqual([{ id: 1, name: 'b' }]);
    await rows.rollback(undefined, task);
    expect(database.prepare('SELECT * FROM t ORDER BY id').all()).toEqual([
      { id: 1, name: 'a' },
      { id: 2, name: 'b' },
    ]);
    expect(database.prepare('PRAGMA recursive_triggers').get()).toEqual({ recursive_triggers: 0 });
    database.close();
  });

  it('refuses work that waits, views, and work before ensure()', () => {
    const database = new DatabaseSync(':memory:');
    database.exec('CREATE TABLE t (id INTEGER PRIMARY KEY); CREATE VIEW v AS SELECT 1 AS id');
    const rows = undoRows(database, { tables: ['"t"'] });
    const task = { operation: 'run', task: 'a' };
    expect(() => rows.transaction(task, () => 1)).toThrow(/call ensure\(\) first/);
    rows.ensure();
    const work = async () => void database.exec('INSERT INTO t VALUES (1)');
    expect(() => rows.transaction(task, work)).toThrow(/gave a promise/);
    expect([database.isTransaction, database.prepare('SELECT * FROM t').all()]).toEqual([false, []]);
    expect(() => undoRows(database, { tables: ['v'] }).ensure()).toThrow(/there is no such table/);
    database.close();
  });
});
