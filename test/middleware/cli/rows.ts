import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { Bench } from '../ledger/ledgers.ts';

/** What a database file has of its one ledger, as bytes: no engine stands between. */
export interface Rows {
  /** By position. */
  readonly log: readonly unknown[];
  /** Blocks, by height. */
  readonly blocks: readonly unknown[];
  /** Everything else that is no cache: key, value and expiry, by key. */
  readonly values: readonly unknown[];
}

/** Reads what a copy must carry. */
export function rowsOf(bench: Bench): Rows {
  return bench.database((database) => ({
    log: all(database, 'SELECT position, hex(entry) AS entry FROM log_1 ORDER BY position'),
    blocks: all(
      database,
      "SELECT key, hex(value) AS value FROM store_1 WHERE key LIKE 'blocks/%' ORDER BY key",
    ),
    values: all(
      database,
      `SELECT key, hex(value) AS value, expires_at FROM store_1
         WHERE key NOT LIKE 'blocks/%' AND key NOT LIKE 'deferral/%' AND key NOT LIKE 'tile/%' AND key NOT LIKE 'recovery/%' AND key NOT LIKE 'work-types/%'
         ORDER BY key`,
    ),
  }));
}

function all(database: DatabaseSync, sql: string): Record<string, SQLOutputValue>[] {
  return database.prepare(sql).all();
}
