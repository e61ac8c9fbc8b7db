// What undoing a task's changes to rows takes on SQLite: a table of row images, and triggers that write them in the transaction of the change. The
// triggers are temporary, those of one connection, and leave images only while a task is named (temp.slackwater_undo).
//
// An image has a text for each column, with commas between: `-` for NULL, else a letter for what SQLite has stored (`i`, `r`, `t`, `b`) and the number, or
// the bytes in hexadecimal digits. So it is exact, and two rows are the same where their images are.

/** A column of a table that can be written. */
export interface SqliteColumn {
  readonly name: string;
  readonly key: boolean;
}

export const ensureImagesSql = `
  CREATE TABLE IF NOT EXISTS main.slackwater_row_images (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,
    relation TEXT NOT NULL,
    columns TEXT NOT NULL,
    before TEXT,
    after TEXT,
    made_at INTEGER NOT NULL DEFAULT (unixepoch())
  ) STRICT;
  CREATE INDEX IF NOT EXISTS main.slackwater_row_images_by_key ON slackwater_row_images (key);
  CREATE TEMP TABLE IF NOT EXISTS slackwater_undo (key TEXT NOT NULL) STRICT;`;

/** One row where there is such a table: its own name. Views and virtual tables are none. */
export const findTableSql =
  "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name = ? COLLATE NOCASE";

/** The columns that can be written, in their order, and those of the primary key. */
export const columnsSql =
  "SELECT name, pk > 0 AS key FROM pragma_table_xinfo(?, 'main') WHERE hidden = 0 ORDER BY cid";

/** Tables whose rows are changed with those of a table. */
export const takenWithItSql = `
  SELECT DISTINCT child.name FROM main.sqlite_schema child, pragma_foreign_key_list(child.name) f
  WHERE child.type = 'table' AND f."table" = ? COLLATE NOCASE
    AND (f.on_delete NOT IN ('NO ACTION', 'RESTRICT') OR f.on_update NOT IN ('NO ACTION', 'RESTRICT'))`;

export const nameTaskSql = 'INSERT INTO temp.slackwater_undo (key) VALUES (?)';
export const noTaskSql = 'DELETE FROM temp.slackwater_undo';
export const imagesSql = `
  SELECT ordinal, relation, columns, before, after FROM main.slackwater_row_images WHERE key = ? ORDER BY ordinal DESC`;
export const dropImagesSql = 'DELETE FROM main.slackwater_row_images WHERE key = ?';

/** Has a table's changes on this connection leave images. */
export function watchTableSql(table: string, columns: readonly SqliteColumn[]): string {
  const names = literal(JSON.stringify(columns.map(({ name }) => name)));
  return (['INSERT', 'UPDATE', 'DELETE'] as const)
    .map((change) => {
      const trigger = quoted(`slackwater_keep_${change.toLowerCase()}_${table}`);
      const before = change === 'INSERT' ? 'NULL' : imageOf('OLD', columns);
      const after = change === 'DELETE' ? 'NULL' : imageOf('NEW', columns);
      return `DROP TRIGGER IF EXISTS temp.${trigger};
        CREATE TEMP TRIGGER ${trigger} AFTER ${change} ON main.${quoted(table)} WHEN EXISTS (SELECT 1 FROM temp.slackwater_undo) BEGIN
          INSERT INTO slackwater_row_images (key, relation, columns, before, after)
            SELECT key, ${literal(table)}, ${names}, ${before}, ${after} FROM slackwater_undo;
        END;`;
    })
    .join('\n');
}

/** The image of a row, `of` being a table, or OLD or NEW. */
export function imageOf(of: string, columns: readonly SqliteColumn[]): string {
  return columns
    .map(({ name }) => {
      const value = `${of}.${quoted(name)}`;
      return `CASE typeof(${value}) WHEN 'null' THEN '-' WHEN 'integer' THEN 'i' || ${value} WHEN 'real' THEN 'r' || printf('%!.17g', ${value})
        WHEN 'text' THEN 't' || hex(CAST(${value} AS BLOB)) ELSE 'b' || hex(${value}) END`;
    })
    .join(" || ',' || ");
}

/** A value of an image: how a statement has it, and what is bound there. */
export interface SqliteValue {
  readonly sql: string;
  readonly bound: readonly (bigint | number | Uint8Array)[];
}

/** The values of an image, in the order of its columns. */
export function valuesIn(image: string): readonly SqliteValue[] {
  return image.split(',').map((text): SqliteValue => {
    const rest = text.slice(1);
    switch (text[0]) {
      case 'i':
        return { sql: '?', bound: [BigInt(rest)] };
      case 'r':
        return { sql: '?', bound: [Number(rest.replace('Inf', 'Infinity'))] };
      case 't':
        return { sql: 'CAST(? AS TEXT)', bound: [Buffer.from(rest, 'hex')] };
      case 'b':
        return { sql: '?', bound: [Buffer.from(rest, 'hex')] };
      default:
        return { sql: 'NULL', bound: [] };
    }
  });
}

/** A value of an image for people. */
export function shownValue(text: string): unknown {
  const rest = text.slice(1);
  if (text[0] === 't') return Buffer.from(rest, 'hex').toString('utf8');
  return text[0] === 'i' || text[0] === 'r' || text[0] === 'b' ? rest : null;
}

/** A name within a statement. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
