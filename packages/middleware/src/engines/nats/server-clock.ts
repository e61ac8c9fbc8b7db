import { randomUUID } from 'node:crypto';
import type { JsMsg } from '@nats-io/jetstream';
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
  /** Every message of the subject is to be shown to it. */
  hear(message: JsMsg): void;
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
  const me = randomUUID();
  let asked: { readonly text: string; readonly sentAt: number; answeredAt: number | undefined } | undefined;
  let sent = 0;
  let offset = 0;
  let timer: Timer | undefined;
  let stopped = false;
  let told = false;

  async function ask(): Promise<void> {
    sent += 1;
    const question = {
      text: `${me} ${sent}`,
      sentAt: clock.wallNow(),
      answeredAt: undefined as number | undefined,
    };
    asked = question;
    await api.publish(names.queueClockSubject, Buffer.from(question.text), { stream: names.streams.queue });
    question.answeredAt = clock.wallNow();
  }

  function again(delayMs: number): void {
    if (stopped) return;
    timer = clock.after(delayMs, () => {
      ask().then(
        () => again(everyMs),
        () => again(retryMs),
      );
    });
  }

  function learn(takenAt: number, { sentAt, answeredAt = clock.wallNow() }: NonNullable<typeof asked>): void {
    const difference = Math.round(takenAt - (sentAt + answeredAt) / 2);
    offset = Math.abs(difference) < noiseMs ? 0 : difference;
    if (told || Math.abs(offset) < worthTellingMs) return;
    told = true;
    const ahead = Math.round(-offset);
    onTrouble(
      'comparing clocks',
      new Error(
        `This host's clock is ${ahead} ms ahead of the NATS server's (below zero: behind); set one of them right.`,
      ),
    );
  }

  again(0);
  return {
    now: () => clock.wallNow() + offset,
    toServer: (at) => at + offset,
    fromServer: (at) => at - offset,
    hear({ data, time }) {
      if (asked !== undefined && Buffer.from(data).toString('utf8') === asked.text)
        learn(time.getTime(), asked);
    },
    stop() {
      stopped = true;
      timer?.cancel();
    },
  };
}
