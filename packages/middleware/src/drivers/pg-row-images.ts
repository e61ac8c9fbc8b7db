// What undoing a task's changes to rows takes: a table of row images, and a trigger that writes them in the transaction of the change. Only
// transactions that name a task (the setting slackwater.undo_key) leave any.

/** Creates table and function where they are missing. The lock is for processes that start at once. */
export const ensureImagesSql = `
  BEGIN;
  SELECT pg_advisory_xact_lock(hashtextextended('slackwater_row_images', 0));
  CREATE TABLE IF NOT EXISTS slackwater_row_images (
    key text NOT NULL,
    ordinal bigint GENERATED ALWAYS AS IDENTITY,
    relation oid NOT NULL,
    before jsonb,
    after jsonb,
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (key, ordinal)
  );
  CREATE OR REPLACE FUNCTION slackwater_keep_image() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF coalesce(current_setting('slackwater.undo_key', true), '') <> '' THEN
      INSERT INTO slackwater_row_images (key, relation, before, after) VALUES (
        current_setting('slackwater.undo_key'), TG_RELID,
        CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
    END IF;
    RETURN NULL;
  END $$;
  COMMIT`;

/** One row for a table that exists: its own name, quoted, and its primary key's columns, none where it has no primary key. */
export const describeTableSql = `
  SELECT t.oid, t.oid::regclass::text AS name,
    (SELECT array_agg(a.attname::text) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
     WHERE i.indrelid = t.oid AND i.indisprimary) AS key
  FROM (SELECT to_regclass($1) AS oid) t WHERE t.oid IS NOT NULL`;

/** Names the task in the transaction that is under way. */
export const nameTaskSql = "SELECT set_config('slackwater.undo_key', $1, true)";

/** Has a table's changes leave images; `name` is quoted already. */
export function watchTableSql(name: string): string {
  return `CREATE OR REPLACE TRIGGER slackwater_keep_image AFTER INSERT OR UPDATE OR DELETE ON ${name}
    FOR EACH ROW EXECUTE FUNCTION slackwater_keep_image()`;
}

/** Takes the images of a task away, the newest first, and gives them. */
export const takeImagesSql = `
  WITH taken AS (DELETE FROM slackwater_row_images WHERE key = $1 RETURNING ordinal, relation, before, after)
  SELECT relation::oid, relation::regclass::text AS name, before::text, after::text FROM taken ORDER BY ordinal DESC`;

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

/** Takes back an insert: deletes the row ($1) unless it is another by now. */
export function undoInsertSql(table: string, columns: readonly ImageColumn[]): string {
  return `DELETE FROM ${table} t USING jsonb_populate_record(NULL::${table}, $1::jsonb) was
    WHERE ${sameKey(columns)} AND to_jsonb(t) = $1::jsonb`;
}

/** Takes back an update: writes what was before ($2) over the row ($1) unless it is another by now. */
export function undoUpdateSql(table: string, columns: readonly ImageColumn[]): string {
  const names = columns.map(({ name }) => name).join(', ');
  return `UPDATE ${table} t SET (${names}) = ROW(${columns.map(({ name }) => `earlier.${name}`).join(', ')})
    FROM jsonb_populate_record(NULL::${table}, $1::jsonb) was, jsonb_populate_record(NULL::${table}, $2::jsonb) earlier
    WHERE ${sameKey(columns)} AND to_jsonb(t) = $1::jsonb`;
}

/** Takes back a delete: inserts the row ($1) unless one with its key is there by now. */
export function undoDeleteSql(table: string, columns: readonly ImageColumn[]): string {
  const names = columns.map(({ name }) => name);
  return `INSERT INTO ${table} (${names.join(', ')}) OVERRIDING SYSTEM VALUE
    SELECT ${names.map((name) => `was.${name}`).join(', ')} FROM jsonb_populate_record(NULL::${table}, $1::jsonb) was
    ON CONFLICT DO NOTHING`;
}

function sameKey(columns: readonly ImageColumn[]): string {
  return columns.flatMap(({ name, key }) => (key ? [`t.${name} = was.${name}`] : [])).join(' AND ');
}
