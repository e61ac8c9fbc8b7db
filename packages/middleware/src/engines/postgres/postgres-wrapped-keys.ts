import { checkBytes, checkInteger, checkKey, checkPrefix, engineLimits } from '../limits.ts';
import { mostWrappedKeyBytes, type WrappedKey, type WrappedKeys } from '../wrapped-keys.ts';
import { bytesIn, numberIn, type Row } from './row-values.ts';
import type { CallsUnderWay, Scope } from './scope.ts';

/**
 * The wrapped keys of one scope: a table of its own, to be left out of dumps. What is destroyed of it is gone from the table's
 * file when that is next vacuumed, which any destruction calls for.
 */
export function postgresWrappedKeys({ id, schema, transactions }: Scope, calls: CallsUnderWay): WrappedKeys {
  const table = `${schema}.wrapped_key`;
  const ticket = `nextval('${schema}.ticket')`;

  async function revisionOf(sql: string, values: readonly unknown[]): Promise<number | undefined> {
    const [row] = await transactions.write((query) => query(sql, [id, ...values]));
    return row && numberIn(row, 'revision');
  }

  return {
    async get(key) {
      checkKey(key);
      const sql = `SELECT value, revision FROM ${table} WHERE scope = $1 AND key = $2`;
      const [row] = await calls.run(() => transactions.read((query) => query(sql, [id, key])));
      return row && wrappedKey(row);
    },
    async create(key, value) {
      checkKey(key);
      checkBytes('value', value, mostWrappedKeyBytes);
      const sql = `INSERT INTO ${table} (scope, key, value, revision) VALUES ($1, $2, $3, ${ticket})
        ON CONFLICT DO NOTHING RETURNING revision`;
      return await calls.run(() => revisionOf(sql, [key, Buffer.from(value)]));
    },
    async update(key, value, revision) {
      checkKey(key);
      checkBytes('value', value, mostWrappedKeyBytes);
      checkInteger('revision', revision, 1);
      const sql = `UPDATE ${table} SET value = $3, revision = ${ticket}
        WHERE scope = $1 AND key = $2 AND revision = $4 RETURNING revision`;
      return await calls.run(() => revisionOf(sql, [key, Buffer.from(value), revision]));
    },
    async destroy(key) {
      checkKey(key);
      const sql = `DELETE FROM ${table} WHERE scope = $1 AND key = $2 RETURNING revision`;
      return (await calls.run(() => revisionOf(sql, [key]))) !== undefined;
    },
    async list({ limit, after = '' }) {
      checkPrefix('after', after);
      checkInteger('limit', limit, 1, engineLimits.itemsPerList);
      const sql = `SELECT key, value, revision FROM ${table} WHERE scope = $1 AND key > $2 ORDER BY key LIMIT $3`;
      const rows = await calls.run(() => transactions.read((query) => query(sql, [id, after, limit])));
      return rows.map((row) => ({ key: String(row['key']), ...wrappedKey(row) }));
    },
  };
}

function wrappedKey(row: Row): WrappedKey {
  const revision = numberIn(row, 'revision');
  if (revision === undefined) throw new TypeError('a wrapped key has no revision');
  return { value: bytesIn(row, 'value'), revision };
}
