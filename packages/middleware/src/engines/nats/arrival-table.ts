import type { DatabaseSync, StatementSync } from 'node:sqlite';

// Arrivals are taken out of the stream when each of their items has a message of its own. As long as one is there a host that
// reads the stream from its beginning finds in it what has long left the queue, so the messages that say so stay as long.

/** That no arrival which is still in the stream has the item of a row. */
export const isNotInArrival =
  '(arrival IS NULL OR arrival NOT IN (SELECT seq FROM arrival)) AND id NOT IN (SELECT id FROM named)';

/** The arrivals that the stream has, beside the table of items. */
export class ArrivalTable {
  readonly #begin: StatementSync;
  readonly #count: StatementSync;
  readonly #name: StatementSync;
  readonly #spent: StatementSync;
  readonly #forget: readonly StatementSync[];

  constructor(database: DatabaseSync) {
    database.exec(`
      CREATE TABLE arrival (seq INTEGER PRIMARY KEY, subject TEXT NOT NULL, untouched INTEGER NOT NULL) STRICT;
      CREATE INDEX arrival_spent ON arrival (seq) WHERE untouched <= 0;
      CREATE TABLE named (id TEXT, arrival INTEGER, PRIMARY KEY (id, arrival)) STRICT, WITHOUT ROWID;
      CREATE INDEX named_arrival ON named (arrival);
    `);
    this.#begin = database.prepare('INSERT OR IGNORE INTO arrival VALUES (?, ?, 0)');
    this.#count = database.prepare('UPDATE arrival SET untouched = untouched + ? WHERE seq = ?');
    this.#name = database.prepare('INSERT OR IGNORE INTO named SELECT ?, seq FROM arrival WHERE seq = ?');
    this.#spent = database.prepare('SELECT seq, subject FROM arrival WHERE untouched <= 0 LIMIT ?');
    this.#forget = [
      database.prepare('DELETE FROM arrival WHERE seq = ?'),
      database.prepare('DELETE FROM named WHERE arrival = ?'),
    ];
  }

  /** An arrival came, with items that are yet to be counted. */
  begin(seq: number, subject: string): void {
    this.#begin.run(seq, subject);
  }

  /** So many more of its items have no message of their own. */
  count(seq: number, more: number): void {
    this.#count.run(more, seq);
  }

  /** The arrival has that item as well, which came by another one. */
  names(seq: number, id: string): void {
    this.#name.run(id, seq);
  }

  /** Arrivals whose items all have messages of their own. */
  spent(limit: number): readonly { readonly seq: number; readonly subject: string }[] {
    return this.#spent
      .all(limit)
      .map((row) => ({ seq: Number(row['seq']), subject: String(row['subject']) }));
  }

  /** It is gone from the stream. */
  forget(seq: number): void {
    for (const statement of this.#forget) statement.run(seq);
  }
}
