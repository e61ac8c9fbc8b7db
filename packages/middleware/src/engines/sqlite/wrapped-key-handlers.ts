import type { DatabaseSync } from 'node:sqlite';
import type { Handlers } from './handlers.ts';
import type { KeyRow } from './protocol.ts';

type KeyCalls = 'keyGet' | 'keyCreate' | 'keyUpdate' | 'keyDestroy' | 'keyList';

/**
 * The calls on the wrapped keys of one scope. They go by the scope's names and not by its number: the numbers are those of
 * the other file, which may be an older one that was put back.
 */
export function wrappedKeyHandlers(database: DatabaseSync, scope: number): Handlers<KeyCalls> {
  const names = database
    .prepare('SELECT application, resource_group FROM main.scope WHERE id = ?')
    .get(scope);
  const owner = JSON.stringify([names?.['application'], names?.['resource_group']]);
  const get = database.prepare('SELECT value, revision FROM keys.wrapped_key WHERE owner = ? AND key = ?');
  const create = database.prepare(
    'INSERT INTO keys.wrapped_key (owner, key, value, revision) VALUES (?, ?, ?, 1) ON CONFLICT DO NOTHING',
  );
  const update = database.prepare(
    'UPDATE keys.wrapped_key SET value = ?, revision = revision + 1 WHERE owner = ? AND key = ? AND revision = ?',
  );
  const destroy = database.prepare('DELETE FROM keys.wrapped_key WHERE owner = ? AND key = ?');
  const list = database.prepare(
    'SELECT key, value, revision FROM keys.wrapped_key WHERE owner = ? AND key > ? ORDER BY key LIMIT ?',
  );
  return {
    keyGet([, key]) {
      const row = get.get(owner, key);
      return row === undefined
        ? { value: null }
        : { value: Number(row['revision']), blobs: [bytesOf(row['value'])] };
    },
    keyCreate: ([, key], [value = nothing]) => ({
      value: create.run(owner, key, value).changes === 0 ? null : 1,
    }),
    keyUpdate: ([, key, revision], [value = nothing]) => ({
      value: update.run(value, owner, key, revision).changes === 0 ? null : revision + 1,
    }),
    keyDestroy: ([, key]) => ({ value: destroy.run(owner, key).changes !== 0 }),
    keyList([, after, limit]) {
      const rows = list.all(owner, after, limit);
      const value = rows.map((row): KeyRow => [String(row['key']), Number(row['revision'])]);
      return { value, blobs: rows.map((row) => bytesOf(row['value'])) };
    },
  };
}

const nothing = new Uint8Array();

function bytesOf(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError('a wrapped key is no blob');
  return value;
}
