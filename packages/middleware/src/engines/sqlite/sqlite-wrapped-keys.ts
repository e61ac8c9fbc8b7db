import { checkBytes, checkInteger, checkKey, checkPrefix, engineLimits } from '../limits.ts';
import { mostWrappedKeyBytes, type WrappedKeys } from '../wrapped-keys.ts';
import type { ScopeCalls } from './scope-calls.ts';

/** The wrapped keys of one scope, in a file of their own. */
export function sqliteWrappedKeys({ scope, call }: ScopeCalls): WrappedKeys {
  return {
    async get(key) {
      checkKey(key);
      const { value: revision, blobs = [] } = await call('keyGet', [scope, key]);
      const [value] = blobs;
      return revision === null || value === undefined ? undefined : { value, revision };
    },
    async create(key, value) {
      checkKey(key);
      checkBytes('value', value, mostWrappedKeyBytes);
      return (await call('keyCreate', [scope, key], [value])).value ?? undefined;
    },
    async update(key, value, revision) {
      checkKey(key);
      checkBytes('value', value, mostWrappedKeyBytes);
      checkInteger('revision', revision, 1);
      return (await call('keyUpdate', [scope, key, revision], [value])).value ?? undefined;
    },
    async destroy(key) {
      checkKey(key);
      return (await call('keyDestroy', [scope, key])).value;
    },
    async list({ limit, after = '' }) {
      checkPrefix('after', after);
      checkInteger('limit', limit, 1, engineLimits.itemsPerList);
      const { value: rows, blobs = [] } = await call('keyList', [scope, after, limit]);
      return rows.flatMap(([key, revision], index) => {
        const value = blobs[index];
        return value === undefined ? [] : [{ key, value, revision }];
      });
    },
  };
}
