import type { DatabaseSync } from 'node:sqlite';
import { type Handlers, mostAnswerBytes } from './handlers.ts';
import type { ScopeSession } from './scope-session.ts';

/** A statement for each number of rows: many at a time cost half as much as one at a time. */
const rowsPerStatement = [64, 8, 1] as const;
const rowsPerRun = 256;

/** The log's calls on the tables of one scope. */
export function logHandlers(
  database: DatabaseSync,
  scope: number,
  session: ScopeSession,
): Handlers<'append' | 'read' | 'size'> {
  const inserts = rowsPerStatement.map((rows) => {
    const values = Array(rows).fill('(?, ?)').join(', ');
    return { rows, statement: database.prepare(`INSERT INTO log_${scope} VALUES ${values}`) };
  });
  // Many entries as one byte string: an object for each row costs four times as much. What SQLite calls a text here is the bytes
  // as they are.
  const selectRun = database.prepare(
    `SELECT CAST(group_concat(entry, '') AS BLOB) AS entries, group_concat(length(entry)) AS lengths, max(position) AS last
      FROM (SELECT position, entry FROM log_${scope} WHERE position >= ? ORDER BY position LIMIT ?)`,
  );
  const count = database.prepare(`SELECT coalesce(max(position) + 1, 0) AS size FROM log_${scope}`);
  return {
    append(_args, entries) {
      const first = session.takePositions(entries.length);
      let at = 0;
      for (const { rows, statement } of inserts) {
        for (; at + rows <= entries.length; at += rows) {
          const run = entries.slice(at, at + rows);
          statement.run(...run.flatMap((entry, index) => [first + at + index, entry]));
        }
      }
      return { value: first };
    },
    read([, from, limit]) {
      const value: string[] = [];
      const blobs: Uint8Array[] = [];
      let [next, bytes] = [from, 0];
      for (let done = 0; done < limit && bytes < mostAnswerBytes; done += rowsPerRun) {
        const { entries, lengths, last } = selectRun.get(next, Math.min(limit - done, rowsPerRun)) ?? {};
        if (typeof lengths !== 'string') break;
        next = Number(last) + 1;
        const blob = entries instanceof Uint8Array ? entries : new Uint8Array(0);
        value.push(lengths);
        blobs.push(blob);
        bytes += blob.byteLength;
      }
      return { value, blobs };
    },
    size: () => ({ value: Number(count.get()?.['size']) }),
  };
}
