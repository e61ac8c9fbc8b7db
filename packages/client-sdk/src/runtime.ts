import { timerWheel } from './timer-wheel.ts';

/** Time and chance, injected so that tests need neither sleep nor luck. */
export interface Runtime {
  /** Unix milliseconds of the wall clock: only for dates in headers and for telling people. */
  wallMs(): number;
  /** Milliseconds that never run backwards: for deadlines. */
  steadyMs(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /** Calls back once after `delayMs`; returns what cancels it. */
  setTimer(delayMs: number, callback: () => void): () => void;
}

/** The longest delay a timer takes; one more and it fires at once. */
export const longestTimerMs = 2_147_483_647;

/** The clocks, the timers and the chance of the platform, Node or browser. */
export const systemRuntime: Runtime = {
  wallMs: () => Date.now(),
  steadyMs: () => performance.now(),
  random: () => Math.random(),
  // One wheel for all clients of a process, however many calls wait.
  setTimer: timerWheel(
    (delayMs, callback) => {
      const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), longestTimerMs));
      return () => clearTimeout(timer);
    },
    () => performance.now(),
  ),
};
