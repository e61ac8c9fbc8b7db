import { describe, expect, it } from 'vitest';
import { planOnce } from '../../../packages/middleware/src/drivers/mysql2-once-plan.ts';
import { type Mysql2Effect, Mysql2TextReader } from '../../../packages/middleware/src/drivers/mysql2-text.ts';
import { commitOf } from '../../../packages/middleware/src/drivers/mysql2-transaction.ts';

const reader = new Mysql2TextReader(['book_order']);

describe('a text of MySQL', () => {
  it.each<[string, readonly Mysql2Effect[] | undefined]>([
    ['SELECT 1', undefined],
    ['', undefined],
    [';;;', undefined],
    ['begin', ['begin']],
    ['START TRANSACTION READ ONLY', ['begin-reading']],
    ['SAVEPOINT a', ['savepoint']],
    ["XA START 'a'", ['xa-begin']],
    ['/* x */ COMMIT', ['commit']],
    ['# hi\nCOMMIT AND CHAIN', ['commit-chain']],
    ['COMMIT AND NO CHAIN RELEASE', ['commit']],
    ['-- commit\nSELECT 1', undefined],
    ['SELECT 1--1; COMMIT', ['none', 'commit']],
    ['select 1 -- ;commit', undefined],
    ['/*!50000 INSERT */ INTO t VALUES (1)', ['write']],
    ['/*M!100100 COMMIT */', ['commit']],
    ['SET @@session.autocommit = 0', ['autocommit-off']],
    ['SET sql_mode = 1, SESSION autocommit=OFF', ['autocommit-off']],
    ['set autocommit := ?', ['autocommit-on']],
    ['SET GLOBAL autocommit = 0', undefined],
    ['SET @@global.autocommit = 0', undefined],
    ["SET @x = 'autocommit'", undefined],
    ['INSERT INTO t VALUES (\'a;b\\\';commit\', "x;""\\"y"); COMMIT', ['write', 'commit']],
    ['UPDATE `a;``b` SET n = 1', ['write']],
    ['CREATE DEFINER = a@b PROCEDURE p() BEGIN INSERT INTO t VALUES (1); COMMIT; END', ['define']],
    ['CREATE OR REPLACE TEMPORARY TABLE x (a int)', undefined],
    ['TRUNCATE t', ['define']],
    ['WITH a AS (SELECT 1) UPDATE t SET n = 1', ['write']],
    ['SELECT shop.book_order(1)', ['call-writer']],
    ['CALL shop.book_order(1)', ['call-procedure']],
    ['CALL other(1)', ['call']],
    ["SELECT replace(a, 'b', 'c') FROM book_order", undefined],
    ['ROLLBACK WORK TO SAVEPOINT a', ['savepoint']],
    ['rollback', ['rollback']],
    ["XA COMMIT 'a' ONE PHASE", ['xa-commit-one-phase']],
    ['BEGIN NOT ATOMIC INSERT INTO t VALUES (1); END', ['call']],
    ['ANALYZE TABLE t', ['define']],
    ['ANALYZE UPDATE t SET n = 1', ['call-writer']],
    ['LOCK TABLES t WRITE', ['end']],
    ["SELECT 'without an end; COMMIT", undefined],
    ['SELECT /* without an end; COMMIT', undefined],
  ])('%j does %j', (text, effects) => {
    expect(reader.read(text)).toEqual(effects);
    expect(reader.read(text)).toEqual(effects);
  });

  it('of many megabytes is read by its beginning', () => {
    const blob = "\\'a''".repeat(4_000_000);
    expect(reader.read(`INSERT INTO t VALUES ('${blob}')`)).toEqual(['write']);
    expect(reader.read(`${'('.repeat(3_000_000)}SELECT 1`)).toBeUndefined();
  });
});

describe('what is committed by a text', () => {
  const wrote = { open: { wrote: true, told: true }, autocommit: true };
  const read = { open: { wrote: false, told: false }, autocommit: true };
  const idle = { open: undefined, autocommit: true };
  const off = { open: undefined, autocommit: false };

  it.each([
    ['COMMIT', wrote, 'explicit'],
    ['COMMIT', read, undefined],
    ['COMMIT', idle, undefined],
    ['BEGIN', wrote, 'explicit'],
    ['ROLLBACK', wrote, undefined],
    ['UPDATE t SET n = 1', idle, 'autocommit'],
    ['UPDATE t SET n = 1', read, undefined],
    ['UPDATE t SET n = 1', off, undefined],
    ['SET autocommit = 1', { ...wrote, autocommit: false }, 'explicit'],
    ['SET autocommit = 1', wrote, undefined],
    ['SET autocommit = 0; UPDATE t SET n = 1', idle, undefined],
    ['SET autocommit = 0; UPDATE t SET n = 1; COMMIT', idle, 'explicit'],
    ['DROP TABLE t', wrote, 'autocommit'],
    ['DROP TABLE t', idle, 'autocommit'],
    ['LOCK TABLES t READ', wrote, 'autocommit'],
    ['LOCK TABLES t READ', idle, undefined],
    ['BEGIN; UPDATE t SET n = 1; ROLLBACK; COMMIT', idle, undefined],
    ['UPDATE t SET n = 1; BEGIN; UPDATE t SET n = 2; COMMIT', idle, 'explicit'],
    ["XA COMMIT 'a'", idle, 'explicit'],
    ["XA PREPARE 'a'", wrote, 'explicit'],
  ] as const)('%j, in %j, is %s', (text, state, kind) => {
    expect(commitOf(reader.read(text) ?? [], state)).toBe(kind);
  });
});

describe('the completion row of a statement of MySQL', () => {
  const outside = { isOpen: false, autocommit: true, hasRow: false };
  const inside = { isOpen: true, autocommit: true, hasRow: true };
  const unseen = { isOpen: true, autocommit: true, hasRow: false };
  const off = { isOpen: false, autocommit: false, hasRow: false };

  it.each([
    ['BEGIN', outside, 'row-behind'],
    ['BEGIN', inside, 'row-behind'],
    ['START TRANSACTION READ ONLY', outside, 'run'],
    ['COMMIT AND CHAIN', inside, 'row-behind'],
    ['COMMIT', inside, 'run'],
    ['INSERT INTO t VALUES (1)', outside, 'wrap'],
    ['INSERT INTO t VALUES (1)', inside, 'run'],
    ['INSERT INTO t VALUES (1)', unseen, 'row-before'],
    ['INSERT INTO t VALUES (1)', off, 'row-before'],
    ['SAVEPOINT a', off, 'row-before'],
    ['SAVEPOINT a', outside, 'run'],
    ['SAVEPOINT a; INSERT INTO t VALUES (1)', outside, 'wrap'],
    ['INSERT INTO t VALUES (1); SELECT 1; DELETE FROM t', outside, 'wrap'],
    ['INSERT INTO t VALUES (1); COMMIT', inside, 'run'],
    ['INSERT INTO t VALUES (1); COMMIT', outside, 'refuse-string'],
    ['COMMIT; INSERT INTO t VALUES (1)', inside, 'refuse-string'],
    ['BEGIN; INSERT INTO t VALUES (1); COMMIT', outside, 'refuse-string'],
    ['SET autocommit = 0; INSERT INTO t VALUES (1)', outside, 'refuse-string'],
    ['SELECT book_order(1)', outside, 'wrap'],
    ['CALL book_order(1)', outside, 'refuse'],
    ['CALL book_order(1)', inside, 'run'],
    ['CALL anything()', unseen, 'row-before'],
    ['TRUNCATE t', inside, 'refuse'],
    ['CREATE TEMPORARY TABLE t (n int); INSERT INTO t VALUES (1)', inside, 'run'],
    ["XA START 'a'", outside, 'refuse'],
    ["XA COMMIT 'a'", outside, 'refuse'],
  ])('%j, found %j, means: %s', (text, facts, plan) => {
    expect(planOnce(reader.read(text) ?? [], facts).do).toBe(plan);
  });
});
