import { hash } from 'node:crypto';

// What undoing a task's changes to rows takes on MySQL and MariaDB: a table of row images, and triggers that write them in the transaction of the change,
// while the session names a task (@slackwater_undo_key).
//
// An image has a text for each column, with commas between: `-` for NULL, else hexadecimal digits of what is exact for its type: the bytes of texts and binaries, numbers
// and times as text, timestamps in seconds since 1970. So no character set, time zone or SQL mode changes it, and two rows are the same where their
// images are.

/** A column of a table that can be written. */
export interface Mysql2Column {
  readonly name: string;
  readonly key: boolean;
  readonly kind: Mysql2Kind;
  /** Of texts. */
  readonly charset: string;
}

/** How values of a type are written into images. */
export type Mysql2Kind = 'plain' | 'approximate' | 'ordinal' | 'text' | 'json' | 'bytes' | 'timestamp';

const kinds: Readonly<Record<Mysql2Kind, readonly string[]>> = {
  plain: [
    ...['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'decimal', 'date', 'datetime', 'time', 'year'],
    ...['uuid', 'inet4', 'inet6'],
  ],
  approximate: ['float', 'double'],
  ordinal: ['bit', 'enum', 'set'],
  text: ['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext'],
  json: ['json'],
  bytes: ['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob'],
  timestamp: ['timestamp'],
};

/** How a type's values are written; undefined where nobody knows. */
export function kindOf(type: string): Mysql2Kind | undefined {
  return (Object.keys(kinds) as Mysql2Kind[]).find((kind) => kinds[kind].includes(type.toLowerCase()));
}

export const ensureImagesSql = `
  CREATE TABLE IF NOT EXISTS slackwater_row_images (
    ordinal bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
    task_key char(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    relation text CHARACTER SET utf8mb4 NOT NULL,
    columns_of text CHARACTER SET utf8mb4 NOT NULL,
    change_of char(6) CHARACTER SET ascii NOT NULL,
    before_image longtext CHARACTER SET ascii NOT NULL,
    after_image longtext CHARACTER SET ascii NOT NULL,
    made_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    KEY (task_key)
  ) ENGINE = InnoDB`;

/** One row where there is such a table. */
export const findTableSql = `
  SELECT TABLE_SCHEMA AS db, TABLE_NAME AS name, ENGINE AS engine FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ? AND TABLE_TYPE = 'BASE TABLE'`;

/** All columns, in their order. */
export const columnsSql = `
  SELECT COLUMN_NAME AS name, DATA_TYPE AS type, COLUMN_KEY AS of_key, CHARACTER_SET_NAME AS charset,
    COALESCE(GENERATION_EXPRESSION, '') <> '' AS is_generated
  FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`;

/** Tables whose rows are changed with those of a table: by the storage engine, which calls no trigger. */
export const takenWithItSql = `
  SELECT TABLE_NAME AS name FROM information_schema.REFERENTIAL_CONSTRAINTS
  WHERE UNIQUE_CONSTRAINT_SCHEMA = ? AND REFERENCED_TABLE_NAME = ?
    AND (DELETE_RULE NOT IN ('NO ACTION', 'RESTRICT') OR UPDATE_RULE NOT IN ('NO ACTION', 'RESTRICT')) LIMIT 1`;

export const ownTriggersSql = `
  SELECT TRIGGER_NAME AS name FROM information_schema.TRIGGERS
  WHERE EVENT_OBJECT_SCHEMA = ? AND EVENT_OBJECT_TABLE = ? AND TRIGGER_NAME LIKE 'slackwater\\_keep\\_%'`;

export const imagesSql = `
  SELECT relation, columns_of AS columns, change_of AS change_of, before_image AS before_image, after_image AS after_image
  FROM slackwater_row_images WHERE task_key = ? ORDER BY ordinal DESC FOR UPDATE`;
export const dropImagesSql = 'DELETE FROM slackwater_row_images WHERE task_key = ?';

/** What a session says while it works for a task. */
export const nameTaskSql = 'SET @slackwater_undo_key = ?';

/** A table, by the names that the server has for it. */
export interface Mysql2Table {
  readonly db: string;
  readonly name: string;
}

/** A trigger that leaves images. Its name has a hash of what it does: one of that name need not be made again. */
export interface ImageTrigger {
  readonly name: string;
  readonly sql: string;
}

/** The triggers of a table; the images are kept in the database `home`. */
export function imageTriggers(
  table: Mysql2Table,
  columns: readonly Mysql2Column[],
  home: string,
): readonly ImageTrigger[] {
  const names = hex(JSON.stringify(columns.map(({ name }) => name)));
  return (['INSERT', 'UPDATE', 'DELETE'] as const).map((change) => {
    const before = change === 'INSERT' ? "''" : imageOf('OLD', columns);
    const after = change === 'DELETE' ? "''" : imageOf('NEW', columns);
    const body = `IF @slackwater_undo_key IS NOT NULL THEN
      INSERT INTO ${quoted(home)}.slackwater_row_images (task_key, relation, columns_of, change_of, before_image, after_image)
      VALUES (@slackwater_undo_key, ${hex(relationOf(table))}, ${names}, '${change.toLowerCase()}', ${before}, ${after});
      END IF`;
    const own = hash('sha256', `${relationOf(table)} ${body}`).slice(0, 16);
    const name = `slackwater_keep_${change.toLowerCase()}_${own}`;
    const sql = `CREATE TRIGGER ${quoted(table.db)}.${quoted(name)} AFTER ${change} ON ${tableSql(table)} FOR EACH ROW ${body}`;
    return { name, sql };
  });
}

/** How images name a table. */
export function relationOf({ db, name }: Mysql2Table): string {
  return JSON.stringify([db, name]);
}

/** A table within a statement. */
export function tableSql({ db, name }: Mysql2Table): string {
  return `${quoted(db)}.${quoted(name)}`;
}

/** The image of a row, `of` being OLD, NEW, or the alias of a table. */
export function imageOf(of: string, columns: readonly Mysql2Column[]): string {
  return `CONCAT_WS(',', ${columns.map((column) => `IFNULL(HEX(${exact(`${of}.${quoted(column.name)}`, column)}), '-')`).join(', ')})`;
}

/** A value of an image as a statement has it; where it is not NULL one parameter stands for the digits. */
export function valueSql({ kind, charset }: Mysql2Column, digits: string): string {
  if (digits === '-') return 'NULL';
  if (kind === 'bytes') return 'UNHEX(?)';
  if (kind === 'text') return `CONVERT(UNHEX(?) USING ${charset})`;
  if (kind === 'json') return 'CONVERT(UNHEX(?) USING utf8mb4)';
  const plain = 'CONVERT(UNHEX(?) USING ascii)';
  if (kind === 'ordinal') return `CAST(${plain} AS UNSIGNED)`;
  // Of seconds the session makes a time of its own zone: one without summer time, or an hour of the year would come twice.
  return kind === 'timestamp' ? `FROM_UNIXTIME(CAST(${plain} AS DECIMAL(20, 6)))` : plain;
}

/** A value of an image for people. */
export function shownValue({ kind }: Mysql2Column, digits: string): unknown {
  if (digits === '-') return null;
  return kind === 'bytes' ? digits : Buffer.from(digits, 'hex').toString('utf8');
}

/** A name within a statement. */
export function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

function exact(value: string, { kind }: Mysql2Column): string {
  switch (kind) {
    case 'plain':
      return `CAST(${value} AS CHAR)`;
    case 'approximate':
      // As a double: a float by itself is written with six digits.
      return `CAST(${value} + 0e0 AS CHAR)`;
    case 'ordinal':
      return `CAST(${value} + 0 AS CHAR)`;
    case 'json':
      return `CAST(${value} AS CHAR CHARACTER SET utf8mb4)`;
    case 'timestamp':
      return `CAST(UNIX_TIMESTAMP(${value}) AS CHAR)`;
    case 'text':
    case 'bytes':
      return value;
    default:
      return kind satisfies never;
  }
}

function hex(text: string): string {
  return `CONVERT(x'${Buffer.from(text, 'utf8').toString('hex')}' USING utf8mb4)`;
}
