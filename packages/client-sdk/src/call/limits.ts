import type { ClientErrorFacts } from '../errors/client-error.ts';
import { type CallHistory, factsOf, newHistory } from '../errors/facts.ts';
import { AbortedError, DeadlineExceededError } from '../errors/waiting.ts';
import type { Runtime } from '../runtime.ts';
import { onAbortOfAny, type SignalLike } from './abort-hub.ts';

export type { SignalLike } from './abort-hub.ts';

type End = { readonly by: 'deadline' } | { readonly by: 'caller'; readonly reason: unknown };

const none: readonly SignalLike[] = [];

/** Starts the clock of a call. */
export function startLimits(
  runtime: Runtime,
  deadlineMs: number,
  signals: readonly (SignalLike | undefined)[],
): Limits {
  const given = signals.filter((signal) => signal !== undefined);
  // A list of its own is as long as it has to be.
  return new Limits(runtime, deadlineMs, given.length === 0 ? none : given.slice());
}

/**
 * What ends a call from outside: its deadline and its caller's signals, in one. While nobody watches, it holds no timer, no listener and no
 * signal of its own.
 */
export class Limits {
  /** What was tried within them. */
  readonly history: CallHistory = newHistory();
  readonly #runtime: Runtime;
  readonly #deadlineMs: number;
  readonly #endsAtMs: number;
  /** The caller's own. */
  readonly signals: readonly SignalLike[];
  #end: End | undefined;
  #own: { readonly controller: AbortController; readonly release: () => void } | undefined;

  constructor(runtime: Runtime, deadlineMs: number, signals: readonly SignalLike[]) {
    this.#runtime = runtime;
    this.#deadlineMs = deadlineMs;
    this.#endsAtMs = runtime.steadyMs() + deadlineMs;
    this.signals = signals;
  }

  /** Fires at the deadline and when the caller aborts. Made when it is first asked for; {@link release} lets go of it. */
  get signal(): AbortSignal {
    if (this.#own === undefined) {
      const controller = new AbortController();
      this.#own = { controller, release: this.onEnd(() => controller.abort()) };
    }
    return this.#own.controller.signal;
  }

  /** Whether the deadline has passed or the caller has aborted. */
  get isOver(): boolean {
    if (this.#end !== undefined) return true;
    for (const signal of this.signals) {
      if (!signal.aborted) continue;
      this.#end = { by: 'caller', reason: signal.reason };
      return true;
    }
    if (this.#endsAtMs > this.#runtime.steadyMs()) return false;
    this.#end = { by: 'deadline' };
    return true;
  }

  /** Calls back once when they end, at once where they have; returns what ends that. `withinMs`: nobody waits longer, so a deadline after it needs no timer. Default Infinity. */
  onEnd(listener: () => void, withinMs = Number.POSITIVE_INFINITY): () => void {
    if (this.isOver) {
      listener();
      return () => {};
    }
    const releases: (() => void)[] = [];
    const release = (): void => {
      for (const one of releases.splice(0)) one();
    };
    const end = (): void => {
      release();
      // Timers of some platforms fire a little early.
      if (!this.isOver) this.#end = { by: 'deadline' };
      listener();
    };
    if (this.signals.length > 0) releases.push(onAbortOfAny(this.signals, end));
    const leftMs = this.remainingMs();
    if (Number.isFinite(leftMs) && leftMs <= withinMs) releases.push(this.#runtime.setTimer(leftMs, end));
    return release;
  }

  /** Waits, at most until they end. Until then there is a timer, and a place in the line at each of the caller's signals. */
  wait(delayMs: number): Promise<void> {
    if (this.isOver) return Promise.resolve();
    const waitMs = Math.min(delayMs, this.remainingMs());
    // A closure for each of ten thousand is worth avoiding.
    if (this.signals.length === 0)
      return new Promise((resolve) => void this.#runtime.setTimer(waitMs, resolve));
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        leave();
        resolve();
      };
      const cancel = this.#runtime.setTimer(waitMs, end);
      const leave = onAbortOfAny(this.signals, end);
    });
  }

  /** Milliseconds left, 0 at the end, Infinity without a deadline. */
  remainingMs(): number {
    return Math.max(0, this.#endsAtMs - this.#runtime.steadyMs());
  }

  /** The typed error of what ended it; undefined while nothing has. */
  endedBy(facts: ClientErrorFacts): Error | undefined {
    if (!this.isOver || this.#end === undefined) return undefined;
    const known = { ...factsOf(this.history), ...facts };
    if (this.#end.by === 'caller')
      return new AbortedError({ ...known, retryAt: undefined, cause: this.#end.reason ?? facts.cause });
    return new DeadlineExceededError(`The deadline of ${this.#deadlineMs} ms has passed.`, {
      ...known,
      retryable: facts.retryable ?? true,
    });
  }

  /** Forgets timers and listeners. To be called when the call is over, and before a long wait. */
  release(): void {
    this.#own?.release();
    this.#own = undefined;
  }
}
