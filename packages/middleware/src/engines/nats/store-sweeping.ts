import { isBulkKey } from '../bulk-keys.ts';
import type { Api } from './api.ts';
import type { NatsContext } from './context.ts';
import { inParallel } from './in-parallel.ts';
import { inTurns } from './in-turns.ts';
import type { Kept } from './kept.ts';
import type { LongValues } from './long-values.ts';
import { chunkKey, readStoreMessage, type StoreMessage } from './store-message.ts';

// What has expired is removed. Servers before 2.11 do not do so by themselves, so each host now and then reads on in the
// stream from where it was, and removes what it comes upon; at what has not expired yet it waits. Most keys expire in
// the order of their writing, so over time each message is read once by each host, and what expires out of
// turn goes a little later. Removing twice does no harm.

const everyMs = 30_000;
const messagesPerPage = 2_000;
const pagesPerTurn = 10;
const removedAtATime = 16;
const orphanAfterMs = 3_600_000;

/** Removes a message of a key, and those before it. */
export async function removeMessage(api: Api, stream: string, subject: string, seq: number): Promise<void> {
  const there = await api.standing(stream, subject);
  // Where it is the one that counts, those behind it lost against it, and must not come to count.
  await api.remove(stream, subject, there?.counts.seq === seq ? there.last : seq, seq);
}

/** Begins to sweep. `isInBundle`: whether the bundle that made a key is still there. */
export function startStoreSweeping(
  context: NatsContext,
  values: LongValues,
  lastOf: (key: string) => Promise<StoreMessage | undefined>,
  isInBundle: (key: string) => Promise<boolean>,
): { stop(): void } {
  const { api, names, clock } = context;
  const stream = names.streams.store;
  let next = 1;

  /** What to do about a message: nothing, or remove it; undefined where it is too early, for those behind it as well. */
  function judge(message: Kept): (() => Promise<void>) | 'keep' | undefined {
    const now = clock.wallNow();
    const key = names.storeKey(message.subject);
    if (key === undefined) {
      return message.at > now - orphanAfterMs ? undefined : () => settleChunk(message);
    }
    const { expiresAt, chunks, seq, isDeleted } = readStoreMessage(message);
    if (isBulkKey(key)) {
      // While there is the bundle that it was made in, its first value would be there again.
      const isOver = isDeleted || (expiresAt !== undefined && expiresAt <= now);
      if (!isOver || message.at > now - orphanAfterMs) return 'keep';
      return async () => {
        if (!(await isInBundle(key))) await removeMessage(api, stream, message.subject, seq);
      };
    }
    if (expiresAt === undefined) return 'keep';
    if (expiresAt > now) return undefined;
    return async () => {
      await removeMessage(api, stream, message.subject, seq);
      values.drop(chunks);
    };
  }

  async function settleChunk({ subject, headers }: Kept): Promise<void> {
    const [id = ''] = subject.split('.').slice(-2);
    const key = chunkKey(headers);
    const named = key === undefined ? undefined : await lastOf(key);
    if (named?.chunks?.id !== id) await api.remove(stream, names.chunkSubject(id, '>'));
  }

  /** Reads on a page further. False where there is nothing more to be done for now. */
  async function page(newest: number): Promise<boolean> {
    const removals: (() => Promise<void>)[] = [];
    let end = next;
    let early = false;
    for await (const message of api.headers(stream, next, Math.min(messagesPerPage, newest - next + 1))) {
      const verdict = judge(message);
      early = verdict === undefined;
      if (turns.stopped || early) break;
      if (typeof verdict === 'function') removals.push(verdict);
      end = message.seq + 1;
    }
    await inParallel(removals, removedAtATime, (remove) => remove());
    next = early || end > next ? end : newest + 1;
    return !early && next <= newest;
  }

  async function turn(): Promise<void> {
    const newest = await api.newest(stream);
    for (let pages = 0; pages < pagesPerTurn && next <= newest && !turns.stopped; pages++) {
      if (!(await page(newest))) return;
    }
  }

  const turns = inTurns(clock, everyMs, turn);
  return turns;
}
