import { checkBytes, checkInteger, checkKey, checkPrefix, engineLimits, wholeMs } from '../limits.ts';
import type { EngineStore, StoredItem, StoredValue, StoreOptions } from '../store.ts';
import { GroupedCalls } from './grouped-calls.ts';
import { bytesIn, numberIn, type Row } from './row-values.ts';
import { type CallsUnderWay, mostAnswerBytes, type Scope, serverNow } from './scope.ts';
import { type StoreWrite, type StoreWrites, storeDeletions, storeWrites } from './store-writes.ts';

const live = `(expires_at IS NULL OR expires_at > ${serverNow})`;

/** Behind every character that a key may have. */
const beyondKeys = '\x7f';

/** The key-value store of one scope. Revisions come from a sequence, which no rollback and no crash takes back. */
export function postgresStore(scope: Scope, calls: CallsUnderWay): EngineStore {
  const { create, put, update } = storeWrites(scope);
  const deletions = storeDeletions(scope);
  const gets = storeReads(scope);
  const list = listing(scope);

  const write = (
    writes: StoreWrites,
    key: string,
    value: Uint8Array,
    options: StoreOptions | undefined,
    revision = 0,
  ): Promise<number | undefined> => {
    checkKey(key);
    checkBytes('value', value, engineLimits.valueBytes);
    const expiresAt = options?.expiresAt === undefined ? null : wholeMs('expiresAt', options.expiresAt);
    // What the caller does to the bytes later is his affair.
    const call: StoreWrite = { key, value: Uint8Array.from(value), expiresAt, revision };
    return calls.run(() => writes.add(call, value.byteLength));
  };

  return {
    async get(key) {
      checkKey(key);
      return await calls.run(() => gets.add(key));
    },
    create: async (key, value, options) => await write(create, key, value, options),
    async put(key, value, options) {
      const revision = await write(put, key, value, options);
      if (revision === undefined) throw new TypeError('a value that was put has no revision');
      scope.news.changed(key);
      return revision;
    },
    async update(key, value, revision, options) {
      checkInteger('revision', revision, 1);
      const updated = await write(update, key, value, options, revision);
      if (updated !== undefined) scope.news.changed(key);
      return updated;
    },
    async delete(key, revision) {
      checkKey(key);
      if (revision !== undefined) checkInteger('revision', revision, 1);
      return await calls.run(() => deletions.add({ key, revision: revision ?? 0 }));
    },
    async list(prefix, { limit, after, reverse = false }) {
      checkPrefix('prefix', prefix);
      checkInteger('limit', limit, 1, engineLimits.itemsPerList);
      if (after !== undefined) checkPrefix('after', after);
      return await calls.run(() => list(prefix, limit, after, reverse));
    },
  };
}

/** Reads, performed together. What is too large for one answer is asked for again. */
function storeReads({ id, schema, transactions }: Scope): GroupedCalls<string, StoredValue | undefined> {
  const sql = `
    SELECT key, revision, expires_at, CASE WHEN before < ${mostAnswerBytes} THEN value END AS value FROM (
      SELECT key, revision, expires_at, value, sum(octet_length(value)) OVER (ORDER BY key) - octet_length(value) AS before
      FROM ${schema}.store WHERE scope = $1 AND key = ANY ($2::text[]) AND ${live}
    ) AS found`;

  async function read(keys: readonly string[], into: Map<string, StoredValue>): Promise<void> {
    const rows = await transactions.read((query) => query(sql, [id, keys]));
    const again: string[] = [];
    for (const row of rows) {
      const key = String(row['key']);
      if (row['value'] === null) again.push(key);
      else into.set(key, storedValue(row));
    }
    if (again.length > 0) await read(again, into);
  }

  return new GroupedCalls({
    async perform(keys) {
      const found = new Map<string, StoredValue>();
      await read([...new Set(keys)], found);
      return keys.map((key, index) => {
        const stored = found.get(key);
        // Each caller gets bytes of its own.
        if (stored === undefined || keys.indexOf(key) === index) return stored;
        return { ...stored, value: stored.value.slice() };
      });
    },
  });
}

type List = (
  prefix: string,
  limit: number,
  after: string | undefined,
  reverse: boolean,
) => Promise<readonly StoredItem[]>;

function listing({ id, schema, transactions }: Scope): List {
  const sql = (order: 'ASC' | 'DESC'): string => `
    SELECT key, revision, expires_at, value FROM (
      SELECT key, revision, expires_at, value,
        sum(octet_length(value)) OVER (ORDER BY key ${order}) - octet_length(value) AS before
      FROM (
        SELECT key, revision, expires_at, value FROM ${schema}.store
        WHERE scope = $1 AND key >= $2 AND key < $3 AND ${live} ORDER BY key ${order} LIMIT $4
      ) AS first
    ) AS found WHERE before < ${mostAnswerBytes} ORDER BY key ${order}`;
  const ascending = sql('ASC');
  const descending = sql('DESC');
  return async (prefix, limit, after, reverse) => {
    const [from, to] = range(prefix, after, reverse);
    const text = reverse ? descending : ascending;
    const rows = await transactions.read((query) => query(text, [id, from, to, limit]));
    return rows.map((row) => ({ key: String(row['key']), ...storedValue(row) }));
  };
}

/** From which key on, and up to which, itself left out. */
function range(prefix: string, after: string | undefined, reverse: boolean): readonly [string, string] {
  const end = prefix + beyondKeys;
  if (after === undefined) return [prefix, end];
  if (reverse) return [prefix, after < end ? after : end];
  // No key lies between a key and the key with the lowest character behind it.
  return [after < prefix ? prefix : `${after}\x01`, end];
}

function storedValue(row: Row): StoredValue {
  const revision = numberIn(row, 'revision');
  if (revision === undefined) throw new TypeError('a stored value has no revision');
  const expiresAt = numberIn(row, 'expires_at');
  const stored = { value: bytesIn(row, 'value'), revision };
  return expiresAt === undefined ? stored : { ...stored, expiresAt };
}
