/** A timer that was started; `cancel` may be called any number of times. */
export interface Timer {
  cancel(): void;
}

/**
 * The only source of time. Durations and orders of events come from `now`, which never jumps; what people and
 * records read comes from `wallNow`, which may.
 */
export interface Clock {
  /** Monotonic milliseconds, with fractions, from an origin of the process's own. */
  now(): number;
  /** Unix milliseconds. */
  wallNow(): number;
  /** Calls `callback` once after `delayMs`. The timer does not keep the process alive. */
  after(delayMs: number, callback: () => void): Timer;
}

/** The time of this machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
