import type { ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import type { Timer } from '../../clock.ts';
import { EngineError } from '../engine-error.ts';
import type { NatsContext } from './context.ts';

// Following a stream: every message once, in the order of the stream, as it comes. The server's side of it is an
// ordered consumer, which is in one server's memory and dies with it; what is followed goes on behind the last message
// that was seen, so nothing is seen twice or left out.

/** Follows one stream. */
export interface Follower {
  /** The number of the newest message that was seen. */
  readonly seen: number;
  /** How many more there were when the newest was sent, or as many as somebody waits for. */
  readonly behind: number;
  /** Resolves when the message with that number has been seen, or one behind it. Rejects when the following ends. */
  reached(seq: number): Promise<void>;
  stop(): void;
}

/** What is followed. */
export interface Following {
  readonly stream: string;
  /** Only subjects that match. Default: all. */
  readonly subject?: string;
  /** Begin with this number. */
  readonly from: number;
  readonly headersOnly?: boolean;
  /** Whether messages may be removed from the stream. Of one that keeps all, each is waited for however long it takes. */
  readonly removable?: boolean;
  /** Called for each message, at once. It must not throw. */
  readonly onMessage: (message: JsMsg) => void;
}

/**
 * Whoever waits so long without a message begins to doubt that the server's side is still there, ms. Each time that it was made
 * again in vain the patience doubles: servers that are slow must not be kept busy with that.
 */
const doubtAfterMs = 400;
const mostDoubtMs = 5_000;
const restartPauseMs = 250;

interface Waiting {
  readonly seq: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Begins to follow. What goes wrong is tried again until it is stopped; whoever waits, waits. */
export function follow({ connection, api, clock }: NatsContext, following: Following): Follower {
  const { stream, subject, headersOnly = false, removable = false, onMessage } = following;
  const waiting = new Set<Waiting>();
  let seen = following.from - 1;
  let pending = 0;
  let life = 0;
  let messages: ConsumerMessages | undefined;
  let stopped = false;
  let starting = false;
  let doubt: Timer | undefined;
  let patienceMs = doubtAfterMs;
  let retry: Timer | undefined;

  function arrive(message: JsMsg, ofLife: number): void {
    if (ofLife !== life || message.seq <= seen) return;
    onMessage(message);
    pending = message.info.pending;
    advance(message.seq);
  }

  function advance(seq: number): void {
    seen = Math.max(seen, seq);
    patienceMs = doubtAfterMs;
    doubt?.cancel();
    doubt = undefined;
    for (const item of waiting) {
      if (item.seq > seen) continue;
      waiting.delete(item);
      item.resolve();
    }
    doubtIfWaited();
  }

  function doubtIfWaited(): void {
    if (waiting.size === 0 || doubt !== undefined || stopped) return;
    doubt = clock.after(patienceMs, () => {
      doubt = undefined;
      patienceMs = Math.min(2 * patienceMs, mostDoubtMs);
      void start();
    });
  }

  /**
   * The stream's leader has nothing behind what was seen: what somebody waits for has been removed. The consumer can't
   * tell that, for it may be on a server that does not have the newest yet. Nor can a leader that was elected just now and is
   * still taking in what the one before acknowledged: it must have come as far as that.
   */
  async function isRemoved(seq: number): Promise<boolean> {
    if ((await api.newest(stream)) < seq) return false;
    return (await api.next(stream, subject ?? '>', seen + 1)) === undefined;
  }

  async function start(): Promise<void> {
    if (stopped || starting) return;
    starting = true;
    life += 1;
    const ofLife = life;
    const old = messages;
    const waitedFor = Math.max(0, ...[...waiting].map(({ seq }) => seq));
    messages = undefined;
    try {
      void Promise.resolve(old?.close()).catch(() => {});
      if (removable && waitedFor > seen && (await isRemoved(waitedFor))) advance(waitedFor);
      const { DeliverPolicy } = connection.packages.jetstream;
      const consumer = await api.client.consumers.getPushConsumer(stream, {
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: seen + 1,
        headers_only: headersOnly,
        ...(subject !== undefined && { filter_subjects: subject }),
      });
      const begun = await consumer.consume({ callback: (message) => arrive(message, ofLife) });
      if (stopped || ofLife !== life) void Promise.resolve(begun.close()).catch(() => {});
      else messages = begun;
    } catch {
      // Whoever reads or writes meanwhile is told why; here it is only tried again.
      retry = clock.after(restartPauseMs, () => void start());
    } finally {
      starting = false;
      doubtIfWaited();
    }
  }

  const unsubscribe = connection.onReconnected(() => void start());
  void start();

  return {
    get seen() {
      return seen;
    },
    get behind() {
      return Math.max(pending, ...[...waiting].map(({ seq }) => seq - seen));
    },
    reached(seq) {
      if (seq <= seen) return Promise.resolve();
      if (stopped) return Promise.reject(ended());
      return new Promise((resolve, reject) => {
        waiting.add({ seq, resolve, reject });
        doubtIfWaited();
      });
    },
    stop() {
      stopped = true;
      life += 1;
      doubt?.cancel();
      retry?.cancel();
      unsubscribe();
      void Promise.resolve(messages?.close()).catch(() => {});
      for (const item of waiting) item.reject(ended());
      waiting.clear();
    },
  };
}

function ended(): EngineError {
  return new EngineError('engine-closed', 'none', 'The engine is closed.');
}
