import { checkBytes, checkInteger, checkKey, checkPrefix, engineLimits, wholeMs } from '../limits.ts';
import type { EngineStore, ListOptions, StoredItem, StoredValue, StoreOptions } from '../store.ts';
import type { NatsContext } from './context.ts';
import { ExpiryOf } from './expiry-of.ts';
import { openKeyIndex } from './key-index.ts';
import { longValues } from './long-values.ts';
import { deletedHeaders, readStoreMessage, type StoreMessage, valueHeaders } from './store-message.ts';
import { startStoreSweeping } from './store-sweeping.ts';

// A key's value is the message of its subject that counts (subject-order.ts), its revision that message's number in the
// stream: numbers are never given twice, so a key that was deleted and made again has a greater one.

/** The store of one scope, with what lets it go. */
export interface NatsStore extends EngineStore {
  stop(): void;
}

/** How long a deleted key's marker is kept, so that hosts which follow the keys see it. */
const markerKeptMs = 3_600_000;
const mostTries = 64;
const parallelReads = 32;
const mostListBytes = 12 * 1024 * 1024;

/** Opens the store. */
export async function openNatsStore(
  context: NatsContext,
  indexDirectory: string | undefined,
): Promise<NatsStore> {
  const { api, names, clock } = context;
  const stream = names.streams.store;
  const values = longValues(context);
  const expiryOf = new ExpiryOf();
  const index = await openKeyIndex(context, indexDirectory);
  const sweeping = startStoreSweeping(context, values);

  const isShown = ({ isDeleted, expiresAt }: StoreMessage): boolean =>
    !isDeleted && (expiresAt === undefined || expiresAt > clock.wallNow());

  async function lastOf(key: string): Promise<StoreMessage | undefined> {
    const kept = await api.last(stream, names.storeSubject(key));
    return kept && readStoreMessage(kept);
  }

  async function read(key: string): Promise<StoredValue | undefined> {
    for (let i = 0; i < mostTries; i++) {
      const message = await lastOf(key);
      if (message === undefined || !isShown(message)) return undefined;
      const { seq, expiresAt, chunks, data } = message;
      const value = chunks === undefined ? data : await values.read(chunks);
      if (value === undefined) continue;
      expiryOf.learn(seq, expiresAt);
      return { value, revision: seq, ...(expiresAt !== undefined && { expiresAt }) };
    }
    return undefined;
  }

  /** Writes where `mayReplace` allows to replace what is there. */
  async function write(
    key: string,
    value: Uint8Array,
    options: StoreOptions | undefined,
    expected: number,
    mayReplace: (there: StoreMessage) => boolean,
  ): Promise<number | undefined> {
    checkKey(key);
    checkBytes('value', value, engineLimits.valueBytes);
    const expiresAt = options?.expiresAt === undefined ? undefined : wholeMs('expiresAt', options.expiresAt);
    const chunks = await values.keep(key, value);
    const data = chunks === undefined ? value : new Uint8Array();
    const headers = valueHeaders(expiresAt, chunks);
    let ifLastIs = expected;
    let replaced: StoreMessage | undefined;
    for (let i = 0; i < mostTries; i++) {
      const seq = await api.publish(names.storeSubject(key), data, { stream, headers, ifLastIs });
      if (seq !== undefined) {
        expiryOf.learn(seq, expiresAt);
        values.drop(replaced?.chunks);
        return seq;
      }
      replaced = await lastOf(key);
      if (replaced !== undefined && !mayReplace(replaced)) break;
      ifLastIs = replaced?.seq ?? 0;
    }
    values.drop(chunks);
    return undefined;
  }

  /** The expiry of a revision; looked up where this host neither wrote nor read it. */
  async function hasExpired(key: string, revision: number): Promise<boolean> {
    const known = expiryOf.find(revision);
    const expiresAt = known === undefined ? (await lastOf(key))?.expiresAt : known.expiresAt;
    return expiresAt !== undefined && expiresAt <= clock.wallNow();
  }

  async function list(prefix: string, { limit, after, reverse = false }: ListOptions): Promise<StoredItem[]> {
    const items: StoredItem[] = [];
    let bytes = 0;
    let from = after;
    while (items.length < limit && bytes < mostListBytes) {
      const keys = await index.page(prefix, Math.min(limit - items.length, parallelReads), from, reverse);
      if (keys.length === 0) break;
      from = keys.at(-1)?.key;
      const found = await Promise.all(
        keys.map(async (indexed) => ({ indexed, stored: await read(indexed.key) })),
      );
      for (const { indexed, stored } of found) {
        const { key } = indexed;
        if (stored === undefined) {
          // What expires out of turn is swept late; whoever comes upon it need not do so again.
          index.forget(indexed);
          continue;
        }
        items.push({ key, ...stored });
        bytes += stored.value.byteLength;
      }
    }
    return items;
  }

  return {
    async get(key) {
      checkKey(key);
      return read(key);
    },
    create: async (key, value, options) => write(key, value, options, 0, (there) => !isShown(there)),
    async put(key, value, options) {
      const seq = await write(key, value, options, 0, () => true);
      if (seq === undefined) throw new Error(`The key ${key} is written by too many at once.`);
      return seq;
    },
    async update(key, value, revision, options) {
      checkKey(key);
      checkInteger('revision', revision, 1);
      if (await hasExpired(key, revision)) return undefined;
      return write(key, value, options, revision, () => false);
    },
    async delete(key, revision) {
      checkKey(key);
      if (revision !== undefined) checkInteger('revision', revision, 1);
      for (let i = 0; i < mostTries; i++) {
        const there = await lastOf(key);
        if (there === undefined || !isShown(there)) return false;
        if (revision !== undefined && there.seq !== revision) return false;
        const headers = deletedHeaders(clock.wallNow() + markerKeptMs);
        const sending = { stream, headers, ifLastIs: there.seq };
        if ((await api.publish(names.storeSubject(key), new Uint8Array(), sending)) !== undefined) {
          values.drop(there.chunks);
          return true;
        }
      }
      return false;
    },
    async list(prefix, options) {
      checkPrefix('prefix', prefix);
      checkInteger('limit', options.limit, 1, engineLimits.itemsPerList);
      if (options.after !== undefined) checkPrefix('after', options.after);
      return list(prefix, options);
    },
    stop() {
      sweeping.stop();
      index.close();
    },
  };
}
