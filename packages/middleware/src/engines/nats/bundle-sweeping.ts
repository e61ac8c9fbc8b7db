import { keysOfBundle } from './bundle-message.ts';
import type { NatsContext } from './context.ts';
import { inParallel } from './in-parallel.ts';
import { inTurns } from './in-turns.ts';
import type { Kept } from './kept.ts';
import type { StoreMessage } from './store-message.ts';
import { removeMessage } from './store-sweeping.ts';

// Bundles go from the first on, as soon as most of what one made is over: deleted, or expired. By crash point:
//
//   what is still shown gets a message of its own, with the same value.   Crash: it has one sooner than it had to
//   the bundle is removed, as every one before it was.  Crash: markers and expired messages of its keys stay until somebody starts
//   an hour later so are the messages of keys that are over.   Until then every host has heard that the bundle is gone, and
//                                                               does not take a value from one that it remembers
//
// The newest stays: whoever follows the bundles waits for that one.

const everyMs = 30_000;
/** What was looked at in vain is looked at again after a sixteenth of its age, but within this. */
const mostPatienceMs = 3_600_000;
/** So old a bundle goes whatever is left of it: what waits for a person must not hold back all that came later. */
const oldMs = 30 * 86_400_000;
const bundlesPerTurn = 200;
const atATime = 16;
/** What a bundle that was removed leaves is removed so much later. */
const remainsKeptMs = 3_600_000;
const mostRemains = 100_000;

/** What sweeping asks of the store. */
export interface SweptStore {
  /** The message of a key that counts, or its first value. */
  lastOf(key: string): Promise<StoreMessage | undefined>;
  isShown(message: StoreMessage): boolean;
  /** Gives a key whose value is in a bundle a message of its own. */
  moveOut(key: string, value: StoreMessage): Promise<void>;
  /** The first bundle that there is. */
  floor(seq: number): void;
}

interface Remains {
  readonly subject: string;
  readonly seq: number;
  readonly at: number;
}

/** Begins to sweep. */
export function startBundleSweeping(context: NatsContext, store: SweptStore): { stop(): void } {
  const { api, names, clock } = context;
  const stream = names.streams.bundles;
  let remains: Remains[] = [];
  let notBefore = Number.NEGATIVE_INFINITY;

  /** False where it is too early for this one, and so for those behind it. */
  async function settle(bundle: Kept): Promise<boolean> {
    const keys = [...new Set(keysOfBundle(bundle.headers) ?? [])];
    const over: { readonly key: string; readonly seq: number }[] = [];
    const living: { readonly key: string; readonly value: StoreMessage }[] = [];
    await inParallel(keys, atATime, async (key) => {
      const value = await store.lastOf(key);
      if (value === undefined) return;
      if (store.isShown(value)) living.push({ key, value });
      else over.push({ key, seq: value.seq });
    });
    const age = clock.wallNow() - bundle.at;
    if (2 * living.length > keys.length && age < oldMs) {
      notBefore = clock.wallNow() + Math.min(Math.max(everyMs, age / 16), mostPatienceMs);
      return false;
    }
    await inParallel(living, atATime, ({ key, value }) => store.moveOut(key, value));
    await api.removeOne(stream, bundle.seq);
    store.floor(bundle.seq + 1);
    const at = clock.wallNow() + remainsKeptMs;
    for (const { key, seq } of over) {
      // What finds no room here is found by whoever starts.
      if (seq > 0 && remains.length < mostRemains)
        remains.push({ subject: names.storeSubject(key), seq, at });
    }
    return true;
  }

  async function turn(): Promise<void> {
    store.floor(await api.first(stream));
    await removeRemains();
    if (clock.wallNow() < notBefore) return;
    const newest = await api.newest(stream);
    for (let n = 0; n < bundlesPerTurn && !turns.stopped; n++) {
      const bundle = await api.next(stream, names.bundleSubject, 1);
      if (bundle === undefined || bundle.seq >= newest || !(await settle(bundle))) return;
    }
  }

  async function removeRemains(): Promise<void> {
    const now = clock.wallNow();
    const due = remains.filter(({ at }) => at <= now);
    remains = remains.filter(({ at }) => at > now);
    await inParallel(due, atATime, async (one) => {
      await removeMessage(api, names.streams.store, one.subject, one.seq).catch(() => remains.push(one));
    });
  }

  const turns = inTurns(clock, everyMs, turn);
  return turns;
}
