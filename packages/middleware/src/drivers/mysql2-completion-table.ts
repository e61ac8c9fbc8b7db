import { hash } from 'node:crypto';
import type { Ordinal } from './completion-ordinals.ts';
import type { Mysql2ConnectionConfig } from './mysql2-client.ts';

/** The statements about one database's completion rows. Values stand in them as hexadecimal digits, which no SQL mode and no character set changes. */
export interface Mysql2CompletionTable {
  /** Creates it where it is missing; docs/completion-rows.md has the same for a migration. */
  readonly ensure: string;
  /** One row of what is known of it: engine, columns as they must be, unique keys as they must be; none where it is missing. */
  readonly check: string;
  /** Refused where it must not be written to or read. They do neither. */
  readonly checkRights: readonly string[];
  /** The completion row of a transaction. */
  insertRow(ordinal: Ordinal): string;
  find(key: string): string;
  /** The same, and nobody else can insert a row of the key until the transaction ends; waits for those that have. */
  findAlone(key: string): string;
  insertTombstone(key: string): string;
  prune(olderThanMs: number, limit: number): string;
}

/** The longest key that the table must take, in bytes. Of a longer one it has the hash: a key that was cut off could be another one's. */
const keyBytes = 128;

/** The table in the database that a connection is configured for, whichever it uses by then; else in the one it uses. */
export function completionTableOf({
  database,
}: Pick<Mysql2ConnectionConfig, 'database'>): Mysql2CompletionTable {
  const schema =
    database === undefined || database === '' ? 'DATABASE()' : `CONVERT(${hex(database)} USING utf8)`;
  const prefix = database === undefined || database === '' ? '' : `\`${database.replaceAll('`', '``')}\`.`;
  const table = `${prefix}slackwater_completions`;
  return {
    ensure: `CREATE TABLE IF NOT EXISTS ${table} (
      \`key\` varbinary(${keyBytes}) NOT NULL,
      ordinal int NOT NULL,
      tombstone boolean NOT NULL DEFAULT false,
      done_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
      PRIMARY KEY (\`key\`, ordinal)
    ) ENGINE = InnoDB`,
    check: `SELECT t.ENGINE,
      (SELECT count(*) FROM information_schema.COLUMNS c
       WHERE c.TABLE_SCHEMA = t.TABLE_SCHEMA AND c.TABLE_NAME = t.TABLE_NAME AND (
         c.COLUMN_NAME = 'key' AND c.DATA_TYPE = 'varbinary' AND c.CHARACTER_MAXIMUM_LENGTH >= ${keyBytes}
         OR c.COLUMN_NAME = 'ordinal' AND c.DATA_TYPE IN ('int', 'bigint')
         OR c.COLUMN_NAME IN ('tombstone', 'done_at'))),
      (SELECT count(*) FROM (
         SELECT s.TABLE_SCHEMA AS held_by, s.TABLE_NAME AS held_as FROM information_schema.STATISTICS s WHERE s.NON_UNIQUE = 0
         GROUP BY s.TABLE_SCHEMA, s.TABLE_NAME, s.INDEX_NAME
         HAVING count(*) = 2 AND sum(s.COLUMN_NAME IN ('key', 'ordinal') AND s.SUB_PART IS NULL) = 2) u
       WHERE u.held_by = t.TABLE_SCHEMA AND u.held_as = t.TABLE_NAME)
      FROM information_schema.TABLES t
      WHERE t.TABLE_SCHEMA = ${schema} AND t.TABLE_NAME = 'slackwater_completions'`,
    checkRights: [
      `INSERT INTO ${table} (\`key\`, ordinal) SELECT x'', 0 FROM DUAL WHERE false`,
      `SELECT ordinal FROM ${table} LIMIT 0`,
    ],
    insertRow: ({ scope, number }) =>
      `INSERT INTO ${table} (\`key\`, ordinal) VALUES (${keyOf(scope.key)}, ${number})`,
    find: (key) => `SELECT ordinal, tombstone FROM ${table} WHERE \`key\` = ${keyOf(key)} ORDER BY ordinal`,
    findAlone: (key) =>
      `SELECT ordinal, tombstone FROM ${table} WHERE \`key\` = ${keyOf(key)} ORDER BY ordinal LOCK IN SHARE MODE`,
    insertTombstone: (key) =>
      `INSERT INTO ${table} (\`key\`, ordinal, tombstone) VALUES (${keyOf(key)}, 0, true)`,
    prune: (olderThanMs, limit) =>
      `DELETE FROM ${table} WHERE done_at < NOW(3) - INTERVAL ${Math.round(olderThanMs * 1000)} MICROSECOND LIMIT ${limit}`,
  };
}

function keyOf(key: string): string {
  return hex(Buffer.byteLength(key) <= keyBytes ? key : `sha256:${hash('sha256', key)}`);
}

function hex(text: string): string {
  return `x'${Buffer.from(text, 'utf8').toString('hex')}'`;
}
