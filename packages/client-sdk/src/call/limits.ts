import type { ClientErrorFacts } from '../errors/client-error.ts';
import { type CallHistory, factsOf, newHistory } from '../errors/facts.ts';
import { AbortedError, DeadlineExceededError } from '../errors/waiting.ts';
import type { Runtime } from '../runtime.ts';

/** The part of an abort signal that axios asks for. */
export interface SignalLike {
  readonly aborted: boolean;
  readonly addEventListener?: (type: 'abort', listener: () => void) => void;
  readonly removeEventListener?: (type: 'abort', listener: () => void) => void;
  readonly reason?: unknown;
}

/** What ends a call from outside: its deadline and its caller's signals, in one. */
export interface Limits {
  /** What was tried within them. */
  readonly history: CallHistory;
  /** Fires at the deadline and when the caller aborts. */
  readonly signal: AbortSignal;
  /** Milliseconds left, 0 at the end, Infinity without a deadline. */
  remainingMs(): number;
  /** The typed error of what ended it; undefined while nothing has. */
  endedBy(facts: ClientErrorFacts): Error | undefined;
  /** Forgets timers and listeners. To be called when the call is over. */
  release(): void;
}

type End = { readonly by: 'deadline' } | { readonly by: 'caller'; readonly reason: unknown };

/** Starts the clock of a call. */
export function startLimits(
  runtime: Runtime,
  deadlineMs: number,
  signals: readonly (SignalLike | undefined)[],
): Limits {
  const controller = new AbortController();
  const endsAt = runtime.steadyMs() + deadlineMs;
  const releases: (() => void)[] = [];
  let end: End | undefined;
  const history = newHistory();
  const finish = (ended: End): void => {
    if (end !== undefined) return;
    end = ended;
    controller.abort();
  };
  if (Number.isFinite(deadlineMs)) {
    releases.push(runtime.setTimer(deadlineMs, () => finish({ by: 'deadline' })));
  }
  for (const signal of signals) {
    if (signal === undefined) continue;
    const onAbort = (): void => finish({ by: 'caller', reason: signal.reason });
    if (signal.aborted) onAbort();
    signal.addEventListener?.('abort', onAbort);
    releases.push(() => signal.removeEventListener?.('abort', onAbort));
  }
  return {
    history,
    signal: controller.signal,
    remainingMs: () => Math.max(0, endsAt - runtime.steadyMs()),
    endedBy(facts) {
      if (end === undefined) return undefined;
      const known = { ...factsOf(history), ...facts };
      if (end.by === 'caller')
        return new AbortedError({ ...known, retryAt: undefined, cause: end.reason ?? facts.cause });
      return new DeadlineExceededError(`The deadline of ${deadlineMs} ms has passed.`, {
        ...known,
        retryable: facts.retryable ?? true,
      });
    },
    release: () => {
      for (const release of releases.splice(0)) release();
    },
  };
}
