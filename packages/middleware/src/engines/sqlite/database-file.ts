import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  type Stats,
  statSync,
  unlinkSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { EngineFailure, isBusy } from './failures.ts';
import type { FileIdentities, FileIdentity, ThreadOptions } from './protocol.ts';
import { applicationId, fileSchema, schemaVersion, wrappedKeySchema } from './schema.ts';

/**
 * How long SQLite itself waits for a lock. Short, because it polls ever more seldom and a busy neighbour
 * would keep it out; who wants to wait longer tries again.
 */
const lockPollMs = 5;

/** Pages of the write-ahead log after which it is copied into the file: 16 MiB. */
const checkpointPages = 4_000;

/** The open file, that of the wrapped keys attached as `keys`, and whether both are still those under their names. */
export interface DatabaseFile {
  readonly database: DatabaseSync;
  readonly identity: FileIdentities;
  /** Throws where a file was removed or replaced: writing on would be writing to nowhere. */
  checkPresence(): void;
}

/** Opens the file, making it and its directory where they are new. Throws what `describeFailure` understands. */
export function openDatabaseFile(options: ThreadOptions): DatabaseFile {
  const { file, keysFile, expected } = options;
  if (expected === undefined) makeFile(options);
  const ledger = identify(file, expected?.ledger);
  const database = new DatabaseSync(file);
  try {
    configure(database, options);
    makeSchema(database, file);
    if (expected === undefined) makeFile({ ...options, file: keysFile });
    const keys = identify(keysFile, expected?.keys);
    attachKeys(database, keysFile);
    return {
      database,
      identity: { ledger, keys },
      checkPresence: () => {
        identify(file, ledger);
        identify(keysFile, keys);
      },
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

function makeFile({ directory, file }: ThreadOptions): void {
  try {
    const made = makeDirectory(directory);
    if (!existsSync(file)) makeEmptyFile(file);
    if (made !== undefined) syncDirectory(dirname(made));
    syncDirectory(directory);
  } catch (error) {
    throw new EngineFailure('engine-unavailable', wayOut(directory, error));
  }
}

/**
 * Gives the uppermost directory that had to be made. Node's own recursive call is not used: where a file system
 * answers ENOENT below a directory that exists, as /proc does, it never returns.
 */
function makeDirectory(directory: string): string | undefined {
  try {
    mkdirSync(directory, 0o700);
    return directory;
  } catch (error) {
    if (statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return undefined;
    if (codeOf(error) !== 'ENOENT' || dirname(directory) === directory) throw error;
  }
  const made = makeDirectory(dirname(directory));
  mkdirSync(directory, 0o700);
  return made ?? directory;
}

/**
 * SQLite gives its side files the mode of the file itself. Made under another name: to close a file gives up all
 * locks that the process has on it, also those of an engine that has just opened it.
 */
function makeEmptyFile(file: string): void {
  const temporary = `${file}.${randomUUID()}.tmp`;
  closeSync(openSync(temporary, 'wx', 0o600));
  try {
    linkSync(temporary, file);
  } catch (error) {
    // Another process was first.
    if (!existsSync(file)) throw error;
  } finally {
    unlinkSync(temporary);
  }
}

function wayOut(directory: string, error: unknown): string {
  const code = codeOf(error);
  const said = error instanceof Error ? error.message : String(error);
  if (code === 'EEXIST' || code === 'ENOTDIR') {
    return `${directory}: a file is where the directory should be; give sqliteEngine another directory (${said})`;
  }
  if (code === 'ENOSPC') return `${directory}: the disk is full; make room (${said})`;
  return `${directory}: the directory cannot be written; let this process's user own it (${said})`;
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : '';

/** Makes new names in a directory durable. Windows has no such call and needs none. */
export function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function configure(database: DatabaseSync, { file, maxBytes }: ThreadOptions): void {
  database.exec(`PRAGMA busy_timeout = ${lockPollMs}`);
  // Before anything is changed: a file of somebody else's must not even be switched to another journal mode.
  checkOwner(database, file);
  const mode = database.prepare('PRAGMA journal_mode = WAL').get()?.['journal_mode'];
  if (mode !== 'wal') {
    throw new EngineFailure(
      'engine-unavailable',
      `${file}: its file system has no shared memory for SQLite's write-ahead log; give a directory on a local disk`,
    );
  }
  database.exec(`PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = ${checkpointPages}`);
  database.exec(`PRAGMA journal_size_limit = ${checkpointPages * 4_096}; PRAGMA trusted_schema = OFF`);
  if (maxBytes !== undefined) {
    const pageBytes = pragma(database, 'page_size');
    database.exec(`PRAGMA max_page_count = ${Math.floor(maxBytes / pageBytes)}`);
  }
}

function checkOwner(database: DatabaseSync, file: string): void {
  const owner = pragma(database, 'application_id');
  const isNew = owner === 0 && pragma(database, 'schema_version') === 0;
  if (isNew) return;
  if (owner !== applicationId) {
    throw new EngineFailure(
      'engine-corrupt',
      `${file}: an SQLite database, but not one of Slackwater's; move it away or give another directory`,
    );
  }
  const version = pragma(database, 'user_version');
  if (version > schemaVersion) {
    throw new EngineFailure(
      'engine-unavailable',
      `${file}: written by a newer Slackwater (tables of version ${version}, this one knows ${schemaVersion}); upgrade`,
    );
  }
}

/** What is deleted of it is overwritten with zeros: a wrapped key that was destroyed must not be found in a free page. */
function attachKeys(database: DatabaseSync, keysFile: string): void {
  try {
    database.prepare('ATTACH DATABASE ? AS keys').run(keysFile);
    const owner = pragma(database, 'application_id', 'keys');
    if (owner !== 0 && owner !== applicationId) {
      throw new EngineFailure(
        'engine-corrupt',
        `${keysFile}: an SQLite database, but not one of Slackwater's; move it away`,
      );
    }
    database.exec(
      'PRAGMA keys.journal_mode = WAL; PRAGMA keys.synchronous = FULL; PRAGMA keys.secure_delete = ON',
    );
    if (owner === 0) database.exec(wrappedKeySchema);
  } catch (error) {
    if (error instanceof EngineFailure || isBusy(error)) throw error;
    const said = error instanceof Error ? error.message : String(error);
    throw new EngineFailure(
      'engine-corrupt',
      `${keysFile}: the database of the wrapped keys can't be used (${said}); put it back from its backup`,
    );
  }
}

function makeSchema(database: DatabaseSync, file: string): void {
  if (pragma(database, 'user_version') === schemaVersion) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    checkOwner(database, file);
    if (pragma(database, 'user_version') === 0) database.exec(fileSchema);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

function pragma(database: DatabaseSync, name: string, schema = 'main'): number {
  return Number(database.prepare(`PRAGMA ${schema}.${name}`).get()?.[name]);
}

function identify(file: string, expected?: FileIdentity): FileIdentity {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats !== undefined && (expected === undefined || isSame(stats, expected))) {
    return { device: stats.dev, inode: stats.ino };
  }
  const happened = stats === undefined ? 'removed' : 'replaced';
  throw new EngineFailure(
    'engine-unavailable',
    `${file}: the file was ${happened} while it was in use; put it back, or start the application anew`,
  );
}

function isSame({ dev, ino }: Stats, { device, inode }: FileIdentity): boolean {
  return dev === device && ino === inode;
}
