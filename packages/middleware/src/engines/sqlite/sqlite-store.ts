import { checkBytes, checkInteger, checkKey, checkPrefix, engineLimits, wholeMs } from '../limits.ts';
import type { EngineStore, StoredItem, StoredValue, StoreOptions } from '../store.ts';
import type { ListQuery, ValueRow } from './protocol.ts';
import type { ScopeCalls } from './scope-calls.ts';

/** Greater than every character that a key may have. */
const beyondKeys = '\x7f';

/** The key-value store of one scope. Expiry goes by the time that comes with the calls. */
export function sqliteStore({ scope, call, now }: ScopeCalls): EngineStore {
  return {
    async get(key) {
      checkKey(key);
      const { value: row, blobs } = await call('get', [scope, key, now()]);
      const [value] = blobs ?? [];
      return row === null || value === undefined ? undefined : stored(value, row);
    },
    async create(key, value, options) {
      checkWrite(key, value);
      return (await call('create', [scope, key, expiry(options), now()], [value])).value ?? undefined;
    },
    async put(key, value, options) {
      checkWrite(key, value);
      return (await call('put', [scope, key, expiry(options)], [value])).value;
    },
    async update(key, value, revision, options) {
      checkWrite(key, value);
      checkInteger('revision', revision, 1);
      const answer = await call('update', [scope, key, revision, expiry(options), now()], [value]);
      return answer.value ?? undefined;
    },
    async delete(key, revision) {
      checkKey(key);
      if (revision !== undefined) checkInteger('revision', revision, 1);
      return (await call('delete', [scope, key, revision ?? null, now()])).value;
    },
    async list(prefix, options) {
      checkPrefix('prefix', prefix);
      checkInteger('limit', options.limit, 1, engineLimits.itemsPerList);
      if (options.after !== undefined) checkPrefix('after', options.after);
      const query = listQuery(prefix, options.limit, options.after, options.reverse === true);
      const { value: rows, blobs = [] } = await call('list', [scope, query, now()]);
      return rows.flatMap(([key, ...row], index): StoredItem[] => {
        const value = blobs[index];
        return value === undefined ? [] : [{ key, ...stored(value, row) }];
      });
    },
  };
}

function stored(value: Uint8Array, [revision, expiresAt]: ValueRow): StoredValue {
  return { value, revision, ...(expiresAt !== null && { expiresAt }) };
}

function checkWrite(key: string, value: Uint8Array): void {
  checkKey(key);
  checkBytes('value', value, engineLimits.valueBytes);
}

function expiry(options: StoreOptions | undefined): number | null {
  return options?.expiresAt === undefined ? null : wholeMs('expiresAt', options.expiresAt);
}

function listQuery(prefix: string, limit: number, after: string | undefined, reverse: boolean): ListQuery {
  const end = prefix + beyondKeys;
  if (after === undefined) return [prefix, end, limit, reverse];
  if (reverse) return [prefix, after < end ? after : end, limit, reverse];
  // No key lies between a key and the key with a NUL behind it.
  return [after < prefix ? prefix : `${after}\0`, end, limit, reverse];
}
