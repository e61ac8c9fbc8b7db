import { checkBytes, checkInteger, checkKey, checkPrefix, engineLimits } from '../limits.ts';
import { mostWrappedKeyBytes, type WrappedKey, type WrappedKeys } from '../wrapped-keys.ts';
import type { NatsContext } from './context.ts';
import { deletedHeaders, readStoreMessage, valueHeaders } from './store-message.ts';

// A stream of its own, a key-value bucket as NATS's own tools know it. The message of a subject that counts (subject-order.ts) is
// the key's value, and its number the revision. A destroyed key has a marker for good, so that nobody makes it again.

/** Subjects are asked for together and then served page by page; so long they are taken to be the same, ms. */
const subjectsKeptMs = 30_000;
const parallelReads = 32;

/** The wrapped keys of one scope. */
export function natsWrappedKeys({ api, names, clock }: NatsContext): WrappedKeys {
  const stream = names.streams.keys;
  let listed: { readonly keys: readonly string[]; readonly at: number } | undefined;

  async function get(key: string): Promise<WrappedKey | undefined> {
    const kept = await api.last(stream, names.wrappedKeySubject(key));
    if (kept === undefined) return undefined;
    const { seq, isDeleted, data } = readStoreMessage(kept);
    return isDeleted ? undefined : { value: data, revision: seq };
  }

  function write(key: string, value: Uint8Array, replaced: number): Promise<number | undefined> {
    const sending = { stream, headers: valueHeaders(undefined, undefined), ifLastIs: replaced };
    return api.publish(names.wrappedKeySubject(key), value, sending);
  }

  /** Overwrites on the servers' disks what the marker with number `marker` has taken the place of. */
  async function overwrite(key: string, marker: number): Promise<void> {
    const subject = names.wrappedKeySubject(key);
    for (let from = 1; ; ) {
      const kept = await api.next(stream, subject, from);
      if (kept === undefined || kept.seq >= marker) return;
      await api.overwrite(stream, kept.seq);
      from = kept.seq + 1;
    }
  }

  async function subjects(isFirst: boolean): Promise<readonly string[]> {
    if (isFirst || listed === undefined || clock.now() - listed.at > subjectsKeptMs) {
      const found = await api.subjects(stream);
      const keys = found.map((subject) => names.wrappedKey(subject)).filter((key) => key !== undefined);
      listed = { keys: keys.sort(), at: clock.now() };
    }
    return listed.keys;
  }

  return {
    async get(key) {
      checkKey(key);
      return get(key);
    },
    async create(key, value) {
      checkKey(key);
      checkBytes('value', value, mostWrappedKeyBytes);
      return write(key, value, 0);
    },
    async update(key, value, revision) {
      checkKey(key);
      checkBytes('value', value, mostWrappedKeyBytes);
      checkInteger('revision', revision, 1);
      if ((await get(key))?.revision !== revision) return undefined;
      return write(key, value, revision);
    },
    async destroy(key) {
      checkKey(key);
      for (;;) {
        const there = await api.last(stream, names.wrappedKeySubject(key));
        if (there === undefined) return false;
        if (readStoreMessage(there).isDeleted) {
          // Whoever wrote the marker may have been cut off before the rest.
          await overwrite(key, there.seq);
          return false;
        }
        const sending = { stream, headers: deletedHeaders(undefined), ifLastIs: there.seq };
        const marker = await api.publish(names.wrappedKeySubject(key), new Uint8Array(), sending);
        if (marker === undefined) continue;
        await overwrite(key, marker);
        return true;
      }
    },
    async list({ limit, after = '' }) {
      checkPrefix('after', after);
      checkInteger('limit', limit, 1, engineLimits.itemsPerList);
      const items: (WrappedKey & { readonly key: string })[] = [];
      const keys = (await subjects(after === '')).filter((key) => key > after);
      for (let at = 0; at < keys.length && items.length < limit; ) {
        const some = keys.slice(at, at + Math.min(parallelReads, limit - items.length));
        at += some.length;
        const found = await Promise.all(some.map(async (key) => ({ key, kept: await get(key) })));
        for (const { key, kept } of found) if (kept !== undefined) items.push({ key, ...kept });
      }
      return items;
    },
  };
}
