import type { DatabaseSync } from 'node:sqlite';
import { type Handlers, mostAnswerBytes } from './handlers.ts';
import type { ScopeSession } from './scope-session.ts';

const rowsPerStatement = 16;
const rowsPerRun = 256;

/** The log's calls on the tables of one scope. */
export function logHandlers(
  database: DatabaseSync,
  scope: number,
  session: ScopeSession,
): Handlers<'append' | 'read' | 'size'> {
  const insert = database.prepare(`INSERT INTO log_${scope} VALUES (?, ?)`);
  const insertMany = database.prepare(
    `INSERT INTO log_${scope} VALUES ${Array(rowsPerStatement).fill('(?, ?)').join(', ')}`,
  );
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
      const inMany = entries.length - (entries.length % rowsPerStatement);
      for (let at = 0; at < inMany; at += rowsPerStatement) {
        const rows = entries.slice(at, at + rowsPerStatement);
        insertMany.run(...rows.flatMap((entry, index) => [first + at + index, entry]));
      }
      entries.slice(inMany).forEach((entry, index) => {
        insert.run(first + inMany + index, entry);
      });
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
