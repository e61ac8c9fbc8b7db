// What undoing a task's changes to rows takes: a table of row images, and a trigger that writes them in the transaction of the change. Only
// transactions that name a task (the setting slackwater.undo_key) leave any.
//
// An image is the row as PostgreSQL writes it as a text, under settings by which every value can be read back exactly. So two rows are the same where their
// images are. With it stands of which columns the row was: a table that was changed since has no such rows any more.

const settings: readonly (readonly [name: string, value: string])[] = [
  ['timezone', 'UTC'],
  ['datestyle', 'ISO, YMD'],
  ['intervalstyle', 'postgres'],
  ['extra_float_digits', '1'],
  ['bytea_output', 'hex'],
];

/** Has the transaction that is under way read and write values as images have them. */
export const readImagesSql: string = settings
  .map(([name, value]) => `SET LOCAL ${name} = '${value}'`)
  .join('; ');

/** Creates table and function where they are missing. The lock is for processes that start at once. */
export const ensureImagesSql: string = `
  BEGIN;
  SELECT pg_advisory_xact_lock(hashtextextended('slackwater_row_images', 0));
  CREATE TABLE IF NOT EXISTS slackwater_row_images (
    key text NOT NULL,
    ordinal bigint GENERATED ALWAYS AS IDENTITY,
    relation oid NOT NULL,
    columns text NOT NULL,
    before text,
    after text,
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (key, ordinal)
  );
  CREATE OR REPLACE FUNCTION slackwater_keep_image() RETURNS trigger LANGUAGE plpgsql
  ${settings.map(([name, value]) => `SET ${name} = '${value}'`).join(' ')} AS $$
  BEGIN
    IF coalesce(current_setting('slackwater.undo_key', true), '') <> '' THEN
      INSERT INTO slackwater_row_images (key, relation, columns, before, after) VALUES (
        current_setting('slackwater.undo_key'), TG_RELID, TG_ARGV[0],
        CASE WHEN TG_OP <> 'INSERT' THEN OLD::text END, CASE WHEN TG_OP <> 'DELETE' THEN NEW::text END);
    END IF;
    RETURN NULL;
  END $$;
  COMMIT`;

/** Which columns a table has, as one text. */
const columnsOf = (relation: string): string => `
  (SELECT md5(string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ',' ORDER BY a.attname))
   FROM pg_attribute a WHERE a.attrelid = ${relation} AND a.attnum > 0 AND NOT a.attisdropped)`;

/** One row for a table that exists: its own name, quoted, its columns, and its primary key's, none where it has no primary key. */
export const describeTableSql: string = `
  SELECT t.oid::oid AS oid, t.oid::regclass::text AS name, ${columnsOf('t.oid')} AS columns,
    (SELECT array_agg(a.attname::text) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
     WHERE i.indrelid = t.oid AND i.indisprimary) AS key
  FROM (SELECT to_regclass($1) AS oid) t WHERE t.oid IS NOT NULL`;

/** Tables whose rows are changed with those of a table ($1) and that are none of those ($2). */
export const takenWithItSql = `
  SELECT conrelid::regclass::text AS name FROM pg_constraint
  WHERE contype = 'f' AND confrelid = $1 AND NOT conrelid = ANY ($2::oid[])
    AND (confdeltype IN ('c', 'n', 'd') OR confupdtype IN ('c', 'n', 'd')) LIMIT 1`;

/** Names the task in the transaction that is under way. */
export const nameTaskSql = "SELECT set_config('slackwater.undo_key', $1, true)";

/** Has a table's changes leave images; `name` is quoted already. */
export function watchTableSql(name: string, columns: string): string {
  return `CREATE OR REPLACE TRIGGER slackwater_keep_image AFTER INSERT OR UPDATE OR DELETE ON ${name}
    FOR EACH ROW EXECUTE FUNCTION slackwater_keep_image('${columns}')`;
}

/** Takes the images of a task away, the newest first, and gives them. */
export const takeImagesSql: string = `
  WITH taken AS (DELETE FROM slackwater_row_images WHERE key = $1 RETURNING ordinal, relation, columns, before, after)
  SELECT relation::oid, relation::regclass::text AS name, columns = ${columnsOf('relation')} AS is_same, before, after
  FROM taken ORDER BY ordinal DESC`;

/** The columns that can be written, quoted, and those of the primary key. */
export const columnsSql = `
  SELECT quote_ident(a.attname) AS name, EXISTS (SELECT 1 FROM pg_index i
    WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY (i.indkey)) AS key
  FROM pg_attribute a WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
  ORDER BY a.attnum`;

/** A column of a table, its name quoted. */
export interface ImageColumn {
  readonly name: string;
  readonly key: boolean;
}

/** The row of an image ($1), for people: one value, an object. */
export function showImageSql(table: string): string {
  return `SELECT to_jsonb($1::text::${table})::text AS row`;
}

/** Takes back an insert: deletes the row ($1) unless it is another by now. */
export function undoInsertSql(table: string, columns: readonly ImageColumn[]): string {
  return `DELETE FROM ${table} t USING (SELECT ($1::text::${table}).*) was WHERE ${sameKey(columns)} AND t::text = $1::text`;
}

/** Takes back an update: writes what was before ($2) over the row ($1) unless it is another by now. */
export function undoUpdateSql(table: string, columns: readonly ImageColumn[]): string {
  const names = columns.map(({ name }) => name).join(', ');
  return `UPDATE ${table} t SET (${names}) = ROW(${columns.map(({ name }) => `earlier.${name}`).join(', ')})
    FROM (SELECT ($1::text::${table}).*) was, (SELECT ($2::text::${table}).*) earlier
    WHERE ${sameKey(columns)} AND t::text = $1::text`;
}

/** Takes back a delete: inserts the row ($1) unless one with its key is there by now. */
export function undoDeleteSql(table: string, columns: readonly ImageColumn[]): string {
  const names = columns.map(({ name }) => name);
  return `INSERT INTO ${table} (${names.join(', ')}) OVERRIDING SYSTEM VALUE
    SELECT ${names.map((name) => `was.${name}`).join(', ')} FROM (SELECT ($1::text::${table}).*) was
    ON CONFLICT DO NOTHING`;
}

function sameKey(columns: readonly ImageColumn[]): string {
  return columns.flatMap(({ name, key }) => (key ? [`t.${name} = was.${name}`] : [])).join(' AND ');
}
