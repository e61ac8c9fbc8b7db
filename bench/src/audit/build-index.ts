import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import {
  columnOf,
  dimensions,
  indexSchema,
  positionsPerSpan,
} from '../../../packages/middleware/dist/audit/index/schema.js';

/** Three entries for each deferral: accepted, performing, and how it ended. */
export const entriesEach = 3;

const msBetween = 20;
const begunAt = Date.parse('2026-01-01T00:00:00.000Z');

/** How many values each dimension has: few work types, many requesters. */
export const values = { workTypes: 3, partitions: 16, operations: 12, requesters: 100_000 } as const;

/** The newest entry of the log that such an index was made of. */
export const newestEntry: Uint8Array = Buffer.from('the newest of them');

/** Whose index it is. */
export const ledgerName = 'bench';

/**
 * Builds the index of so many entries as the entries themselves would make it, by SQL: each deferral was accepted, performed at once and
 * ended, one in fifty as failed, the newest 1,000 are queued.
 */
export function buildIndex(path: string, entries: number): void {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000');
  database.exec(indexSchema);
  const columns = Object.values(columnOf);
  for (const column of columns) database.exec(`DROP INDEX by_${column}`);
  database.exec('DROP INDEX steps_of');
  const deferrals = Math.floor(entries / entriesEach);
  database.exec('BEGIN');
  insertWords(database);
  const { workTypes, partitions, operations, requesters } = values;
  const first = { workType: 1, partition: 1 + workTypes, operation: 1 + workTypes + partitions };
  const firstRequester = first.operation + operations;
  database.exec(`
    WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n + 1 < ${deferrals})
    INSERT INTO deferral
    SELECT n * ${entriesEach}, printf('01%024d', n), ${begunAt} + n * ${msBetween}, 40,
      ${first.operation} + n % ${operations}, ${first.workType} + n % ${workTypes}, ${first.partition} + n % ${partitions},
      ${firstRequester} + (n * 7919) % ${requesters},
      CASE WHEN n >= ${deferrals - 1_000} THEN 0 WHEN n % 50 = 0 THEN 10 ELSE 9 END,
      n * ${entriesEach} + 2, 1, 0, 1, CASE WHEN n % 50 = 0 THEN 'route-refused' END
    FROM n;
    INSERT INTO step SELECT position + 1, position, 0, position FROM deferral WHERE state <> 0
      UNION ALL SELECT position + 2, position, 4, position + 1 FROM deferral WHERE state <> 0 ORDER BY 1;
    INSERT INTO span SELECT position / ${positionsPerSpan}, min(created), max(created) FROM deferral GROUP BY 1;
    INSERT INTO tally SELECT ${dimensions.state}, 0, state, count(*) FROM deferral GROUP BY state;
  `);
  for (const name of ['workType', 'partition', 'requester', 'operation'] as const) {
    database.exec(
      `INSERT INTO tally SELECT ${dimensions[name]}, ${columnOf[name]}, state, count(*) FROM deferral GROUP BY 2, 3`,
    );
  }
  database
    .prepare('INSERT INTO followed VALUES (?, ?, ?, 0)')
    .run(ledgerName, deferrals * entriesEach, createHash('sha256').update(newestEntry).digest());
  database.exec('COMMIT');
  for (const column of columns) database.exec(`CREATE INDEX by_${column} ON deferral (${column})`);
  database.exec('CREATE INDEX steps_of ON step (deferral)');
  database.close();
}

function insertWords(database: DatabaseSync): void {
  const insert = database.prepare('INSERT INTO word (dimension, text) VALUES (?, ?)');
  const add = (name: keyof typeof dimensions, count: number, text: (n: number) => string): void => {
    for (let n = 0; n < count; n++) insert.run(dimensions[name], text(n));
  };
  add('workType', values.workTypes, (n) => `work ${n}`);
  add('partition', values.partitions, (n) => `shard ${n}`);
  add('operation', values.operations, (n) => `POST /payments/${n}/:id/settle`);
  add('requester', values.requesters, requesterOf);
}

/** The pseudonym of a requester, by number. */
export function requesterOf(n: number): string {
  return `requester-${String(n).padStart(12, '0')}`;
}

/** When the deferral of that number was accepted, Unix milliseconds. */
export function acceptedAt(n: number): number {
  return begunAt + n * msBetween;
}
