/**
 * A clock that stands still until it is told to go on: the middleware's `Clock` in shape, so that tests need
 * no real time.
 */
export interface ManualClock {
  now(): number;
  wallNow(): number;
  after(delayMs: number, callback: () => void): { cancel(): void };
  /** Goes on by `ms`, calling what becomes due on the way, in order of due time, at its due time. */
  advance(ms: number): void;
  /** Sets the wall clock alone, as an operator or NTP would. */
  jumpWall(toWallMs: number): void;
  /** How many timers wait. */
  readonly pending: number;
  /** How long until the first of them is due, in ms; undefined where none waits. */
  readonly nextDueInMs: number | undefined;
}

interface Due {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A {@link ManualClock} at monotonic 0 and at `startWallMs` (default 2026-01-01 UTC). */
export function manualClock(startWallMs: number = Date.UTC(2026, 0, 1)): ManualClock {
  const timers = new Set<Due>();
  let now = 0;
  let wallOffset = startWallMs;
  let order = 0;

  function nextDue(limit: number): Due | undefined {
    let next: Due | undefined;
    for (const timer of timers) {
      if (timer.at > limit) continue;
      if (next === undefined || timer.at < next.at || (timer.at === next.at && timer.order < next.order))
        next = timer;
    }
    return next;
  }

  return {
    now: () => now,
    wallNow: () => wallOffset + now,
    after(delayMs, callback) {
      const timer: Due = { at: now + Math.max(0, delayMs), order: order++, callback };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
    advance(ms) {
      const target = now + ms;
      for (let due = nextDue(target); due !== undefined; due = nextDue(target)) {
        timers.delete(due);
        now = Math.max(now, due.at);
        due.callback();
      }
      now = target;
    },
    jumpWall(toWallMs) {
      wallOffset = toWallMs - now;
    },
    get pending() {
      return timers.size;
    },
    get nextDueInMs() {
      const due = nextDue(Number.POSITIVE_INFINITY);
      return due === undefined ? undefined : Math.max(0, due.at - now);
    },
  };
}
