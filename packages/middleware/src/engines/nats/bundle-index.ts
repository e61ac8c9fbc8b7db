import type { JsMsg } from '@nats-io/jetstream';
import type { Timer } from '../../clock.ts';
import { EngineError } from '../engine-error.ts';
import { keysOfBundle, type MadeAgain, madeAgainBy } from './bundle-message.ts';
import { coalesced } from './coalesced.ts';
import type { NatsContext } from './context.ts';
import { type Follower, follow } from './follower.ts';
import { type IndexedKey, KeyTable, openKeyTable } from './key-table.ts';

// In which bundle a key was made is known to no server, so each host keeps an index, by following the headers of all
// bundles. Of several bundles with one key the first counts, or the first that was written when all before it were gone: the order
// of the stream and what stands in it decide, for every host alike. What went before a host could hear of it is in no index.

/** The keys of all bundles. */
export interface BundleIndex {
  /** How many bundles there are that the index does not have yet, as far as is known. */
  readonly behind: number;
  /** The number of the newest bundle that was heard of. */
  readonly seen: number;
  /** Bundles before this number went unheard: they may have made any key that the index does not have. 0 where none did. */
  readonly missedBelow: number;
  /** Resolves when the index has the bundle with that number. */
  reached(seq: number): Promise<void>;
  /** Resolves when the index has all bundles that there were at the call. */
  caughtUp(): Promise<void>;
  /** Lets go of a key. */
  forget(key: IndexedKey): void;
  /** The numbers of the bundles that made these keys, as far as they were heard of. */
  bundlesOf(keys: readonly string[]): ReadonlyMap<string, number>;
  /** Keys with a prefix, behind `after`, as far as bundles were heard of. */
  page(prefix: string, limit: number, after: string | undefined, reverse: boolean): readonly IndexedKey[];
  close(): void;
}

/** Under what a table notes that; no subject is called so. */
const missedSubject = 'missed below';
const flushAfterMs = 20;
const flushAtKeys = 2_000;

/** Begins to follow; with a directory, it goes on from what an earlier index left there. */
export async function openBundleIndex(
  context: NatsContext,
  directory: string | undefined,
): Promise<BundleIndex> {
  const { api, names, clock, onTrouble } = context;
  const stream = names.streams.bundles;
  /** Heard of, and not in the table yet. */
  const heard = new Map<string, number>();
  const end = await api.end(stream);
  let table = openKeyTable({ directory, name: `${stream}.index`, end, keeps: 'first' }, onTrouble);
  let flushing: Timer | undefined;
  let missedBelow = 0;
  let next = 1;
  let follower: Follower = begin();

  function begin(): Follower {
    const from = table.followed(names.bundleSubject) + 1;
    missedBelow = Math.max(missedBelow, table.followed(missedSubject));
    next = from;
    return follow(context, { stream, from, headersOnly: true, onMessage: hear });
  }

  function hear({ headers, seq }: JsMsg): void {
    const keys = keysOfBundle(headers);
    if (keys === undefined) onTrouble('reading the bundles', foreign(stream, names.bundleSubject, seq));
    if (seq > next) missedBelow = seq;
    next = seq + 1;
    const again = madeAgainBy(headers);
    if (again !== undefined && !forgetGone(again)) return;
    for (const key of keys ?? []) if (!heard.has(key)) heard.set(key, seq);
    if (heard.size >= flushAtKeys) flush();
    else flushing ??= clock.after(flushAfterMs, flush);
  }

  /** False where the index began again over it, and this bundle will be heard once more. */
  function forgetGone({ floor, keys }: MadeAgain): boolean {
    const before = follower;
    flush(() => table.forgetBelow(floor, keys));
    return follower === before;
  }

  /** An index that can't be written is of no use: it begins again without a name, and follows from the beginning. */
  function flush(andThen: () => void = () => {}): void {
    flushing?.cancel();
    flushing = undefined;
    try {
      table.apply(heard, [
        [names.bundleSubject, follower.seen],
        [missedSubject, missedBelow],
      ]);
      heard.clear();
      andThen();
    } catch (error) {
      onTrouble('writing the index of bundles; it is made again', error);
      follower.stop();
      table.close();
      heard.clear();
      table = new KeyTable('', 'first');
      follower = begin();
    }
  }

  return {
    get behind() {
      return follower.behind;
    },
    get seen() {
      return follower.seen;
    },
    get missedBelow() {
      return missedBelow;
    },
    reached: (seq) => follower.reached(seq),
    caughtUp: coalesced(async () => follower.reached(await api.newest(stream))),
    forget: (key) => table.forget(key),
    bundlesOf(keys) {
      const found = table.seqsOf(keys);
      for (const key of keys) {
        const seq = heard.get(key);
        // What the table has was there before.
        if (seq !== undefined && !found.has(key)) found.set(key, seq);
      }
      return found;
    },
    page(prefix, limit, after, reverse) {
      flush();
      return table.page(prefix, limit, after, reverse);
    },
    close() {
      follower.stop();
      flush();
      flushing?.cancel();
      table.close();
    },
  };
}

function foreign(stream: string, subject: string, seq: number): EngineError {
  return new EngineError(
    'engine-corrupt',
    'none',
    `Message ${seq} of the stream ${stream} was not written by Slackwater and is left out, by every host alike. Find out who may publish to ${subject}.`,
  );
}
