import { randomUUID } from 'node:crypto';
import { closeSync, linkSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { indexApplicationId, indexSchema, indexVersion } from './schema.ts';

/** How long a lock of another process is waited for, ms. */
const busyTimeoutMs = 2_000;
const mostTries = 3;
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
  for (let tries = 1; ; tries++) {
    try {
      return openOnce(path, ledger);
    } catch (error) {
      // SQLite does not wait in all that it does while several begin at once.
      if (!isBusy(error) || tries === mostTries) throw error;
    }
  }
}

function openOnce(path: string, ledger: string): IndexFile {
  if (path === '') return opened(prepared(new DatabaseSync(''), ledger, true), path);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const kept = look(path, ledger);
  if (typeof kept !== 'string') return opened(kept, path);
  if (kept === 'unusable') throwAway(path);
  makeEmpty(path);
  return opened(prepared(new DatabaseSync(path, { timeout: busyTimeoutMs }), ledger, false), path);
}

/**
 * SQLite gives its side files the mode of the file itself. It is made under another name: closing a file takes from all threads of the
 * process the locks that they have on it (POSIX), and one of them may be at work in it already.
 */
function makeEmpty(path: string): void {
  const made = `${path}-${randomUUID()}`;
  closeSync(openSync(made, 'wx', 0o600));
  try {
    linkSync(made, path);
  } catch (error) {
    // Another process was first, or the file system has no links.
    if (statSync(path, { throwIfNoEntry: false }) === undefined) renameSync(made, path);
    else if (Object(error).code !== 'EEXIST') throw error;
  } finally {
    rmSync(made, { force: true });
  }
}

/** Deletes an index, with what SQLite has put beside it. */
export function throwAway(path: string): void {
  if (path === '') return;
  for (const suffix of sideFiles) rmSync(path + suffix, { force: true });
}

/** The index that is there. One without anything in it is another process's that is just being made: it must not be deleted. */
function look(path: string, ledger: string): DatabaseSync | 'empty' | 'unusable' {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return 'empty';
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: busyTimeoutMs });
    // In this order: whoever makes it meanwhile gives it tables and id at once.
    if (pragma(database, 'schema_version') === 0) {
      database.close();
      return 'empty';
    }
    if (pragma(database, 'application_id') === 0) {
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
    if (error instanceof ForeignFileError || isBusy(error)) throw error;
    return 'unusable';
  }
  database.close();
  return 'unusable';
}

/** Another process is at work in it for longer than anybody waits: it is no worse for that. */
function isBusy(error: unknown): boolean {
  const code: unknown = Object(error).errcode;
  return typeof code === 'number' && (code & 0xff) === 5;
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
