import { isBulkKey } from '../bulk-keys.ts';
import { checkBytes, checkInteger, checkKey, checkPrefix, engineLimits, wholeMs } from '../limits.ts';
import type { EngineStore, ListOptions, StoredItem, StoredValue, StoreOptions } from '../store.ts';
import type { FirstValue } from './bundle-message.ts';
import { startBundleSweeping } from './bundle-sweeping.ts';
import { openBundles } from './bundles.ts';
import type { NatsContext } from './context.ts';
import { ExpiryOf } from './expiry-of.ts';
import { openKeyIndex } from './key-index.ts';
import type { IndexedKey } from './key-table.ts';
import { leaderHas } from './leader-has.ts';
import { longValues } from './long-values.ts';
import { deletedHeaders, readStoreMessage, type StoreMessage, valueHeaders } from './store-message.ts';
import { startStoreSweeping } from './store-sweeping.ts';

// A key's value is the message of its subject that counts (subject-order.ts), its revision that message's number in the
// stream: numbers are never given twice, so a key that was deleted and made again has a greater one. Keys that are made in
// bundles (bundles.ts) begin from message 0, and their revisions are greater by one.

/** The store of one scope, with what lets it go. */
export interface NatsStore extends EngineStore {
  /** How many bundles there are that this host does not know yet, as far as it knows. */
  behind(): number;
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
  const bundles = await openBundles(context, indexDirectory);
  const index = await openKeyIndex(context, indexDirectory);
  const sweepings = [
    startStoreSweeping(context, values, lastOf, bundles.holds),
    startBundleSweeping(context, { lastOf, isShown, moveOut, floor: bundles.floor }),
  ];

  function isShown({ isDeleted, expiresAt }: StoreMessage): boolean {
    return !isDeleted && (expiresAt === undefined || expiresAt > clock.wallNow());
  }

  async function lastOf(key: string): Promise<StoreMessage | undefined> {
    const first = isBulkKey(key) ? bundles.first(key) : undefined;
    // Where it was replaced, nobody needs to know whether it can be read.
    first?.catch(() => {});
    const subject = names.storeSubject(key);
    const kept = await api.last(stream, subject);
    if (kept !== undefined) return readStoreMessage(kept);
    const made = await first;
    if (made !== undefined || !bundles.isGone(key)) return made;
    // Its bundle may have gone since the question, and what is still needed of it was given a message of its own before.
    const moved = await api.last(stream, subject);
    return moved && readStoreMessage(moved);
  }

  async function read(key: string): Promise<StoredValue | undefined> {
    for (let i = 0; i < mostTries; i++) {
      const message = await lastOf(key);
      if (message === undefined || !isShown(message)) return undefined;
      const { seq, expiresAt, chunks, data } = message;
      const value = chunks === undefined ? data : await values.read(chunks);
      if (value === undefined) continue;
      if (seq > 0) expiryOf.learn(seq, expiresAt);
      return { value, revision: revisionOf(key, seq), ...(expiresAt !== undefined && { expiresAt }) };
    }
    return undefined;
  }

  /** Writes where `mayReplace` allows to replace what is there; `expected` is undefined where nothing is thought to be. */
  async function write(
    key: string,
    value: Uint8Array,
    options: StoreOptions | undefined,
    expected: number | undefined,
    mayReplace: (there: StoreMessage) => boolean,
  ): Promise<number | undefined> {
    checkKey(key);
    checkBytes('value', value, engineLimits.valueBytes);
    const expiresAt = options?.expiresAt === undefined ? undefined : wholeMs('expiresAt', options.expiresAt);
    const chunks = await values.keep(key, value);
    const data = chunks === undefined ? value : new Uint8Array();
    const headers = valueHeaders(expiresAt, chunks);
    let ifLastIs = expected ?? 0;
    let replaced: StoreMessage | undefined;
    if (expected === undefined && isBulkKey(key)) {
      const first = { key, value: data, expiresAt, chunks, isFresh: options?.isFresh === true };
      for (let i = 0; i < mostTries; i++) {
        if (await makeInBundle(first)) return revisionOf(key, 0);
        replaced = await lastOf(key);
        // Else the bundle that made it went meanwhile, and nothing is left: as if it had never been.
        if (replaced !== undefined) break;
      }
      if (replaced !== undefined && !mayReplace(replaced)) {
        values.drop(chunks);
        return undefined;
      }
      ifLastIs = replaced?.seq ?? 0;
    }
    for (let i = 0; i < mostTries; i++) {
      const seq = await api.publish(names.storeSubject(key), data, { stream, headers, ifLastIs });
      if (seq !== undefined) {
        expiryOf.learn(seq, expiresAt);
        values.drop(replaced?.chunks);
        return revisionOf(key, seq);
      }
      replaced = await lastOf(key);
      if (replaced !== undefined && !mayReplace(replaced)) break;
      ifLastIs = replaced?.seq ?? 0;
    }
    values.drop(chunks);
    return undefined;
  }

  /**
   * False where the key is there, or was and its marker still is. A host need not have heard of a bundle that is gone, nor
   * remember it. Another may take a key up in the moment between its making and the last look here; then that counts.
   */
  async function makeInBundle(first: FirstValue): Promise<boolean> {
    const hasOwn = async (): Promise<boolean> =>
      !first.isFresh &&
      bundles.someAreGone &&
      (await api.last(stream, names.storeSubject(first.key))) !== undefined;
    if (await hasOwn()) return false;
    return (await bundles.create(first)) && !(await hasOwn());
  }

  /** Where it has a message of its own by now, that one stays. */
  async function moveOut(key: string, { seq, data, expiresAt, chunks }: StoreMessage): Promise<void> {
    if (seq > 0) return;
    const headers = valueHeaders(expiresAt, chunks);
    await api.publish(names.storeSubject(key), data, { stream, headers, ifLastIs: 0 });
  }

  /** The expiry of a revision; looked up where this host neither wrote nor read it. */
  async function hasExpired(key: string, seq: number): Promise<boolean> {
    const known = seq === 0 ? undefined : expiryOf.find(seq);
    const expiresAt = known === undefined ? (await lastOf(key))?.expiresAt : known.expiresAt;
    return expiresAt !== undefined && expiresAt <= clock.wallNow();
  }

  /** Of what was made in bundles the index of those knows every key, of all else the other one. */
  async function page(
    prefix: string,
    limit: number,
    after: string | undefined,
    reverse: boolean,
  ): Promise<readonly IndexedKey[]> {
    if (isBulkKey(prefix)) return bundles.page(prefix, limit, after, reverse);
    const others = await index.page(prefix, limit, after, reverse);
    if (prefix.includes('/')) return others;
    return merged(others, await bundles.page(prefix, limit, after, reverse), limit, reverse);
  }

  /** A key is only left out as gone when the leader that says so has come as far as the key's message. */
  async function readAll(
    keys: readonly IndexedKey[],
  ): Promise<readonly { indexed: IndexedKey; stored: StoredValue | undefined }[]> {
    const readOne = async (indexed: IndexedKey) => ({ indexed, stored: await read(indexed.key) });
    const found = await Promise.all(keys.map(readOne));
    const missing = found.filter(({ indexed, stored }) => stored === undefined && !isBulkKey(indexed.key));
    if (missing.length === 0) return found;
    await leaderHas(context, stream, Math.max(...missing.map(({ indexed }) => indexed.seq)));
    return Promise.all(found.map((one) => (missing.includes(one) ? readOne(one.indexed) : one)));
  }

  async function list(prefix: string, { limit, after, reverse = false }: ListOptions): Promise<StoredItem[]> {
    const items: StoredItem[] = [];
    let bytes = 0;
    let from = after;
    while (items.length < limit && bytes < mostListBytes) {
      const keys = await page(prefix, Math.min(limit - items.length, parallelReads), from, reverse);
      if (keys.length === 0) break;
      from = keys.at(-1)?.key;
      const found = await readAll(keys);
      for (const { indexed, stored } of found) {
        const { key } = indexed;
        if (stored === undefined) {
          // What expires out of turn is swept late; whoever comes upon it need not do so again.
          if (isBulkKey(key)) bundles.forget(indexed);
          else index.forget(indexed);
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
    create: async (key, value, options) => write(key, value, options, undefined, (there) => !isShown(there)),
    async put(key, value, options) {
      const revision = await write(key, value, options, undefined, () => true);
      if (revision === undefined) throw new Error(`The key ${key} is written by too many at once.`);
      return revision;
    },
    async update(key, value, revision, options) {
      checkKey(key);
      checkInteger('revision', revision, 1);
      const seq = seqOf(key, revision);
      if (await hasExpired(key, seq)) return undefined;
      return write(key, value, options, seq, () => false);
    },
    async delete(key, revision) {
      checkKey(key);
      if (revision !== undefined) checkInteger('revision', revision, 1);
      for (let i = 0; i < mostTries; i++) {
        const there = await lastOf(key);
        if (there === undefined || !isShown(there)) return false;
        if (revision !== undefined && there.seq !== seqOf(key, revision)) return false;
        // Without its marker a key that was made in a bundle would be there again.
        const headers = deletedHeaders(isBulkKey(key) ? undefined : clock.wallNow() + markerKeptMs);
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
    behind: () => bundles.behind,
    stop() {
      for (const sweeping of sweepings) sweeping.stop();
      bundles.close();
      index.close();
    },
  };
}

function revisionOf(key: string, seq: number): number {
  return isBulkKey(key) ? seq + 1 : seq;
}

function seqOf(key: string, revision: number): number {
  return isBulkKey(key) ? revision - 1 : revision;
}

/** Both in order, each key once. */
function merged(
  some: readonly IndexedKey[],
  others: readonly IndexedKey[],
  limit: number,
  reverse: boolean,
): readonly IndexedKey[] {
  const byKey = new Map([...some, ...others].map((one) => [one.key, one]));
  const keys = [...byKey.keys()].sort();
  if (reverse) keys.reverse();
  return keys.slice(0, limit).flatMap((key) => byKey.get(key) ?? []);
}
