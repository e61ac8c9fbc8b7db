import type { JsMsg } from '@nats-io/jetstream';
import type { Timer } from '../../clock.ts';
import type { NatsContext } from './context.ts';
import { type Follower, follow } from './follower.ts';
import { type IndexedKey, KeyTable, openKeyTable } from './key-table.ts';

// Which keys there are, in order. Servers know keys and no order, so each host that lists keeps an index: of the keys below
// one first segment, from the first list that asks for it on, by following the stream's headers. A key that is gone
// stands in it until a list comes upon it and finds nothing there.

/** The keys of a store, in order. */
export interface KeyIndex {
  /** Keys with a prefix, behind `after`; every key whose writing had resolved is there, and perhaps some that are gone. */
  page(
    prefix: string,
    limit: number,
    after: string | undefined,
    reverse: boolean,
  ): Promise<readonly IndexedKey[]>;
  /** Nothing was found at that key. If it was written again since, it stays. */
  forget(key: IndexedKey): void;
  close(): void;
}

const flushAfterMs = 20;
const flushAtChanges = 1_000;
/** Nobody listed for so long: what is not asked for need not be followed. */
const idleMs = 60_000;

/** An index that follows nothing yet; with a directory, it goes on from what an earlier one left there. */
export async function openKeyIndex(context: NatsContext, directory: string | undefined): Promise<KeyIndex> {
  const { api, names, clock, onTrouble } = context;
  const stream = names.streams.store;
  const followers = new Map<string, Follower>();
  /** The number of the last message. It may say that the key is gone, and need not count: a list finds out. */
  const changes = new Map<string, number>();
  const end = await api.end(stream);
  let table = openKeyTable({ directory, name: `${stream}.index`, end, keeps: 'last' }, onTrouble);
  let flushing: Timer | undefined;
  let resting: Timer | undefined;

  function change(message: JsMsg): void {
    const key = names.storeKey(message.subject);
    if (key === undefined) return;
    changes.set(key, message.seq);
    if (changes.size >= flushAtChanges) flush();
    else flushing ??= clock.after(flushAfterMs, flush);
  }

  function flush(): void {
    flushing?.cancel();
    flushing = undefined;
    if (changes.size === 0) return;
    orStartAgain(() => table.apply(changes, followed()));
    changes.clear();
  }

  const followed = (): [string, number][] => [...followers].map(([subject, { seen }]) => [subject, seen]);

  /** An index that can't be written is of no use: it begins again without a name, and follows from the beginning. */
  function orStartAgain(write: () => void): void {
    try {
      write();
    } catch (error) {
      onTrouble('writing the index of keys; it is made again', error);
      letGo();
      table.close();
      table = new KeyTable('', 'last');
    }
  }

  function letGo(): void {
    for (const follower of followers.values()) follower.stop();
    followers.clear();
  }

  /** The next list goes on from what was noted. */
  function rest(): void {
    flush();
    orStartAgain(() => table.apply(new Map(), followed()));
    letGo();
  }

  function followerOf(subject: string): Follower {
    const known = followers.get(subject);
    if (known !== undefined) return known;
    const from = table.followed(subject) + 1;
    const follower = follow(context, {
      stream,
      subject,
      from,
      headersOnly: true,
      removable: true,
      onMessage: change,
    });
    followers.set(subject, follower);
    return follower;
  }

  /** Waits until the index has what was written below the prefix. */
  async function catchUp(prefix: string): Promise<void> {
    const slash = prefix.indexOf('/');
    const subject = names.storeSubject(slash < 0 ? '>' : `${prefix.slice(0, slash)}/>`);
    const last = await api.newestOf(stream, subject);
    resting?.cancel();
    resting = clock.after(idleMs, rest);
    if (last !== undefined) await followerOf(subject).reached(last.seq);
    flush();
  }

  return {
    async page(prefix, limit, after, reverse) {
      await catchUp(prefix);
      return table.page(prefix, limit, after, reverse);
    },
    forget: (key) => orStartAgain(() => table.forget(key)),
    close() {
      resting?.cancel();
      rest();
      table.close();
    },
  };
}
