import { hash } from 'node:crypto';
import {
  columnsSql,
  dropImagesSql,
  ensureImagesSql,
  findTableSql,
  imageOf,
  imagesSql,
  imageTriggers,
  kindOf,
  type Mysql2Column,
  type Mysql2Table,
  nameTaskSql,
  ownTriggersSql,
  quoted,
  shownValue,
  tableSql,
  takenWithItSql,
  valueSql,
} from './mysql2-row-images.ts';
import {
  checkUndoTables,
  noPrimaryKey,
  takesWithIt,
  type UndoOf,
  type UndoRowsOptions,
  undoAltered,
  undoBusy,
  undoConflict,
  undoInUse,
  undoKeyOf,
  unfitTable,
} from './undo-rows.ts';

/** A connection of `mysql2/promise`, as far as it is used here. */
export interface Mysql2UndoConnection {
  query(sql: string, values?: unknown): Promise<[unknown, unknown]>;
  release(): void;
  destroy(): void;
}

/** A pool of `mysql2/promise`, as far as it is used here. */
export interface Mysql2UndoPool<Connection extends Mysql2UndoConnection> {
  getConnection(): Promise<Connection>;
}

/** Undoes what tasks changed in tables, row by row. */
export interface Mysql2UndoRows<Connection extends Mysql2UndoConnection> {
  /**
   * Creates the table of row images and the triggers where they are missing. To be called when the process starts, by a user with the rights CREATE,
   * TRIGGER and LOCK TABLES; several processes may do so at once. Rejects with `option-invalid` for a table that is not there, has no primary key, is not of InnoDB, has columns of
   * which no exact image can be taken, or takes rows of others with it; with `undo-busy` where another process is at it for longer than 30 s.
   */
  ensure(): Promise<void>;
  /** Runs a task's work in a transaction in which images are taken of the rows it changes. What it rejects with rolls back. */
  transaction<Result>(task: UndoOf, work: (connection: Connection) => Promise<Result>): Promise<Result>;
  /**
   * A rollback: puts the rows that the task changed back as they were, all of them or none. Rejects with `undo-conflict` where somebody changed one of them
   * since, or depends on it, and nothing is changed then. A task that committed nothing, or was undone before, has nothing to be undone.
   */
  readonly rollback: (facts: unknown, task: UndoOf) => Promise<void>;
}

type Row = Readonly<Record<string, unknown>>;

/** Rows are referred to by others, refer to none, or have a unique key that another one has by now. */
const constraintErrors: ReadonlySet<unknown> = new Set([1022, 1062, 1216, 1217, 1451, 1452, 1586]);
const lockName = 'slackwater_row_images';
const lockS = 30;

/**
 * Undoes tasks' changes to rows of MySQL or MariaDB from images of the rows that were taken in the task's own transaction, by triggers. Other rows, and what others
 * changed, stay as they are. `pool` is one of `mysql2/promise`. Throws `option-invalid`.
 */
export function undoRows<Connection extends Mysql2UndoConnection>(
  pool: Mysql2UndoPool<Connection>,
  options: UndoRowsOptions,
): Mysql2UndoRows<Connection> {
  checkUndoTables(options);

  /** What the session was told is taken back; where that can't be, nobody else gets the connection. */
  async function using<Result>(
    begin: readonly (readonly [sql: string, values?: readonly unknown[]])[],
    end: readonly string[],
    work: (connection: Connection) => Promise<Result>,
  ): Promise<Result> {
    const connection = await pool.getConnection();
    let isClean = false;
    try {
      for (const [sql, values] of begin) await connection.query(sql, values);
      return await work(connection).finally(async () => {
        for (const sql of end) await connection.query(sql);
        isClean = true;
      });
    } finally {
      if (isClean) connection.release();
      else connection.destroy();
    }
  }

  async function inTransaction<Result>(
    connection: Connection,
    work: (connection: Connection) => Promise<Result>,
  ): Promise<Result> {
    await connection.query('START TRANSACTION');
    try {
      const result = await work(connection);
      await connection.query('COMMIT');
      return result;
    } catch (error) {
      await connection.query('ROLLBACK').catch(() => {});
      throw error;
    }
  }

  return {
    ensure: () =>
      using([], [`SELECT RELEASE_LOCK('${lockName}')`], async (connection) => {
        const [lock] = await rowsOf(connection, 'SELECT GET_LOCK(?, ?) AS got', [lockName, lockS]);
        // 0 where another one had it all that time, null where the server gave up waiting.
        if (Number(lock?.['got']) !== 1) throw undoBusy(`GET_LOCK('${lockName}')`, lockS);
        await connection.query(ensureImagesSql);
        const [home] = await rowsOf(connection, 'SELECT DATABASE() AS name');
        for (const table of options.tables) await watch(connection, table, String(home?.['name']));
      }),
    transaction: (task, work) =>
      using([[nameTaskSql, [keyOf(task)]]], ['SET @slackwater_undo_key = NULL'], (connection) =>
        inTransaction(connection, work),
      ),
    rollback: (_, task) =>
      using(
        [['SET @slackwater_time_zone = @@SESSION.time_zone'], ["SET SESSION time_zone = '+00:00'"]],
        ['SET SESSION time_zone = @slackwater_time_zone'],
        (connection) =>
          inTransaction(connection, async () => {
            const images = await rowsOf(connection, imagesSql, [keyOf(task)]);
            for (const image of images) await takeBack(connection, image);
            await connection.query(dropImagesSql, [keyOf(task)]);
          }).catch((error: unknown) => {
            throw constraintErrors.has((error as { readonly errno?: unknown }).errno)
              ? undoInUse(error)
              : error;
          }),
      ),
  };
}

/** Has a table's changes leave images: what others write waits meanwhile, so that no change is missed. */
async function watch(connection: Mysql2UndoConnection, given: string, home: string): Promise<void> {
  const table = await findTable(connection, given);
  const columns = await columnsOf(connection, table);
  if (!columns.some(({ key }) => key)) throw unfitTable(given, noPrimaryKey);
  const [child] = await rowsOf(connection, takenWithItSql, [table.db, table.name]);
  if (child !== undefined) throw unfitTable(given, takesWithIt(String(child['name'])));
  const wanted = imageTriggers(table, columns, home);
  const there = (await rowsOf(connection, ownTriggersSql, [table.db, table.name])).map((row) =>
    String(row['name']),
  );
  const old = there.filter((name) => !wanted.some((one) => one.name === name));
  const missing = wanted.filter(({ name }) => !there.includes(name));
  if (old.length === 0 && missing.length === 0) return;
  await connection.query(`LOCK TABLES ${tableSql(table)} WRITE`);
  try {
    for (const name of old)
      await connection.query(`DROP TRIGGER IF EXISTS ${quoted(table.db)}.${quoted(name)}`);
    for (const { sql } of missing) await connection.query(sql);
  } finally {
    await connection.query('UNLOCK TABLES');
  }
}

async function findTable(connection: Mysql2UndoConnection, given: string): Promise<Mysql2Table> {
  const parts = [...given.matchAll(/`((?:[^`]|``)+)`|([^`.]+)/g)].map(
    ([, inQuotes, bare = '']) => inQuotes?.replaceAll('``', '`') ?? bare.trim(),
  );
  const [name = '', db = null] = parts.toReversed();
  const [found] = parts.length > 2 ? [] : await rowsOf(connection, findTableSql, [db, name]);
  if (found === undefined) throw unfitTable(given, 'there is no such table');
  if (found['engine'] !== 'InnoDB') throw unfitTable(given, 'it is not of InnoDB, and has no transactions');
  return { db: String(found['db']), name: String(found['name']) };
}

/** Those that can be written. */
async function columnsOf(
  connection: Mysql2UndoConnection,
  table: Mysql2Table,
): Promise<readonly Mysql2Column[]> {
  const rows = await rowsOf(connection, columnsSql, [table.db, table.name]);
  return rows
    .filter((row) => Number(row['is_generated']) === 0)
    .map(({ name, type, of_key, charset }) => {
      const kind = kindOf(String(type));
      if (kind !== undefined)
        return { name: String(name), kind, key: of_key === 'PRI', charset: String(charset) };
      const why = `no exact image can be taken of its column ${JSON.stringify(name)}, of type ${String(type)}`;
      throw unfitTable(table.name, why);
    });
}

/** Takes one change back. Rejects with `undo-conflict` where the row is not as the change left it. */
async function takeBack(connection: Mysql2UndoConnection, image: Row): Promise<void> {
  const [db = '', name = ''] = JSON.parse(String(image['relation'])) as readonly string[];
  const table = { db, name };
  const columns = await columnsOf(connection, table);
  const change = String(image['change_of']);
  const [before, after] = [String(image['before_image']), String(image['after_image'])];
  const isSame = image['columns'] === JSON.stringify(columns.map((column) => column.name));
  if (!isSame) throw undoAltered(name);
  const conflict = (): Error => conflictOf(table, columns, change === 'delete' ? before : after);
  const earlier = valuesOf(columns, before);
  if (change === 'delete') {
    const names = columns.map((column) => quoted(column.name)).join(', ');
    const values = earlier.map(({ sql }) => sql).join(', ');
    const insert = `INSERT INTO ${tableSql(table)} (${names}) VALUES (${values})`;
    await connection.query(insert, boundOf(earlier)).catch((error: unknown) => {
      throw (error as { readonly errno?: unknown }).errno === 1062 ? conflict() : error;
    });
    return;
  }
  const keys = valuesOf(columns, after).filter(({ column }) => column.key);
  const found = keys.map(({ column, sql }) => `t.${quoted(column.name)} = ${sql}`).join(' AND ');
  const sought = [...boundOf(keys), after];
  const look = `SELECT 1 AS found FROM ${tableSql(table)} t WHERE ${found} AND ${imageOf('t', columns)} = ? FOR UPDATE`;
  if ((await rowsOf(connection, look, sought)).length !== 1) throw conflict();
  const here = keys.map(({ column, sql }) => `${quoted(column.name)} = ${sql}`).join(' AND ');
  if (change === 'insert') {
    await connection.query(`DELETE FROM ${tableSql(table)} WHERE ${here}`, boundOf(keys));
    return;
  }
  const set = earlier.map(({ column, sql }) => `${quoted(column.name)} = ${sql}`).join(', ');
  await connection.query(`UPDATE ${tableSql(table)} SET ${set} WHERE ${here}`, [
    ...boundOf(earlier),
    ...boundOf(keys),
  ]);
}

interface ImageValue {
  readonly column: Mysql2Column;
  readonly sql: string;
  readonly digits: string;
}

function valuesOf(columns: readonly Mysql2Column[], image: string): readonly ImageValue[] {
  const texts = image.split(',');
  return columns.map((column, i) => {
    const digits = texts[i] ?? '-';
    return { column, sql: valueSql(column, digits), digits };
  });
}

function boundOf(values: readonly ImageValue[]): readonly string[] {
  return values.flatMap(({ digits }) => (digits === '-' ? [] : [digits]));
}

function conflictOf(table: Mysql2Table, columns: readonly Mysql2Column[], image: string): Error {
  const texts = image.split(',');
  return undoConflict(
    table.name,
    columns.flatMap((column, i) =>
      column.key ? [[column.name, shownValue(column, texts[i] ?? '-')] as const] : [],
    ),
  );
}

function keyOf(task: UndoOf): string {
  return hash('sha256', undoKeyOf(task));
}

async function rowsOf(
  connection: Mysql2UndoConnection,
  sql: string,
  values?: readonly unknown[],
): Promise<readonly Row[]> {
  const [rows] = await connection.query(sql, values);
  return Array.isArray(rows) ? (rows as readonly Row[]) : [];
}
