import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { fileSchema, wrappedKeySchema } from '../../../../packages/middleware/src/engines/sqlite/schema.ts';
import { openTables } from '../../../../packages/middleware/src/engines/sqlite/scope-tables.ts';

/** Keeps the text of every statement that is prepared on it. */
class RecordingDatabase extends DatabaseSync {
  readonly texts: string[] = [];

  override prepare(...args: Parameters<DatabaseSync['prepare']>): ReturnType<DatabaseSync['prepare']> {
    this.texts.push(args[0]);
    return super.prepare(...args);
  }
}

function recordedStatements(): { database: RecordingDatabase; texts: string[] } {
  const database = new RecordingDatabase(':memory:');
  database.exec(`${fileSchema} ATTACH DATABASE ':memory:' AS keys; ${wrappedKeySchema}`);
  const tables = openTables(database);
  tables.begin();
  tables.perform({ name: 'scope', args: ['shop', 'main'], blobs: [] });
  tables.perform({ name: 'size', args: [1], blobs: [] });
  return {
    database,
    texts: database.texts.filter((text) => /(log|store|queue|backlog)_1|wrapped_key/.test(text)),
  };
}

describe('statements of the embedded engine', () => {
  it('finds rows by an index in every statement, never by going through a table', () => {
    const { database, texts } = recordedStatements();
    expect(texts.length).toBeGreaterThan(30);
    const scans = texts.flatMap((text) =>
      database
        .prepare(`EXPLAIN QUERY PLAN ${text}`)
        .all()
        .map((row) => String(row['detail']))
        // A subquery is no table: what it finds its rows by is a line of its own.
        .filter((detail) => detail.startsWith('SCAN') && !/CONSTANT ROW|VALUES CLAUSE|subquery/.test(detail))
        .map((detail) => `${detail}: ${text}`),
    );
    // One row for each partition that has items: the backlog, and which partitions have one, is all of them.
    const isBacklog = expect.stringMatching(/^SCAN backlog_1: SELECT partition(?:, items)? FROM/);
    expect(scans).toEqual([isBacklog, isBacklog]);
  });

  it('claims by the indexes made for it', () => {
    const { database, texts } = recordedStatements();
    const planOf = (pattern: RegExp): string => {
      const text = texts.find((each) => pattern.test(each));
      if (text === undefined) throw new Error(`no statement like ${pattern}`);
      const rows = database.prepare(`EXPLAIN QUERY PLAN ${text}`).all();
      return rows.map((row) => String(row['detail'])).join('; ');
    };
    expect(planOf(/state = 'ready' ORDER BY priority, position/)).toBe(
      'SEARCH queue_1 USING INDEX queue_1_ready (partition=?)',
    );
    expect(planOf(/ORDER BY position, number/)).toBe(
      'SEARCH queue_1 USING INDEX queue_1_order (order_key=?)',
    );
    expect(planOf(/SET state = 'ready' WHERE number IN/)).toContain('queue_1_waiting');
  });
});
