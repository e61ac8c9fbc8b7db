import type { JsMsg } from '@nats-io/jetstream';
import type { Timer } from '../../clock.ts';
import type { NatsContext } from './context.ts';
import { type Follower, follow } from './follower.ts';
import { openIndexFile } from './index-file.ts';
import { readStoreMessage } from './store-message.ts';

// Which keys there are, in order. Servers know keys and no order, so each host that lists keeps an index: of the keys below
// one first segment, from the first list that asks for it on, by following the stream's headers. A key whose removal was
// not seen stands in it until a list comes upon it and finds nothing there.

/** A key, and the number of its last message that the index knows. */
export interface IndexedKey {
  readonly key: string;
  readonly seq: number;
}

/** The keys of a store, in order. */
export interface KeyIndex {
  /** Keys with a prefix, behind `after`; every key whose writing had resolved is there, and perhaps some that are gone. */
  page(
    prefix: string,
    limit: number,
    after: string | undefined,
    reverse: boolean,
  ): Promise<readonly IndexedKey[]>;
  /** Nothing was found at that key. If it was written again since, it stays. */
  forget(key: IndexedKey): void;
  close(): void;
}

/** Greater than every character that a key may have. */
const beyondKeys = '\x7f';
const flushAfterMs = 20;
/** Nobody listed for so long: what is not asked for need not be followed. */
const idleMs = 60_000;
const flushAtChanges = 1_000;

/** An index that follows nothing yet. */
export function openKeyIndex(context: NatsContext, directory: string | undefined): KeyIndex {
  const { api, names, clock } = context;
  const stream = names.streams.store;
  const database = openIndexFile(directory, `${stream}.index`);
  database.exec(`
    CREATE TABLE IF NOT EXISTS key (name TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS followed (subject TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
  `);
  const add = database.prepare('INSERT OR REPLACE INTO key VALUES (?, ?)');
  const remove = database.prepare('DELETE FROM key WHERE name = ?');
  const removeIfStill = database.prepare('DELETE FROM key WHERE name = ? AND seq = ?');
  const note = database.prepare('INSERT OR REPLACE INTO followed VALUES (?, ?)');
  const noted = database.prepare('SELECT seq FROM followed WHERE subject = ?');
  const forward = database.prepare(
    'SELECT name, seq FROM key WHERE name > ? AND name >= ? AND name < ? ORDER BY name LIMIT ?',
  );
  const backward = database.prepare(
    'SELECT name, seq FROM key WHERE name >= ? AND name < ? ORDER BY name DESC LIMIT ?',
  );
  const followers = new Map<string, Follower>();
  /** The number of the last message; undefined where it says that the key is gone. */
  const changes = new Map<string, number | undefined>();
  let flushing: Timer | undefined;
  let resting: Timer | undefined;

  function change(message: JsMsg): void {
    const key = names.storeKey(message.subject);
    if (key === undefined) return;
    changes.set(key, readStoreMessage(message).isDeleted ? undefined : message.seq);
    if (changes.size >= flushAtChanges) flush();
    else flushing ??= clock.after(flushAfterMs, flush);
  }

  function flush(): void {
    flushing?.cancel();
    flushing = undefined;
    if (changes.size === 0) return;
    database.exec('BEGIN');
    for (const [key, seq] of changes) {
      if (seq === undefined) remove.run(key);
      else add.run(key, seq);
    }
    noteAll();
    database.exec('COMMIT');
    changes.clear();
  }

  function followerOf(subject: string): Follower {
    const known = followers.get(subject);
    if (known !== undefined) return known;
    const from = Number(noted.get(subject)?.['seq'] ?? 0) + 1;
    const follower = follow(context, { stream, subject, from, headersOnly: true, onMessage: change });
    followers.set(subject, follower);
    return follower;
  }

  /** The next list goes on from what was noted. */
  function rest(): void {
    flush();
    noteAll();
    for (const follower of followers.values()) follower.stop();
    followers.clear();
  }

  function noteAll(): void {
    for (const [subject, { seen }] of followers) note.run(subject, seen);
  }

  /** Waits until the index has what was written below the prefix. */
  async function catchUp(prefix: string): Promise<void> {
    const slash = prefix.indexOf('/');
    const subject = names.storeSubject(slash < 0 ? '>' : `${prefix.slice(0, slash)}/>`);
    const last = await api.last(stream, subject);
    resting?.cancel();
    resting = clock.after(idleMs, rest);
    if (last !== undefined) await followerOf(subject).reached(last.seq);
    flush();
  }

  return {
    async page(prefix, limit, after, reverse) {
      await catchUp(prefix);
      const end = prefix + beyondKeys;
      const rows = reverse
        ? backward.all(prefix, after !== undefined && after < end ? after : end, limit)
        : forward.all(after ?? '', prefix, end, limit);
      return rows.map((row) => ({ key: String(row['name']), seq: Number(row['seq']) }));
    },
    forget({ key, seq }) {
      removeIfStill.run(key, seq);
    },
    close() {
      resting?.cancel();
      rest();
      database.close();
    },
  };
}
