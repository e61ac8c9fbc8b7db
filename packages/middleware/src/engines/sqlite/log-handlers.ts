import type { DatabaseSync } from 'node:sqlite';
import { type Handlers, mostAnswerBytes } from './handlers.ts';
import type { ScopeSession } from './scope-session.ts';

const rowsPerStatement = 16;

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
  const select = database.prepare(
    `SELECT entry FROM log_${scope} WHERE position >= ? ORDER BY position LIMIT ?`,
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
      const blobs: Uint8Array[] = [];
      let bytes = 0;
      for (const { entry } of select.iterate(from, limit)) {
        if (!(entry instanceof Uint8Array)) throw new TypeError('an entry of the log is no blob');
        blobs.push(entry);
        bytes += entry.byteLength;
        if (bytes >= mostAnswerBytes) break;
      }
      return { value: null, blobs };
    },
    size: () => ({ value: Number(count.get()?.['size']) }),
  };
}
