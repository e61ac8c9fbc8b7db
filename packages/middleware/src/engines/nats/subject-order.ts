import type { MsgHdrs } from '@nats-io/transport-node';
import { EngineError } from '../engine-error.ts';
import { inLineByKey } from './in-line.ts';
import type { Kept } from './kept.ts';

// Compare-and-set, decided by the order of the stream. A message says which one of its subject it replaces, 0 for none:
//   Slackwater-Replaces: <seq>
// Of those that replace the same one, the first in the stream counts, and whoever replaces that one. The others stay and
// mean nothing. So what counts is what says that it replaces the greatest number, and of several the first; each
// writer looks after its write whether that is its own.
//
// It is not left to the servers, although they can compare: a clustered server before 2.10 that finds out only when it applies a
// message that it must be refused (by number, or by id) counts it as failed, forgets that count when it is restarted, and then
// applies as many older messages once more, silently and differently from the others: keys go back to what they were.
// What is refused when it comes in is harmless. So the number of the last message is given along where there is one:
// it turns away whoever is not nearly at the same time. And of one host only one call at a time writes to a subject: streams keep
// so many messages of each as hosts may be, and the one that counts must not be pushed out by those that lost.

const replacesHeader = 'Slackwater-Replaces';
/** Those that replace nothing meet each other within so many messages. */
const mostBetween = 100_000;
const mostTries = 16;
const mostKnown = 10_000;
const mostLooks = 9;
/** And twice, three times ... as long: some four seconds in all. */
const betweenLooksMs = 100;

/** Which message a message replaces; undefined where it is not one of these. */
export function replacesOf(headers: MsgHdrs | undefined): number | undefined {
  const text = headers?.get(replacesHeader) ?? '';
  return /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}

/** How messages are read and sent; what `send` gives is undefined where the subject's last message was not `expected`. */
export interface Wire {
  last(stream: string, subject: string): Promise<Kept | undefined>;
  next(stream: string, subject: string, from: number): Promise<Kept | undefined>;
  send(
    stream: string,
    subject: string,
    data: Uint8Array,
    headers: Readonly<Record<string, string>>,
    expected: number | undefined,
  ): Promise<number | undefined>;
  pause(ms: number): Promise<void>;
}

/** What there is of a subject. */
export interface Standing {
  /** The message that counts. */
  readonly counts: Kept;
  /** The number of the last message, whether it counts or not. */
  readonly last: number;
}

/** Reads and replaces messages of subjects. */
export interface SubjectOrder {
  standing(stream: string, subject: string): Promise<Standing | undefined>;
  /**
   * Resolves with the message's number; undefined where what counts is another than `replaced`. That is a message of another
   * subject where `isElsewhere` says so.
   */
  replace(
    stream: string,
    subject: string,
    data: Uint8Array,
    headers: Readonly<Record<string, string>>,
    replaced: number,
    isElsewhere: boolean,
  ): Promise<number | undefined>;
}

/** The order of subjects over a wire. */
export function subjectOrder({ last, next, send, pause }: Wire): SubjectOrder {
  /** Messages that were seen to count when they were written; that does not change. */
  const known = new Set<string>();
  const inLine = inLineByKey();

  function learn(stream: string, seq: number): void {
    known.add(`${stream} ${seq}`);
    if (known.size <= mostKnown) return;
    for (const oldest of known) {
      known.delete(oldest);
      return;
    }
  }

  async function standing(stream: string, subject: string): Promise<Standing | undefined> {
    const newest = await last(stream, subject);
    if (newest === undefined) return undefined;
    const replaced = replacesOf(newest.headers);
    const alone =
      replaced === undefined || replaced === newest.seq - 1 || known.has(`${stream} ${newest.seq}`);
    const counts = alone ? newest : await firstOfGreatest(stream, newest, replaced);
    learn(stream, counts.seq);
    return { counts, last: newest.seq };
  }

  async function firstOfGreatest(stream: string, newest: Kept, replaced: number): Promise<Kept> {
    let best = newest;
    let greatest = replaced;
    for (let from = behind(replaced, newest.seq); ; ) {
      const kept = await next(stream, newest.subject, from);
      if (kept === undefined || kept.seq >= newest.seq) return best;
      const its = replacesOf(kept.headers) ?? -1;
      if (its > greatest || (its === greatest && kept.seq < best.seq)) {
        best = kept;
        greatest = its;
      }
      from = kept.seq + 1;
    }
  }

  /** Whether the message with number `seq` was the first to replace `replaced`. */
  async function wasFirst(stream: string, subject: string, replaced: number, seq: number): Promise<boolean> {
    for (let from = behind(replaced, seq), looks = 1; ; ) {
      const kept = await next(stream, subject, from);
      if (kept === undefined && looks < mostLooks) {
        // Who has just become the stream's leader may still be taking in what the one before had acknowledged.
        await pause(betweenLooksMs * looks++);
        continue;
      }
      if (kept === undefined || kept.seq > seq)
        throw new Error(`message ${seq} was written and is not shown`);
      if (kept.seq === seq) return true;
      if ((replacesOf(kept.headers) ?? -1) >= replaced) return false;
      from = kept.seq + 1;
    }
  }

  async function replace(
    stream: string,
    subject: string,
    data: Uint8Array,
    headers: Readonly<Record<string, string>>,
    replaced: number,
    isElsewhere: boolean,
  ): Promise<number | undefined> {
    if (replaced === 0 && (await last(stream, subject)) !== undefined) return undefined;
    let expected = isElsewhere ? 0 : replaced;
    for (let i = 0; i < mostTries; i++) {
      const sent = { ...headers, [replacesHeader]: String(replaced) };
      const seq = await send(stream, subject, data, sent, expected === 0 ? undefined : expected);
      if (seq !== undefined) {
        if (!(await wasFirst(stream, subject, replaced, seq).catch(unknown))) return undefined;
        learn(stream, seq);
        return seq;
      }
      const there = await standing(stream, subject);
      if (there?.counts.seq !== replaced) return undefined;
      expected = there.last;
    }
    throw new EngineError('engine-unavailable', 'none', `${subject} is written by too many at once.`);
  }

  return {
    standing,
    replace: (stream, subject, ...what) =>
      inLine(`${stream} ${subject}`, () => replace(stream, subject, ...what)),
  };
}

/** From where on a message could stand that replaces the same as message `seq`. */
function behind(replaced: number, seq: number): number {
  return replaced > 0 ? replaced + 1 : Math.max(1, seq - mostBetween);
}

function unknown(cause: unknown): never {
  const why = cause instanceof Error ? cause.message : String(cause);
  throw new EngineError(
    'engine-unavailable',
    'unknown',
    `It was written, and whether it counts is not known: ${why}`,
    {
      cause,
    },
  );
}
