import type { JetStreamClient, JetStreamManager, StoredMsg, StreamState } from '@nats-io/jetstream';
import type { Clock } from '../../clock.ts';
import { EngineError } from '../engine-error.ts';
import type { Connection } from './connection.ts';
import { failureOf, isConflict, isUnanswered } from './failures.ts';
import type { Kept } from './kept.ts';
import { roomLeft } from './room-left.ts';
import { type Standing, subjectOrder } from './subject-order.ts';

/** What a message is sent with. */
export interface Sending {
  readonly headers?: Readonly<Record<string, string>>;
  /** Only where the message of the subject that counts has this number; 0 where there is none. See subject-order.ts. */
  readonly ifLastIs?: number;
  /** The message with that number has another subject, and none of this one counts more than it. */
  readonly isElsewhere?: boolean;
  /** The stream that must take it. */
  readonly stream: string;
}

/** The questions that are asked of the servers, with errors of the engine's own. Nothing is sent while the connection is lost. */
export interface Api {
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  /** For what may be asked again: it waits less long for an answer. */
  readonly questions: JetStreamManager;
  /** Resolves with the number the stream gave; undefined where `ifLastIs` did not hold. */
  publish(subject: string, data: Uint8Array, sending: Sending): Promise<number | undefined>;
  /** The message that counts of those of a subject. */
  last(stream: string, subject: string): Promise<Kept | undefined>;
  /** The same, with the number of the subject's last message, up to which all is over when that one is. */
  standing(stream: string, subject: string): Promise<Standing | undefined>;
  /** The newest message whose subject matches, whether it counts or not; wildcards are allowed. */
  newestOf(stream: string, subject: string): Promise<Kept | undefined>;
  /** The message with that number. */
  at(stream: string, seq: number): Promise<Kept | undefined>;
  /** The first message from number `from` on whose subject matches. */
  next(stream: string, subject: string, from: number): Promise<Kept | undefined>;
  /** Messages in the order of the stream, from number `from` on, as many as there are up to `count`. */
  range(stream: string, from: number, count: number): AsyncIterable<Kept>;
  /** The same, without what the messages hold. */
  headers(stream: string, from: number, count: number): AsyncIterable<Kept>;
  /** The number of the first message that there is, or would be. */
  first(stream: string): Promise<number>;
  /** The number of the newest message that the stream's leader has. */
  newest(stream: string): Promise<number>;
  /** When the stream was made, and its newest number: together they tell it from another of its name. */
  end(stream: string): Promise<{ readonly created: string; readonly newest: number }>;
  /** All subjects that have messages; of very many the servers answer in several pieces. */
  subjects(stream: string): Promise<readonly string[]>;
  /** Removes the message with that number, and has the servers write over it. */
  overwrite(stream: string, seq: number): Promise<void>;
  /** Removes the message with that number, if it is there. */
  removeOne(stream: string, seq: number): Promise<void>;
  /**
   * Removes the messages of a subject, also one with wildcards, up to a number, that one included; without it, all. Not all at once,
   * so the one that counts goes `atLast`: until then it counts.
   */
  remove(stream: string, subject: string, upTo?: number, atLast?: number): Promise<void>;
}

/** How long one request waits for its answer; a new leader is elected in a few seconds. */
const requestTimeoutMs = 5_000;
/**
 * Servers that have just become leaders, or are none any more, leave questions unanswered. What only reads is asked again
 * after a while: a lost answer would else cost more than the election did.
 */
const questionTimeoutMs = 1_000;
const mostQuestions = requestTimeoutMs / questionTimeoutMs;
/** Up to so many messages are asked for one by one; more by a consumer, which costs more to make. */
const mostSingly = 32;

/** The questions over one connection. Streams may have `maxBytes` each. */
export async function openApi(
  connection: Connection,
  clock: Pick<Clock, 'now' | 'after'>,
  maxBytes: number | undefined,
): Promise<Api> {
  const { packages, nats } = connection;
  const manager = await packages.jetstream.jetstreamManager(nats, {
    checkAPI: false,
    timeout: requestTimeoutMs,
  });
  const questions = await packages.jetstream.jetstreamManager(nats, {
    checkAPI: false,
    timeout: questionTimeoutMs,
  });
  const client = manager.jetstream();
  const { headers: makeHeaders } = packages.transport;

  async function ask<T>(doing: string, writes: boolean, work: () => Promise<T>): Promise<T> {
    if (nats.isClosed()) throw new EngineError('engine-closed', 'none', 'The engine is closed.');
    // The client would send it when the connection is back, long after its caller was told otherwise.
    if (!connection.connected)
      throw new EngineError('engine-unavailable', 'none', 'NATS is not reachable at the moment.');
    try {
      return await work();
    } catch (error) {
      throw failureOf(error, doing, writes);
    }
  }

  /** `question` only reads, by the manager `questions`. */
  function askAgain<T>(doing: string, question: () => Promise<T>): Promise<T> {
    return ask(doing, false, async () => {
      for (let i = 1; ; i++) {
        try {
          return await question();
        } catch (error) {
          if (!isUnanswered(error) || i === mostQuestions || !connection.connected) throw error;
        }
      }
    });
  }

  async function get(
    stream: string,
    query: Parameters<JetStreamManager['streams']['getMessage']>[1],
  ): Promise<Kept | undefined> {
    const message = await askAgain(`Reading ${stream}`, () => questions.streams.getMessage(stream, query));
    return message === null ? undefined : keptOf(message);
  }

  async function* fetched(
    stream: string,
    from: number,
    count: number,
    headersOnly: boolean,
  ): AsyncGenerator<Kept> {
    const messages = await ask(`Reading ${stream}`, false, async () => {
      const consumer = await client.consumers.get(stream, {
        deliver_policy: packages.jetstream.DeliverPolicy.StartSequence,
        opt_start_seq: from,
        headers_only: headersOnly,
      });
      return consumer.fetch({ max_messages: count, expires: requestTimeoutMs });
    });
    for await (const { seq, time, subject, headers, data, info } of messages) {
      yield { seq, at: time.getTime(), subject, headers, data };
      if (info.pending === 0) break;
    }
  }

  const stateOf = (stream: string): Promise<StreamState> =>
    askAgain(`Asking for the end of ${stream}`, async () => (await questions.streams.info(stream)).state);

  const newestOf: Api['newestOf'] = (stream, subject) => get(stream, { last_by_subj: subject });

  const next: Api['next'] = (stream, subject, from) => {
    // The client's types know of it only for reads from any replica; these are the leader's.
    const query = { seq: from, next_by_subj: subject };
    return get(stream, query);
  };

  const bytesOf = async (name: string): Promise<number> => (await stateOf(name)).bytes;
  const room = maxBytes === undefined ? undefined : roomLeft(maxBytes, clock, bytesOf);

  async function send(
    stream: string,
    subject: string,
    data: Uint8Array,
    headers: Sending['headers'],
    expected: number | undefined,
  ): Promise<number | undefined> {
    await room?.take(stream, data.byteLength);
    return ask(`Writing to ${stream}`, true, async () => {
      const sent = headers && makeHeaders();
      for (const [name, value] of Object.entries(headers ?? {})) sent?.set(name, value);
      const options = {
        expect: { streamName: stream, ...(expected !== undefined && { lastSubjectSequence: expected }) },
        timeout: requestTimeoutMs,
        ...(sent && { headers: sent }),
      };
      try {
        return (await client.publish(subject, data, options)).seq;
      } catch (error) {
        if (isConflict(error)) return undefined;
        throw error;
      }
    });
  }

  // One by one. Servers of 2.9.10 that purged by subject lost, when they were killed and started again, most of what was in the stream
  // before, of other subjects too, and made the others lose it as well.
  async function removeOne(stream: string, seq: number): Promise<void> {
    try {
      await ask(`Removing from ${stream}`, true, () => manager.streams.deleteMessage(stream, seq, false));
    } catch (error) {
      if ((await get(stream, { seq })) !== undefined) throw error;
    }
  }

  const pause = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve));
  const order = subjectOrder({ last: newestOf, next, send, pause });

  return {
    client,
    manager,
    questions,
    publish(subject, data, { headers, ifLastIs, isElsewhere = false, stream }) {
      if (ifLastIs === undefined) return send(stream, subject, data, headers, undefined);
      return order.replace(stream, subject, data, headers ?? {}, ifLastIs, isElsewhere);
    },
    last: async (stream, subject) => (await order.standing(stream, subject))?.counts,
    standing: order.standing,
    newestOf,
    next,
    at: (stream, seq) => get(stream, { seq }),
    async *range(stream, from, count) {
      if (count > mostSingly) {
        yield* fetched(stream, from, count, false);
        return;
      }
      const gets = Array.from({ length: count }, (_, i) => get(stream, { seq: from + i }));
      for (const kept of await Promise.all(gets)) if (kept !== undefined) yield kept;
    },
    headers: (stream, from, count) => fetched(stream, from, count, true),
    first: async (stream) => (await stateOf(stream)).first_seq,
    newest: async (stream) => (await stateOf(stream)).last_seq,
    end(stream) {
      return ask(`Asking for the end of ${stream}`, false, async () => {
        const { created, state } = await manager.streams.info(stream);
        return { created, newest: state.last_seq };
      });
    },
    async subjects(stream) {
      const filter = { subjects_filter: '>' };
      const { state } = await ask(`Listing ${stream}`, false, () => manager.streams.info(stream, filter));
      return Object.keys(state.subjects ?? {});
    },
    async overwrite(stream, seq) {
      await ask(`Removing from ${stream}`, true, () => manager.streams.deleteMessage(stream, seq, true));
    },
    removeOne,
    async remove(stream, subject, upTo = Number.MAX_SAFE_INTEGER, atLast) {
      for (let from = 1; from <= upTo; ) {
        const kept = await next(stream, subject, from);
        if (kept === undefined || kept.seq > upTo) break;
        if (kept.seq !== atLast) await removeOne(stream, kept.seq);
        from = kept.seq + 1;
      }
      if (atLast !== undefined) await removeOne(stream, atLast);
    },
  };
}

function keptOf(message: StoredMsg): Kept {
  const { seq, subject, data, header } = message;
  return { seq, at: message.time.getTime(), subject, data, headers: header };
}
