import type { Timer } from '../../clock.ts';
import type { NatsContext } from './context.ts';

// Hosts have clocks of their own and leases must mean the same to all, so leases go by the servers' clock. Each host finds
// out how far its own is from it: it sends a message now and then, and the stream says when it was taken.

/** The servers' time, as well as this host knows it. */
export interface ServerClock {
  /** Unix milliseconds by the servers' clock; by this host's own until the first answer. */
  now(): number;
  /** What this host calls `at`, in the servers' time. */
  toServer(at: number): number;
  /** What the servers call `at`, in this host's time. */
  fromServer(at: number): number;
  /** Resolves when the clocks were compared for the first time, or could not be. */
  readonly compared: Promise<void>;
  stop(): void;
}

const everyMs = 60_000;
const retryMs = 1_000;
/** Less than this may as well be the way of the messages; ms. */
const noiseMs = 100;
/** Beyond this, people should set the host's clock right; ms. */
const worthTellingMs = 5_000;

/** Begins to compare clocks. */
export function startServerClock({ api, names, clock, onTrouble }: NatsContext): ServerClock {
  const stream = names.streams.queue;
  let offset = 0;
  let timer: Timer | undefined;
  let stopped = false;
  let told = false;

  /** False where another host's message took the place of ours before we could look. */
  async function compare(): Promise<boolean> {
    const sentAt = clock.wallNow();
    const seq = (await api.publish(names.queueClockSubject, new Uint8Array(), { stream })) ?? 0;
    const answeredAt = clock.wallNow();
    const taken = await api.at(stream, seq);
    if (taken === undefined) return false;
    learn(Math.round(taken.at - (sentAt + answeredAt) / 2));
    return true;
  }

  function learn(difference: number): void {
    offset = Math.abs(difference) < noiseMs ? 0 : difference;
    if (told || Math.abs(offset) < worthTellingMs) return;
    told = true;
    onTrouble(
      'comparing clocks',
      new Error(
        `This host's clock is ${-offset} ms ahead of the NATS server's (below zero: behind); set one of them right.`,
      ),
    );
  }

  function again(delayMs: number): void {
    if (stopped) return;
    timer = clock.after(delayMs, () => {
      compare().then(
        (done) => again(done ? everyMs : retryMs * Math.random()),
        () => again(retryMs),
      );
    });
  }

  const first = compare();
  first.then(
    (done) => again(done ? everyMs : retryMs * Math.random()),
    () => again(retryMs),
  );
  return {
    now: () => clock.wallNow() + offset,
    toServer: (at) => at + offset,
    fromServer: (at) => at - offset,
    compared: first.then(
      () => {},
      () => {},
    ),
    stop() {
      stopped = true;
      timer?.cancel();
    },
  };
}
