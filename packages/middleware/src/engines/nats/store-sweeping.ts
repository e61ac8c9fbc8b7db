import type { Timer } from '../../clock.ts';
import type { Kept } from './api.ts';
import type { NatsContext } from './context.ts';
import type { LongValues } from './long-values.ts';
import { chunkKey, readStoreMessage } from './store-message.ts';

// What has expired is removed. Servers before 2.11 do not do so by themselves, so each host now and then reads on in the
// stream from where it was, and removes what it comes upon; at what has not expired yet it waits. Most keys expire in
// the order of their writing, so over time each message is read once by each host, and what expires out of
// turn goes a little later. Removing twice does no harm.

const everyMs = 30_000;
const messagesPerTurn = 2_000;
const orphanAfterMs = 3_600_000;

/** Begins to sweep. */
export function startStoreSweeping(context: NatsContext, values: LongValues): { stop(): void } {
  const { api, names, clock } = context;
  const stream = names.streams.store;
  let next = 1;
  let stopped = false;
  let timer: Timer | undefined;

  /** False where it is too early for this one, and for those behind it. */
  async function settle(message: Kept): Promise<boolean> {
    const key = names.storeKey(message.subject);
    if (key === undefined) return settleChunk(message);
    const { expiresAt, chunks, seq } = readStoreMessage(message);
    if (expiresAt === undefined) return true;
    if (expiresAt > clock.wallNow()) return false;
    await api.purge(stream, message.subject, seq);
    values.drop(chunks);
    return true;
  }

  async function settleChunk({ subject, headers, at }: Kept): Promise<boolean> {
    if (at > clock.wallNow() - orphanAfterMs) return false;
    const [id = ''] = subject.split('.').slice(-2);
    const key = chunkKey(headers);
    const named = key === undefined ? undefined : await api.last(stream, names.storeSubject(key));
    const isNamed = named !== undefined && readStoreMessage(named).chunks?.id === id;
    if (!isNamed) await api.purge(stream, names.chunkSubject(id, '>'));
    return true;
  }

  async function turn(): Promise<void> {
    const newest = await api.newest(stream);
    let left = messagesPerTurn;
    while (left > 0 && next <= newest && !stopped) {
      const from = next;
      const count = Math.min(left, newest - next + 1);
      for await (const message of api.headers(stream, next, count)) {
        if (stopped || !(await settle(message))) return;
        next = message.seq + 1;
      }
      if (next === from) next = newest + 1;
      left -= count;
    }
  }

  function schedule(): void {
    timer = clock.after(everyMs * (0.5 + Math.random()), () => {
      // Whatever failed is tried again; nothing depends on it but room.
      turn()
        .catch(() => {})
        .then(() => {
          if (!stopped) schedule();
        });
    });
  }

  schedule();
  return {
    stop() {
      stopped = true;
      timer?.cancel();
    },
  };
}
