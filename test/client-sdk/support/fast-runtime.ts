/** How much faster than the wall's clock time runs here. */
const factor = 100;

/** Time a hundred times as fast, and chance that is given: waits are real, and short. */
export interface FastRuntime {
  wallMs(): number;
  steadyMs(): number;
  random(): number;
  setTimer(delayMs: number, callback: () => void): () => void;
  /** Every delay that a timer was set for, in order. */
  readonly timersMs: readonly number[];
  /** Timers that have neither fired nor been canceled. */
  readonly pending: number;
}

export function fastRuntime(random: () => number = () => 0): FastRuntime {
  const startedAt = Date.now();
  const elapsed = (): number => performance.now() * factor;
  const origin = elapsed();
  const timersMs: number[] = [];
  const pending = new Set<NodeJS.Timeout>();
  return {
    wallMs: () => startedAt + elapsed() - origin,
    steadyMs: elapsed,
    random,
    setTimer: (delayMs, callback) => {
      timersMs.push(delayMs);
      const timer = setTimeout(
        () => {
          pending.delete(timer);
          callback();
        },
        Math.min(delayMs / factor, 2 ** 31 - 1),
      );
      pending.add(timer);
      return () => {
        pending.delete(timer);
        clearTimeout(timer);
      };
    },
    timersMs,
    get pending() {
      return pending.size;
    },
  };
}

/** The waits among the timers: those that are no limits, neither of the call (what is left of it after some milliseconds) nor of an attempt. */
export function waitsOf(runtime: FastRuntime, deadlineMs: number, attemptMs: number): readonly number[] {
  return runtime.timersMs.filter(
    (delayMs) => !(delayMs > deadlineMs * 0.9 && delayMs <= deadlineMs) && delayMs < attemptMs,
  );
}
