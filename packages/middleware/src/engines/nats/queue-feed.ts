import type { JsMsg } from '@nats-io/jetstream';
import type { Timer } from '../../clock.ts';
import { EngineError } from '../engine-error.ts';
import { coalesced } from './coalesced.ts';
import type { NatsContext } from './context.ts';
import { type Follower, follow } from './follower.ts';
import { unpackArrival, unpackItem } from './queue-message.ts';
import { type QueueChange, QueueView } from './queue-view.ts';
import { type ServerClock, startServerClock } from './server-clock.ts';
import { replacesOf } from './subject-order.ts';

/** Keeps a host's view of the queue as the stream has it. */
export interface QueueFeed {
  readonly clock: ServerClock;
  /** How many messages the view does not have yet, as far as is known. */
  readonly behind: number;
  /** The number of the newest message that was heard. */
  readonly seen: number;
  /**
   * Asks or changes the view, which has everything that was heard by then. Where its tables can't be written (a full
   * temporary disk), it is made again from the stream and `engine-full` is thrown.
   */
  use<T>(work: (view: QueueView) => T): T;
  /** Resolves when the view has the message with that number. */
  reached(seq: number): Promise<void>;
  /** Resolves when the view has everything that the stream had at the call. */
  caughtUp(): Promise<void>;
  stop(): void;
}

const flushAfterMs = 10;
const flushAtChanges = 500;

/** Begins to follow the queue's stream from its beginning. */
export function startQueueFeed(context: NatsContext): QueueFeed {
  const { api, names, clock, onTrouble } = context;
  const stream = names.streams.queue;
  const serverClock = startServerClock(context);
  let changes: QueueChange[] = [];
  let flushing: Timer | undefined;
  let stopped = false;
  let view = new QueueView();
  let follower: Follower = begin();
  const caughtUp = coalesced(async () => {
    await serverClock.compared;
    await follower.reached(await api.newest(stream));
  });

  function begin(): Follower {
    return follow(context, { stream, from: 1, removable: true, onMessage: hear });
  }

  function hear(message: JsMsg): void {
    if (message.subject === names.queueClockSubject) return;
    const change = changeOf(message);
    if (change === undefined) {
      onTrouble('reading the queue', foreign(stream, message.subject));
      return;
    }
    changes.push(change);
    if (changes.length >= flushAtChanges) flushQuietly();
    else flushing ??= clock.after(flushAfterMs, flushQuietly);
  }

  function changeOf(message: JsMsg): QueueChange | undefined {
    const { seq, subject, headers } = message;
    if (names.isArrival(subject)) {
      const items = unpackArrival(message);
      return items && { items, seq, subject, at: message.time.getTime() };
    }
    const item = unpackItem(message);
    return item && { item, seq, replaces: replacesOf(headers) };
  }

  function flushQuietly(): void {
    try {
      use(() => {});
    } catch {
      // Told below; whoever uses the view next is told as well.
    }
  }

  function use<T>(work: (view: QueueView) => T): T {
    if (stopped) throw new EngineError('engine-closed', 'none', 'The engine is closed.');
    flushing?.cancel();
    flushing = undefined;
    try {
      const heard = changes;
      changes = [];
      if (heard.length > 0) view.apply(heard);
      return work(view);
    } catch (cause) {
      const error = new EngineError(
        'engine-full',
        'unknown',
        "This host's view of the queue can't be written; look whether its temporary disk is full. It is made again.",
        { cause },
      );
      onTrouble('keeping a view of the queue', error);
      startAgain();
      throw error;
    }
  }

  function startAgain(): void {
    follower.stop();
    view.close();
    changes = [];
    view = new QueueView();
    follower = begin();
  }

  return {
    clock: serverClock,
    get behind() {
      return follower.behind;
    },
    get seen() {
      return follower.seen;
    },
    use,
    reached: (seq) => follower.reached(seq),
    caughtUp,
    stop() {
      stopped = true;
      flushing?.cancel();
      serverClock.stop();
      follower.stop();
      view.close();
    },
  };
}

function foreign(stream: string, subject: string): EngineError {
  return new EngineError(
    'engine-corrupt',
    'none',
    `The stream ${stream} has a message on ${subject} that Slackwater did not write; it is left out. Find out who may publish there.`,
  );
}
