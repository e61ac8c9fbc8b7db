import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StatementReader } from '../../../packages/middleware/src/drivers/pg-statement.ts';

const reader = new StatementReader(['book_order']);

describe('what a statement text does', () => {
  it.each([
    'SELECT 1',
    "select 'insert into t'",
    'SELECT "delete" FROM t',
    '-- insert\nSELECT 1',
    '/* /* nested */ update t */ SELECT 1',
    'SELECT $$ ; delete from t $$',
    'SELECT $tag$ ; commit; $tag$',
    "SELECT e'\\'; commit; --'",
    'WITH x AS (SELECT 1) SELECT * FROM x',
    'SHOW all',
    'SET search_path = x',
    'SAVEPOINT a',
    'RELEASE SAVEPOINT a',
    'ROLLBACK TO SAVEPOINT a',
    'rollback work to a',
    'LISTEN c',
    'EXPLAIN INSERT INTO t VALUES (1)',
    'COPY t TO STDOUT',
    'COPY (SELECT * FROM (SELECT 1 FROM t) y) TO STDOUT',
    "SELECT nextval('s')",
    'PREPARE p AS INSERT INTO t VALUES (1)',
    'FETCH 1 FROM c',
    '',
    '   ',
    ';;',
    '-- nothing',
    'table t',
  ])('leaves to itself what neither writes nor ends a transaction: %s', (text) => {
    expect(reader.read(text).plain).toBe(true);
  });

  it.each([
    'INSERT INTO t VALUES (1)',
    '  \n\t update t set a = 1',
    '/* why */ -- and\n delete from t',
    'MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE',
    'TRUNCATE t',
    'CREATE TABLE t (a int)',
    'ALTER TABLE t ADD b int',
    'COPY t FROM STDIN',
    'COPY t (a, b) FROM STDIN',
    'CALL p()',
    'DO $$ begin end $$',
    'WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone',
    'with a as materialized (insert into t values (1)) select 1',
    'WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a',
    'SELECT * FROM t FOR UPDATE',
    'SELECT * FROM t FOR NO KEY UPDATE SKIP LOCKED',
    'SELECT * FROM t FOR KEY SHARE',
    'SELECT * INTO copy FROM t',
    "SELECT setval('s', 1)",
    "SELECT pg_catalog.pg_logical_emit_message(true, '', '')",
    'SELECT BOOK_ORDER ($1)',
    'EXPLAIN ANALYZE UPDATE t SET a = 1',
    'EXPLAIN (ANALYZE) DELETE FROM t',
    'REFRESH MATERIALIZED VIEW v',
  ])('knows a write: %s', (text) => {
    expect(reader.read(text)).toMatchObject({ plain: false, writes: true, commits: false, leaves: 'same' });
  });

  it.each([
    ['COMMIT', 'closed'],
    ['  /* x */ commit', 'closed'],
    ['End', 'closed'],
    ['COMMIT WORK', 'closed'],
    ['COMMIT AND NO CHAIN', 'closed'],
    ['COMMIT AND CHAIN', 'open'],
    ["PREPARE TRANSACTION 'x'", 'closed'],
    ["COMMIT PREPARED 'x'", 'same'],
    ['commit;', 'closed'],
  ])('knows a commit and what it leaves: %s, %s', (text, leaves) => {
    expect(reader.read(text)).toMatchObject({ plain: false, commits: true, leaves, several: false });
  });

  it.each([
    ['BEGIN', false],
    ['start transaction isolation level serializable', false],
    ['BEGIN READ ONLY', true],
    ['begin transaction isolation level repeatable read, read only', true],
    ['BEGIN READ WRITE', false],
  ])('knows a beginning and whether it may write: %s, read only %s', (text, readOnly) => {
    expect(reader.read(text)).toMatchObject({ begins: true, leaves: 'open', readOnly });
  });

  it.each(['ROLLBACK', 'abort', 'rollback;'])('knows the end that keeps nothing: %s', (text) => {
    expect(reader.read(text)).toMatchObject({ commits: false, writes: false, leaves: 'closed' });
  });

  it('reads several statements in one string together', () => {
    expect(reader.read("begin; insert into t values (';'); commit")).toMatchObject({
      several: true,
      begins: true,
      writes: true,
      commits: true,
      leaves: 'closed',
    });
    expect(reader.read('commit; begin')).toMatchObject({ several: true, commits: true, leaves: 'open' });
    expect(reader.read('select 1; select 2').plain).toBe(true);
  });

  it.each([
    'VACUUM t',
    'CREATE DATABASE d',
    'CREATE INDEX CONCURRENTLY i ON t (a)',
    'ALTER SYSTEM SET a = 1',
    'DROP DATABASE d',
    "COMMIT PREPARED 'x'",
  ])('knows what PostgreSQL keeps out of transactions: %s', (text) => {
    expect(reader.read(text).outsideOnly).toBe(true);
  });

  it('reads any text without failing, the same way twice', () => {
    const pieces = fc.constantFrom(
      "'",
      '"',
      '$$',
      '$a$',
      '/*',
      '*/',
      '--',
      '\n',
      ';',
      '(',
      ')',
      'insert',
      'e',
      '\\',
      ' ',
      '1a',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string())), (words) => {
        const text = words.join('');
        expect(new StatementReader([]).read(text)).toEqual(new StatementReader([]).read(text));
      }),
    );
  });

  it('reads a long text in time proportional to its length', () => {
    const long = `insert into t values ${"('x', 1), ".repeat(100_000)} ('x', 1)`;
    const started = performance.now();
    expect(reader.read(long).writes).toBe(true);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
