import type { DatabaseSync } from 'node:sqlite';
import { type Handlers, mostAnswerBytes, type Reply } from './handlers.ts';
import type { ListRow, ValueRow } from './protocol.ts';
import type { ScopeSession } from './scope-session.ts';

const live = '(expires_at IS NULL OR expires_at > ?)';

/** The key-value store's calls on the tables of one scope. */
export function storeHandlers(
  database: DatabaseSync,
  scope: number,
  session: ScopeSession,
): Handlers<'get' | 'create' | 'put' | 'update' | 'delete'> {
  const store = `store_${scope}`;
  const insert = `INSERT INTO ${store} (key, value, revision, expires_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET
      value = excluded.value, revision = excluded.revision, expires_at = excluded.expires_at`;
  const select = database.prepare(
    `SELECT value, revision, expires_at FROM ${store} WHERE key = ? AND ${live}`,
  );
  const create = database.prepare(`${insert} WHERE ${store}.expires_at <= ?`);
  const put = database.prepare(insert);
  const update = database.prepare(
    `UPDATE ${store} SET value = ?, revision = ?, expires_at = ? WHERE key = ? AND revision = ? AND ${live}`,
  );
  const remove = database.prepare(`DELETE FROM ${store} WHERE key = ? AND ${live}`);
  const removeRevision = database.prepare(`DELETE FROM ${store} WHERE key = ? AND revision = ? AND ${live}`);
  return {
    get([, key, now]) {
      const row = select.get(key, now);
      if (row === undefined) return { value: null };
      return { value: valueRow(row), blobs: [blobOf(row['value'])] };
    },
    create([, key, expiresAt, now], blobs) {
      const revision = session.nextSequence();
      const { changes } = create.run(key, onlyOne(blobs), revision, expiresAt, now);
      return { value: changes === 0 ? null : revision };
    },
    put([, key, expiresAt], blobs) {
      const revision = session.nextSequence();
      put.run(key, onlyOne(blobs), revision, expiresAt);
      return { value: revision };
    },
    update([, key, revision, expiresAt, now], blobs) {
      const next = session.nextSequence();
      const { changes } = update.run(onlyOne(blobs), next, expiresAt, key, revision, now);
      return { value: changes === 0 ? null : next };
    },
    delete([, key, revision, now]) {
      const { changes } = revision === null ? remove.run(key, now) : removeRevision.run(key, revision, now);
      return { value: changes !== 0 };
    },
  };
}

/** The store's listing on the tables of one scope. */
export function listHandler(database: DatabaseSync, scope: number): Handlers<'list'> {
  const inRange = `SELECT key, value, revision, expires_at FROM store_${scope} WHERE key >= ? AND key < ? AND ${live}`;
  const ascending = database.prepare(`${inRange} ORDER BY key LIMIT ?`);
  const descending = database.prepare(`${inRange} ORDER BY key DESC LIMIT ?`);
  return {
    list([, [from, to, limit, reverse], now]) {
      const value: ListRow[] = [];
      const blobs: Uint8Array[] = [];
      let bytes = 0;
      for (const row of (reverse ? descending : ascending).iterate(from, to, now, limit)) {
        const blob = blobOf(row['value']);
        value.push([String(row['key']), ...valueRow(row)]);
        blobs.push(blob);
        bytes += blob.byteLength;
        if (bytes >= mostAnswerBytes) break;
      }
      return { value, blobs } satisfies Reply<ListRow[]>;
    },
  };
}

function onlyOne(blobs: readonly Uint8Array[]): Uint8Array {
  const [blob] = blobs;
  if (blob === undefined) throw new TypeError('a write to the store without a value');
  return blob;
}

function valueRow({ revision, expires_at: expiresAt }: Readonly<Record<string, unknown>>): ValueRow {
  return [Number(revision), expiresAt === null ? null : Number(expiresAt)];
}

function blobOf(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError('a value of the store is no blob');
  return value;
}
