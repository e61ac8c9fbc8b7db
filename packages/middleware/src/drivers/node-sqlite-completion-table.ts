/** Creates the completion table where it is missing; docs/completion-rows.md has the same for a migration. */
export const ensureTableSql = `
  CREATE TABLE IF NOT EXISTS main.slackwater_completions (
    key TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    tombstone INTEGER NOT NULL DEFAULT 0,
    done_at INTEGER NOT NULL DEFAULT (unixepoch()),
    PRIMARY KEY (key, ordinal)
  ) STRICT, WITHOUT ROWID`;

/** One row: how many of its columns are as they must be, and how many of its unique keys; 0 of either where it is missing. */
export const checkTableSql = `
  SELECT
    (SELECT count(*) FROM pragma_table_info('slackwater_completions', 'main')
     WHERE name = 'key' AND type = 'TEXT' OR name = 'ordinal' AND type = 'INTEGER'
       OR name IN ('tombstone', 'done_at')) AS columns,
    (SELECT count(*) FROM pragma_index_list('slackwater_completions', 'main') AS i
     WHERE i."unique" = 1 AND i.partial = 0 AND (
       SELECT group_concat(name || ' ' || coll) FROM (
         SELECT name, coll FROM pragma_index_xinfo(i.name, 'main') WHERE key = 1 ORDER BY name)
     ) = 'key BINARY,ordinal BINARY') AS keys`;

export const insertRowSql = 'INSERT INTO main.slackwater_completions (key, ordinal) VALUES (?, ?)';

export const findRowsSql =
  'SELECT ordinal, tombstone FROM main.slackwater_completions WHERE key = ? ORDER BY ordinal';

export const insertTombstoneSql =
  'INSERT INTO main.slackwater_completions (key, ordinal, tombstone) VALUES (?, 0, 1)';

export const pruneSql = `
  DELETE FROM main.slackwater_completions WHERE (key, ordinal) IN (
    SELECT key, ordinal FROM main.slackwater_completions WHERE done_at < unixepoch('subsec') - ? / 1000.0 LIMIT ?)`;
