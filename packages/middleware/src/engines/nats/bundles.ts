import { bulkSegments } from '../bulk-keys.ts';
import { EngineError } from '../engine-error.ts';
import { openBundleIndex } from './bundle-index.ts';
import { type FirstValue, packBundle, unpackBundle } from './bundle-message.ts';
import type { NatsContext } from './context.ts';
import { notShown, streamReplaced } from './failures.ts';
import { gathered } from './gathered.ts';
import type { IndexedKey } from './key-table.ts';
import { leaderHas } from './leader-has.ts';
import type { StoreMessage } from './store-message.ts';

// Keys of which many are made at a time (bulk-keys.ts) are made in bundles: one message for all that come together, in a
// stream of its own. Nobody looks whether a key is there before or after: each host follows the bundles, and sees which one
// was first. What replaces such a value is a message of the key's own, as of any other key, and the value in the bundle
// is what those begin from: message 0. Bundles go from the first on (bundle-sweeping.ts); what those made and nobody moved out
// is over.

/** A bundle is this large at most, unless one value is larger: whoever reads one value reads the whole. */
const mostBytes = 64 * 1024;
const mostKeys = 256;
/** Of keys and values, within what servers take as headers. */
const mostHeaderBytes = 32 * 1024;
const cachedBytes = 16 * 1024 * 1024;

/** The first values of keys that are made in bundles. */
export interface Bundles {
  readonly behind: number;
  /**
   * False where the key was made before, deleted ones too, by a bundle that is still there. What a bundle made that is gone is
   * over, or has a message of its own: whoever makes a key that is not fresh looks for that.
   */
  create(value: FirstValue): Promise<boolean>;
  /** Whether any bundle is gone. */
  readonly someAreGone: boolean;
  /** The value that the key was made with. */
  first(key: string): Promise<StoreMessage | undefined>;
  /** Keys that were made, with a prefix, behind `after`: all whose making had resolved. */
  page(
    prefix: string,
    limit: number,
    after: string | undefined,
    reverse: boolean,
  ): Promise<readonly IndexedKey[]>;
  /** Bundles below that number are gone: what they made is not taken from memory either. */
  floor(seq: number): void;
  /** Whether the bundle that made the key is there. */
  holds(key: string): Promise<boolean>;
  /** Whether the bundle that made the key is known to be gone. */
  isGone(key: string): boolean;
  /** Lets go of a key that was found to be over, if its bundle is gone. */
  forget(key: IndexedKey): void;
  close(): void;
}

type Values = ReadonlyMap<string, StoreMessage>;

/** Opens the bundles of one scope. */
export async function openBundles(context: NatsContext, directory: string | undefined): Promise<Bundles> {
  const { api, names } = context;
  const stream = names.streams.bundles;
  const index = await openBundleIndex(context, directory);
  const cache = new Map<number, { readonly values: Promise<Values>; bytes: number }>();
  let bytesInCache = 0;
  let floor = 0;

  async function perform(values: readonly FirstValue[]): Promise<boolean[]> {
    const keys = values.map(({ key }) => key);
    const notFresh = values.filter(({ isFresh }) => !isFresh).map(({ key }) => key);
    // What is said of them to all hosts rests on what is known here.
    if (notFresh.length > 0) await index.caughtUp();
    const made = notFresh.length === 0 ? new Map<string, number>() : index.bundlesOf(notFresh);
    const lowest = firstThere();
    const fresh = new Map<string, FirstValue>();
    for (const value of values) {
      if ((made.get(value.key) ?? 0) < lowest && !fresh.has(value.key)) fresh.set(value.key, value);
    }
    if (fresh.size === 0) return values.map(() => false);
    const { headers, data } = packBundle([...fresh.values()], lowest);
    const { seen } = index;
    const seq = (await api.publish(names.bundleSubject, data, { stream, headers })) ?? 0;
    if (seq <= seen) throw streamReplaced(stream, seq);
    await index.reached(seq);
    const bundles = index.bundlesOf(keys);
    // What was acknowledged is there. Whoever does not see it must not say that it was there before.
    if ([...fresh.keys()].some((key) => !bundles.has(key))) throw notShown(stream, seq);
    return values.map((value) => fresh.get(value.key) === value && bundles.get(value.key) === seq);
  }

  /** What is made for one purpose does not wait for what is made for another. */
  const gatherings = new Map(
    bulkSegments.map((segment) => [
      segment,
      gathered<FirstValue, boolean>({
        calls: mostKeys,
        bytes: mostBytes,
        // So that keys as long as they may be stay within the bound of headers too.
        sizeOf: ({ key, value }) => value.byteLength + key.length * (mostBytes / mostHeaderBytes),
        perform,
      }),
    ]),
  );

  /** The number of the first bundle that may still be there. */
  function firstThere(): number {
    return Math.max(floor, index.missedBelow, 1);
  }

  async function bundleOf(key: string): Promise<number | undefined> {
    const known = index.bundlesOf([key]).get(key);
    if (known !== undefined) return known;
    await index.caughtUp();
    return index.bundlesOf([key]).get(key);
  }

  async function load(seq: number): Promise<Values> {
    const shown = await api.at(stream, seq);
    if (shown === undefined) await leaderHas(context, stream, seq);
    const message = shown ?? (await api.at(stream, seq));
    const values = message && unpackBundle(message.headers, message.data);
    if (values !== undefined) return values;
    if (message === undefined) floor = Math.max(floor, await api.first(stream));
    if (seq < floor) return new Map();
    throw unreadable(stream, seq);
  }

  function open(seq: number): Promise<Values> {
    const cached = cache.get(seq);
    if (cached !== undefined) {
      // The one that was used last is the last to go.
      cache.delete(seq);
      cache.set(seq, cached);
      return cached.values;
    }
    const entry = { values: load(seq), bytes: 0 };
    cache.set(seq, entry);
    entry.values.then(
      (values) => {
        // It may have been put out meanwhile, and then counts for nothing.
        if (cache.get(seq) !== entry) return;
        for (const { data } of values.values()) entry.bytes += data.byteLength;
        bytesInCache += entry.bytes;
        shrink();
      },
      () => cache.delete(seq),
    );
    return entry.values;
  }

  function shrink(): void {
    for (const [seq, { bytes }] of cache) {
      if (bytesInCache <= cachedBytes || cache.size === 1) return;
      cache.delete(seq);
      bytesInCache -= bytes;
    }
  }

  return {
    get behind() {
      return index.behind;
    },
    async create(value) {
      const create = gatherings.get(value.key.slice(0, value.key.indexOf('/')));
      if (create === undefined) throw new RangeError(`${value.key} is not made in bundles`);
      return create(value);
    },
    async first(key) {
      const seq = await bundleOf(key);
      return seq === undefined || seq < floor ? undefined : (await open(seq)).get(key);
    },
    async page(...page) {
      await index.caughtUp();
      return index.page(...page);
    },
    get someAreGone() {
      return firstThere() > 1;
    },
    floor(seq) {
      floor = Math.max(floor, seq);
    },
    holds: async (key) => ((await bundleOf(key)) ?? 0) >= Math.max(floor, 1),
    isGone: (key) => (index.bundlesOf([key]).get(key) ?? floor) < floor,
    forget(key) {
      if (key.seq < floor) index.forget(key);
    },
    close: () => index.close(),
  };
}

function unreadable(stream: string, seq: number): EngineError {
  return new EngineError(
    'engine-corrupt',
    'none',
    `Message ${seq} of the stream ${stream} is gone or was altered, and with it the values that it holds. Restore the newest backup.`,
  );
}
