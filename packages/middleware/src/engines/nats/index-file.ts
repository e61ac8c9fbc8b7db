import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * A local index that can be thrown away: in a directory, to go on from at the next start, or without a name, on the
 * temporary disk and gone with the process. Nothing in it must be durable, so nothing waits for the disk.
 */
export function openIndexFile(directory: string | undefined, name: string): DatabaseSync {
  if (directory === undefined) return prepare(new DatabaseSync(''));
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return prepare(new DatabaseSync(join(directory, name)));
}

function prepare(database: DatabaseSync): DatabaseSync {
  database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -4000;');
  return database;
}
