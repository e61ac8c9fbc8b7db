import type { Ordinal } from './completion-ordinals.ts';
import type { PgClient } from './pg-client.ts';

/**
 * Creates the completion table where it is missing; docs/completion-rows.md has the same for a migration. The
 * lock is for processes that start at once: CREATE TABLE IF NOT EXISTS alone fails where two meet.
 */
export const ensureTableSql = `
  BEGIN;
  SELECT pg_advisory_xact_lock(hashtextextended('slackwater_completions', 0));
  CREATE TABLE IF NOT EXISTS slackwater_completions (
    key text NOT NULL,
    ordinal integer NOT NULL,
    tombstone boolean NOT NULL DEFAULT false,
    done_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (key, ordinal)
  );
  COMMIT`;

/** One row, `usable`: whether this role can use the table, and whether its key is unique as it must be. */
export const checkTableSql = `
  SELECT has_table_privilege(t.oid, 'SELECT') AND has_table_privilege(t.oid, 'INSERT') AND EXISTS (
      SELECT 1 FROM pg_index i
      WHERE i.indrelid = t.oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL
        AND (SELECT array_agg(a.attname::text ORDER BY a.attname) FROM pg_attribute a
             WHERE a.attrelid = t.oid AND a.attnum = ANY (i.indkey)) = ARRAY['key', 'ordinal']
    ) AND (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = t.oid AND NOT a.attisdropped
           AND a.attname IN ('key', 'ordinal', 'tombstone', 'done_at')) = 4 AS usable
  FROM (SELECT to_regclass('slackwater_completions') AS oid) t WHERE t.oid IS NOT NULL`;

export const findRowsSql =
  'SELECT ordinal, tombstone FROM slackwater_completions WHERE key = $1 ORDER BY ordinal';

/**
 * The lock that transactions of one key share and a shutting out takes alone, so that it waits for those that
 * have inserted their row and not yet ended.
 */
const lockOf = (key: string): string => `hashtextextended(${key}, 7106)`;

export const lockKeySql = `SELECT pg_advisory_xact_lock(${lockOf('$1::text')})`;

export const insertTombstoneSql = `
  INSERT INTO slackwater_completions (key, ordinal, tombstone)
  SELECT $1, 0, true WHERE NOT EXISTS (SELECT 1 FROM slackwater_completions WHERE key = $1)
  ON CONFLICT (key, ordinal) DO NOTHING`;

export const pruneSql = `
  DELETE FROM slackwater_completions WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM slackwater_completions WHERE done_at < now() - $1 * interval '1 millisecond' LIMIT $2))`;

/** The completion row of a transaction. */
export function insertRow({ scope, number }: Ordinal): { text: string; values: readonly unknown[] } {
  return { text: insertText('$1::text', '$2::integer'), values: [scope.key, number] };
}

/** The same as a text without parameters, to stand in one string with a BEGIN. */
export function insertRowSql(client: PgClient, { scope, number }: Ordinal): string {
  return insertText(client.escapeLiteral(scope.key), String(number));
}

function insertText(key: string, ordinal: string): string {
  return (
    'INSERT INTO slackwater_completions (key, ordinal) ' +
    `SELECT ${key}, ${ordinal} FROM (SELECT pg_advisory_xact_lock_shared(${lockOf(key)})) AS once`
  );
}
