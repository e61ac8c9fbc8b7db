import type { DatabaseSync } from 'node:sqlite';
import { ParameterError, SlackwaterError } from '@slackwater/shared';
import {
  columnsSql,
  dropImagesSql,
  ensureImagesSql,
  findTableSql,
  imageOf,
  imagesSql,
  nameTaskSql,
  noTaskSql,
  quoted,
  type SqliteColumn,
  type SqliteValue,
  shownValue,
  takenWithItSql,
  valuesIn,
  watchTableSql,
} from './node-sqlite-row-images.ts';
import {
  checkUndoTables,
  noPrimaryKey,
  takesWithIt,
  type UndoOf,
  type UndoRowsOptions,
  undoAltered,
  undoConflict,
  undoInUse,
  undoKeyOf,
  unfitTable,
} from './undo-rows.ts';

/** Undoes what tasks changed in tables of one database of `node:sqlite`, row by row. */
export interface SqliteUndoRows {
  /**
   * Creates the table of row images where it is missing, and this connection's triggers. To be called when the process starts. Throws `option-invalid`
   * for a table that is not there, has no primary key, or takes rows of others with it.
   */
  ensure(): void;
  /**
   * Runs a task's work in a transaction in which images are taken of the rows it changes. What it throws rolls back. The connection has one
   * transaction at a time, so the work may not wait for anything: `parameter-invalid` for a promise.
   */
  transaction<Result>(task: UndoOf, work: (database: DatabaseSync) => Result): Result;
  /**
   * A rollback: puts the rows that the task changed back as they were, all of them or none. Rejects with `undo-conflict` where somebody changed one of them
   * since, or depends on it, and nothing is changed then. A task that committed nothing, or was undone before, has nothing to be undone.
   */
  readonly rollback: (facts: unknown, task: UndoOf) => Promise<void>;
}

interface Image {
  readonly relation: string;
  readonly columns: readonly SqliteColumn[];
  readonly before: string | null;
  readonly after: string | null;
}

const constraintCode = 19;

/**
 * Undoes tasks' changes to rows of SQLite from images of the rows that were taken in the task's own transaction. Other rows, and what others
 * changed, stay as they are. Throws `option-invalid`.
 */
export function undoRows(database: DatabaseSync, options: UndoRowsOptions): SqliteUndoRows {
  checkUndoTables(options);
  let isWatched = false;

  function inTransaction<Result>(key: string, work: () => Result): Result {
    const isRecursive = pragma(database, 'recursive_triggers');
    // What REPLACE deletes leaves an image only then.
    database.exec('PRAGMA recursive_triggers = ON');
    try {
      database.exec('BEGIN IMMEDIATE');
      try {
        database.prepare(nameTaskSql).run(key);
        const result = work();
        database.exec(noTaskSql);
        database.exec('COMMIT');
        return result;
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
    } finally {
      database.exec(`PRAGMA recursive_triggers = ${isRecursive}`);
    }
  }

  function rollback(task: UndoOf): void {
    const key = undoKeyOf(task);
    const own = `${key}/undo`;
    inTransaction(own, () => {
      database.exec('PRAGMA defer_foreign_keys = ON');
      const images = readImages(database, key);
      for (const image of images) takeBack(database, image);
      // What else went with it was somebody else's.
      if (database.prepare(imagesSql).all(own).length !== images.length) throw undoInUse();
      for (const one of [key, own]) database.prepare(dropImagesSql).run(one);
    });
  }

  return {
    ensure() {
      database.exec(ensureImagesSql);
      const names = options.tables.map((table) => nameOf(database, table));
      for (const name of names) {
        const columns = columnsOf(database, name);
        if (!columns.some(({ key }) => key)) throw unfitTable(name, noPrimaryKey);
        const children = database
          .prepare(takenWithItSql)
          .all(name)
          .map((row) => String(row['name']));
        const other = children.find((child) => !names.includes(child));
        if (other !== undefined) throw unfitTable(name, `${takesWithIt(other)}; name that table too`);
        database.exec(watchTableSql(name, columns));
      }
      isWatched = true;
    },
    transaction(task, work) {
      if (!isWatched) {
        throw new SlackwaterError('option-invalid', 'undoRows(): call ensure() first, on this connection.');
      }
      return inTransaction(undoKeyOf(task), () => {
        const result = work(database);
        if (!isThenable(result)) return result;
        result.then(undefined, () => {});
        throw new ParameterError(
          'The work of a transaction on node:sqlite gave a promise; the connection can not wait. Give a function that is not async',
        );
      });
    },
    rollback: async (_, task) => {
      try {
        rollback(task);
      } catch (error) {
        throw isConstraint(error) ? undoInUse(error) : error;
      }
    },
  };
}

function readImages(database: DatabaseSync, key: string): readonly Image[] {
  return database
    .prepare(imagesSql)
    .all(key)
    .map((row) => {
      const relation = String(row['relation']);
      const columns = columnsOf(database, relation);
      const image: Image = {
        ...{ relation, columns },
        before: row['before'] === null ? null : String(row['before']),
        after: row['after'] === null ? null : String(row['after']),
      };
      if (row['columns'] !== JSON.stringify(columns.map(({ name }) => name))) throw undoAltered(relation);
      return image;
    });
}

/** Takes one change back. Throws `undo-conflict` where the row is not as the change left it. */
function takeBack(database: DatabaseSync, image: Image): void {
  const { relation, columns, before, after } = image;
  const table = quoted(relation);
  const names = columns.map(({ name }) => quoted(name));
  const earlier = before === null ? [] : valuesIn(before);
  const bound = (values: readonly SqliteValue[]) => values.flatMap((value) => value.bound);
  if (after === null) {
    const there = `INSERT INTO ${table} (${names.join(', ')}) VALUES (${earlier.map(({ sql }) => sql).join(', ')}) ON CONFLICT DO NOTHING`;
    if (Number(database.prepare(there).run(...bound(earlier)).changes) !== 1) throw conflictOf(image);
    return;
  }
  const keys = valuesIn(after).flatMap((value, i) => (columns[i]?.key ? [{ name: names[i], value }] : []));
  const found = keys.map(({ name, value }) => `${name} IS ${value.sql}`).join(' AND ');
  const where = `${found} AND ${imageOf(table, columns)} = ?`;
  const sought = [...bound(keys.map(({ value }) => value)), after];
  const set = names.map((name, i) => `${name} = ${earlier[i]?.sql}`).join(', ');
  const text =
    before === null ? `DELETE FROM ${table} WHERE ${where}` : `UPDATE ${table} SET ${set} WHERE ${where}`;
  if (Number(database.prepare(text).run(...bound(earlier), ...sought).changes) !== 1) throw conflictOf(image);
}

function conflictOf({ relation, columns, before, after }: Image): SlackwaterError {
  const texts = (after ?? before ?? '').split(',');
  return undoConflict(
    relation,
    columns.flatMap(({ name, key }, i) => (key ? [[name, shownValue(texts[i] ?? '')] as const] : [])),
  );
}

/** A table's own name, for one as a statement would have it. */
function nameOf(database: DatabaseSync, table: string): string {
  const bare = /^main\.(?=.)/i.test(table) ? table.slice('main.'.length) : table;
  const [, double, back] = /^"(.*)"$|^`(.*)`$/s.exec(bare) ?? [];
  const name = double?.replaceAll('""', '"') ?? back?.replaceAll('``', '`') ?? bare;
  const found = database.prepare(findTableSql).get(name);
  if (found === undefined) throw unfitTable(table, 'there is no such table');
  return String(found['name']);
}

function columnsOf(database: DatabaseSync, table: string): readonly SqliteColumn[] {
  return database
    .prepare(columnsSql)
    .all(table)
    .map(({ name, key }) => ({ name: String(name), key: key === 1 }));
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}

function isConstraint(error: unknown): boolean {
  const { errcode } = error as { readonly errcode?: unknown };
  return typeof errcode === 'number' && (errcode & 0xff) === constraintCode;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
