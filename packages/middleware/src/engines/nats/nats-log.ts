import { EngineError } from '../engine-error.ts';
import { checkEntries, checkInteger, engineLimits } from '../limits.ts';
import type { EngineLog } from '../log.ts';
import type { Api } from './api.ts';
import { coalesced } from './coalesced.ts';
import type { NatsContext } from './context.ts';
import { streamReplaced } from './failures.ts';
import { type Follower, follow } from './follower.ts';
import { type Anchor, knownAnchor, packEntries, unpackEntries } from './log-frame.ts';
import { findPlace } from './log-places.ts';
import { LogTail } from './log-tail.ts';
import type { Names } from './names.ts';

// The log is a stream and its order is the stream's. A batch is one message. Nobody counts for the others: each host follows
// the stream and adds up the entries of the messages, so all come to the same positions.
//
// A publish is never sent again by us: with its answer lost, whether the batch is there is for the log to say (fate
// unknown). So nothing depends on how long the server remembers what it has seen.

/** The log of one scope, with what lets it go. */
export interface NatsLog extends EngineLog {
  readonly follower: Follower;
  stop(): void;
}

/** A read gives so many bytes at most, unless one message has more. */
const mostReadBytes = 16 * 1024 * 1024;
const mostBackwards = 100;

/** Opens the log: finds its end, and follows it from there. */
export async function openNatsLog(context: NatsContext): Promise<NatsLog> {
  const { api, names, onTrouble } = context;
  const stream = names.streams.log;
  const tail = new LogTail(await nearEnd(api, stream));
  const follower = follow(context, {
    stream,
    from: tail.next.seq,
    onMessage(message) {
      const entries = unpackEntries(message.headers, message.data);
      if (entries === undefined) onTrouble('reading the log', foreign(names, message.seq));
      tail.add(message.seq, entries ?? []);
    },
  });
  const toEnd = coalesced(async () => follower.reached(await api.newest(stream)));

  async function readBack(position: number, limit: number): Promise<Uint8Array[]> {
    const place = await findPlace(api, stream, tail, position);
    const found: Uint8Array[] = [];
    let bytes = 0;
    let at = place;
    while (found.length < limit && bytes < mostReadBytes && at.seq < tail.next.seq) {
      const count = Math.min(limit + position - at.position, tail.next.seq - at.seq, 1_000);
      const from = at;
      for await (const { seq, headers, data } of api.range(stream, from.seq, Math.max(1, count))) {
        const entries = unpackEntries(headers, data) ?? [];
        const wanted = entries.slice(Math.max(0, position - at.position)).slice(0, limit - found.length);
        found.push(...wanted);
        for (const { byteLength } of wanted) bytes += byteLength;
        at = { seq: seq + 1, position: at.position + entries.length };
        if (found.length >= limit || bytes >= mostReadBytes) break;
      }
      if (at.seq === from.seq) throw streamReplaced(stream, from.seq);
    }
    if (at.position === position + found.length) tail.readUpTo(at);
    return found;
  }

  return {
    follower,
    async append(entries) {
      checkEntries(entries);
      const known = tail.next;
      const { headers, data } = packEntries(entries, known);
      const seq = (await api.publish(names.logSubject, data, { stream, headers })) ?? 0;
      if (seq < known.seq) throw streamReplaced(stream, seq);
      await follower.reached(seq);
      const first = tail.positionOf(seq);
      if (first === undefined) throw streamReplaced(stream, seq);
      return { first };
    },
    async read(from, limit) {
      checkInteger('from', from, 0);
      checkInteger('limit', limit, 1, engineLimits.entriesPerRead);
      if (from + limit > tail.next.position) await toEnd();
      return tail.read(from, limit) ?? readBack(from, limit);
    },
    async size() {
      await toEnd();
      return tail.next.position;
    },
    stop: () => follower.stop(),
  };
}

/** A place near the end: what the writer of the last message knew. */
async function nearEnd(api: Api, stream: string): Promise<Anchor> {
  const newest = await api.newest(stream);
  for (let seq = newest; seq > 0 && seq > newest - mostBackwards; seq--) {
    const message = await api.at(stream, seq);
    const known = knownAnchor(message?.headers);
    if (known !== undefined && known.seq <= seq) return known;
  }
  return { seq: 1, position: 0 };
}

function foreign({ owner, logSubject, streams }: Names, seq: number): EngineError {
  return new EngineError(
    'engine-corrupt',
    'none',
    `Message ${seq} of the stream ${streams.log} was not written by Slackwater and is left out, by every host alike. Find out who may publish ` +
      `to ${logSubject} and let only the hosts of ${owner} do so.`,
  );
}
