import { loadProver } from '../proof/load-prover.ts';
import type { Runtime } from '../runtime.ts';

/** A client's time and chance, moved by hand: nothing waits for real. */
export interface FakeClock extends Runtime {
  /** Milliseconds since the clock was made. */
  readonly elapsedMs: number;
  /** Timers that have neither fired nor been canceled. */
  readonly timers: number;
  /** Lets time pass, and everything happen that is due within it, each at its time. */
  advance(byMs: number): Promise<void>;
  /**
   * Lets time pass, from one timer to the next, until the promise is settled, and gives what it resolves with.
   *
   * Rejects as it does, and with an Error where it waits and no timer is set.
   */
  settle<T>(promise: Promise<T>): Promise<T>;
}

/** What a {@link fakeClock} begins with. */
export interface FakeClockOptions {
  /** The wall clock at first, Unix milliseconds. Default 1,767,225,600,000. */
  readonly startAtMs?: number;
  /** Chance: values from 0 to below 1, over and over. Default `[0.5]`. */
  readonly chances?: readonly number[];
}

const fakeClockDefaults = { startAtMs: 1_767_225_600_000 } as const;

/**
 * A clock for tests: give it to a client as `runtime`, together with a scripted server. A call that waits for an hour is then over at once,
 * and always in the same way.
 */
export function fakeClock(options: FakeClockOptions = {}): FakeClock {
  const { startAtMs = fakeClockDefaults.startAtMs, chances = [0.5] } = options;
  const timers = new Map<object, { readonly atMs: number; readonly callback: () => void }>();
  let nowMs = 0;
  let drawn = 0;

  /** Fires what is due first, if that is within the limit. */
  function fireNext(untilMs: number): boolean {
    const [first] = [...timers].sort(([, a], [, b]) => a.atMs - b.atMs);
    if (first === undefined || first[1].atMs > untilMs) return false;
    const [key, { atMs, callback }] = first;
    timers.delete(key);
    nowMs = Math.max(nowMs, atMs);
    callback();
    return true;
  }

  return {
    wallMs: () => startAtMs + nowMs,
    steadyMs: () => nowMs,
    random: () => chances[drawn++ % chances.length] ?? 0.5,
    setTimer(delayMs, callback) {
      const key = {};
      timers.set(key, { atMs: nowMs + Math.max(0, delayMs), callback });
      return () => void timers.delete(key);
    },
    get elapsedMs() {
      return nowMs;
    },
    get timers() {
      return timers.size;
    },
    async advance(byMs) {
      await loadProver();
      const untilMs = nowMs + byMs;
      await turns();
      while (fireNext(untilMs)) await turns();
      nowMs = untilMs;
    },
    async settle(promise) {
      // Loading takes real time, which must not look like waiting.
      await loadProver();
      let settled = false;
      const watched = promise.finally(() => {
        settled = true;
      });
      watched.catch(() => {});
      for (;;) {
        await turns();
        if (settled) return await watched;
        if (fireNext(Number.POSITIVE_INFINITY)) continue;
        throw new Error('It waits, and no timer is set: does the scripted server answer every request?');
      }
    },
  };
}

/** As many turns of the event loop as one attempt takes at most. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}
