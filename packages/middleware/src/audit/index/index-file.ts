import { closeSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { indexApplicationId, indexSchema, indexVersion } from './schema.ts';

/** How long a lock of another process is waited for, ms. */
const busyTimeoutMs = 2_000;
const cacheKib = 16_384;
/** Pages of the write-ahead log after which it is copied into the file: 16 MiB. */
const checkpointPages = 4_000;

const sideFiles = ['', '-wal', '-shm', '-journal'];

/** An open index file. */
export interface IndexFile {
  readonly database: DatabaseSync;
  /** False where the file was deleted or replaced since: what is read and written is nobody's any more. */
  isPresent(): boolean;
  /** Its size, with what is beside it. */
  bytes(): number;
}

/**
 * The index of that ledger in a file, or, where `path` is empty, in a temporary file without a name that is gone with the
 * process. What is not an index of this version and this ledger is thrown away, and a new one is begun; what is a file of
 * somebody else's is left alone, and refused. Throws what SQLite throws, and {@link ForeignFileError}.
 */
export function openIndexFile(path: string, ledger: string): IndexFile {
  if (path === '') return opened(prepared(new DatabaseSync(''), ledger, true), path);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const kept = usable(path, ledger);
  if (kept !== undefined) return opened(kept, path);
  throwAway(path);
  makeEmpty(path);
  return opened(prepared(new DatabaseSync(path), ledger, false), path);
}

/** SQLite gives its side files the mode of the file itself. */
function makeEmpty(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    // Another process was first.
    if (statSync(path, { throwIfNoEntry: false }) === undefined) throw error;
  }
}

/** Deletes an index, with what SQLite has put beside it. */
export function throwAway(path: string): void {
  if (path === '') return;
  for (const suffix of sideFiles) rmSync(path + suffix, { force: true });
}

function usable(path: string, ledger: string): DatabaseSync | undefined {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    if (pragma(database, 'application_id') === 0 && pragma(database, 'schema_version') > 0) {
      throw new ForeignFileError(`${path} is a database of somebody else's; give another directory`);
    }
    configure(database, false);
    const isOurs =
      pragma(database, 'application_id') === indexApplicationId &&
      pragma(database, 'user_version') === indexVersion;
    if (isOurs && database.prepare('SELECT ledger FROM followed').get()?.['ledger'] === ledger)
      return database;
  } catch (error) {
    database?.close();
    if (error instanceof ForeignFileError) throw error;
    return undefined;
  }
  database.close();
  return undefined;
}

/** Somebody else's file has the index's name. */
export class ForeignFileError extends Error {}

function prepared(database: DatabaseSync, ledger: string, isNameless: boolean): DatabaseSync {
  configure(database, isNameless);
  // Two processes may begin at once: the second finds what the first has made.
  database.exec('BEGIN IMMEDIATE');
  if (pragma(database, 'user_version') === 0) {
    database.exec(indexSchema);
    database.prepare('INSERT INTO followed VALUES (?, 0, NULL, 0)').run(ledger);
  }
  database.exec('COMMIT');
  return database;
}

function configure(database: DatabaseSync, isNameless: boolean): void {
  database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA trusted_schema = OFF`);
  database.exec(`PRAGMA cache_size = -${cacheKib}; PRAGMA temp_store = MEMORY`);
  // Without a name there is no write-ahead log; a batch that fails is still to be taken back. With one, what was written last may be
  // lost with the power, and is read from the log again; the file stays whole.
  const journal = isNameless ? 'journal_mode = MEMORY; PRAGMA synchronous = OFF' : 'journal_mode = WAL';
  database.exec(`PRAGMA ${journal}`);
  if (!isNameless) database.exec('PRAGMA synchronous = NORMAL');
  database.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
}

function opened(database: DatabaseSync, path: string): IndexFile {
  const identity = path === '' ? undefined : inodeOf(path);
  return {
    database,
    isPresent: () => path === '' || inodeOf(path) === identity,
    bytes() {
      if (path === '') return pragma(database, 'page_count') * pragma(database, 'page_size');
      return sideFiles.reduce(
        (sum, suffix) => sum + (statSync(path + suffix, { throwIfNoEntry: false })?.size ?? 0),
        0,
      );
    },
  };
}

function inodeOf(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats && `${stats.dev}:${stats.ino}`;
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}
