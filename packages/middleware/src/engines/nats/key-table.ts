import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** A key, and the number of its message that the index keeps. */
export interface IndexedKey {
  readonly key: string;
  readonly seq: number;
}

/** Of which stream, and how far that is: a table that knows of another one, or of more, is thrown away. */
export interface StreamEnd {
  readonly created: string;
  readonly newest: number;
}

/** Where a table is, and of what. */
export interface KeyTablePlace {
  /** Undefined: on the temporary disk, gone with the process. */
  readonly directory: string | undefined;
  /** The file's. */
  readonly name: string;
  readonly end: StreamEnd;
  /** Of several messages with one key, which one's number is kept. */
  readonly keeps: 'first' | 'last';
}

/** Greater than every character that a key may have. */
const beyondKeys = '\x7f';

const schema = `
  CREATE TABLE IF NOT EXISTS key (name TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS followed (subject TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS stream (created TEXT PRIMARY KEY) WITHOUT ROWID;
`;

/**
 * Keys in order, and how far they were followed. It can be thrown away, and is where it is damaged: in a directory, to go on
 * from at the next start, also by several processes; or without a name, on the temporary disk and gone with the process.
 */
export class KeyTable {
  readonly #database: DatabaseSync;
  readonly #seqsOf;
  readonly #add;
  readonly #removeIfStill;
  readonly #removeBelow;
  readonly #note;
  readonly #noted;
  readonly #forward;
  readonly #backward;

  /** The table in a directory, or one without a name. */
  static open({ directory, name, end, keeps }: KeyTablePlace): KeyTable {
    if (directory === undefined) return new KeyTable('', keeps);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const file = join(directory, name);
    const kept = usable(file, end, keeps);
    if (kept !== undefined) return kept;
    for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
    const made = new KeyTable(file, keeps);
    made.#database.prepare('INSERT INTO stream VALUES (?)').run(end.created);
    return made;
  }

  constructor(file: string, keeps: KeyTablePlace['keeps']) {
    const database = new DatabaseSync(file);
    this.#database = database;
    database.exec('PRAGMA busy_timeout = 1000; PRAGMA cache_size = -4000;');
    // Nothing in it must survive more than the process.
    database.exec(`PRAGMA journal_mode = ${file === '' ? 'OFF' : 'WAL'}; PRAGMA synchronous = OFF;`);
    database.exec(schema);
    const better = keeps === 'first' ? 'min' : 'max';
    this.#add = database.prepare(
      `INSERT INTO key SELECT value ->> 0, value ->> 1 FROM json_each(?) WHERE true
       ON CONFLICT (name) DO UPDATE SET seq = ${better}(seq, excluded.seq)`,
    );
    this.#seqsOf = database.prepare(
      'SELECT name, seq FROM key WHERE name IN (SELECT value FROM json_each(?))',
    );
    this.#removeIfStill = database.prepare('DELETE FROM key WHERE name = ? AND seq = ?');
    this.#removeBelow = database.prepare(
      'DELETE FROM key WHERE seq < ? AND name IN (SELECT value FROM json_each(?))',
    );
    this.#note = database.prepare('INSERT OR REPLACE INTO followed VALUES (?, ?)');
    this.#noted = database.prepare('SELECT seq FROM followed WHERE subject = ?');
    this.#forward = database.prepare(
      'SELECT name, seq FROM key WHERE name > ? AND name >= ? AND name < ? ORDER BY name LIMIT ?',
    );
    this.#backward = database.prepare(
      'SELECT name, seq FROM key WHERE name >= ? AND name < ? ORDER BY name DESC LIMIT ?',
    );
  }

  /** How far a subject was followed; 0 where it was not. */
  followed(subject: string): number {
    return Number(this.#noted.get(subject)?.['seq'] ?? 0);
  }

  /** The numbers of keys, as far as they are known. */
  seqsOf(keys: readonly string[]): Map<string, number> {
    const rows = this.#seqsOf.all(JSON.stringify(keys));
    return new Map(rows.map((row) => [String(row['name']), Number(row['seq'])]));
  }

  /** Takes in keys, and then how far which subject was followed. */
  apply(keys: ReadonlyMap<string, number>, followed: Iterable<readonly [string, number]>): void {
    this.#database.exec('BEGIN IMMEDIATE');
    // One statement for all: to go over to SQLite and back costs more than a row.
    this.#add.run(JSON.stringify([...keys]));
    for (const [subject, seq] of followed) this.#note.run(subject, seq);
    this.#database.exec('COMMIT');
  }

  /** Keys with a prefix, behind `after`. */
  page(prefix: string, limit: number, after: string | undefined, reverse: boolean): readonly IndexedKey[] {
    const end = prefix + beyondKeys;
    const rows = reverse
      ? this.#backward.all(prefix, after !== undefined && after < end ? after : end, limit)
      : this.#forward.all(after ?? '', prefix, end, limit);
    return rows.map((row) => ({ key: String(row['name']), seq: Number(row['seq']) }));
  }

  /** Removes a key unless it was written again. */
  forget({ key, seq }: IndexedKey): void {
    this.#removeIfStill.run(key, seq);
  }

  /** Removes keys whose numbers are lower than that. */
  forgetBelow(seq: number, keys: readonly string[]): void {
    this.#removeBelow.run(seq, JSON.stringify(keys));
  }

  close(): void {
    this.#database.close();
  }

  /** Whether it is of that stream, knows of no more than there is, and is whole. */
  isOf({ created, newest }: StreamEnd): boolean {
    const of = this.#database.prepare('SELECT created FROM stream').get()?.['created'];
    const most = Number(this.#database.prepare('SELECT max(seq) AS seq FROM followed').get()?.['seq'] ?? 0);
    const check = this.#database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
    return of === created && most <= newest && check === 'ok';
  }
}

/** Opens a table; where the directory can't be written, one without a name, after telling so. */
export function openKeyTable(
  place: KeyTablePlace,
  onTrouble: (doing: string, error: unknown) => void,
): KeyTable {
  try {
    return KeyTable.open(place);
  } catch (error) {
    onTrouble(
      `opening the index in ${place.directory ?? 'the temporary directory'}; it goes on without`,
      error,
    );
    return new KeyTable('', place.keeps);
  }
}

function usable(file: string, end: StreamEnd, keeps: KeyTablePlace['keeps']): KeyTable | undefined {
  let table: KeyTable | undefined;
  try {
    table = new KeyTable(file, keeps);
    if (table.isOf(end)) return table;
  } catch {
    // Damaged, or no such file at all: it is made anew.
  }
  table?.close();
  return undefined;
}
