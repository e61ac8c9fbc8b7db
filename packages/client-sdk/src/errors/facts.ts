import type { Problem } from '@slackwater/shared';
import type { LastFailure } from './last-failure.ts';

/** What is known of a call that failed: what to do next, and what was tried. */
export interface FailureFacts {
  /**
   * Whether the same call may go well later: by `resume` where there is one. Never true where repeating it could do the work
   * twice.
   */
  readonly retryable: boolean;
  /** When the server wants to be asked again; undefined where it did not say. */
  readonly retryAt: Date | undefined;
  /** How often the request was sent. */
  readonly attempts: number;
  /** How long was waited before each attempt but the first, and before each status request, ms: the last 100 of them. */
  readonly waitsMs: readonly number[];
  /** How the last attempt that failed did: an AxiosError, or undefined where none did. */
  readonly lastError: unknown;
  /** The problem document (RFC 9457) of the last answer that had one. */
  readonly problem: Problem | undefined;
}

/** What is known of a call as it goes on. */
export interface CallHistory {
  attempts: number;
  waitsMs: readonly number[];
  /** How the last attempt that failed did. */
  last: LastFailure | undefined;
}

const mostWaits = 100;
const noWaits: readonly number[] = [];

/** A call of which nothing has happened yet. */
export function newHistory(): CallHistory {
  return { attempts: 0, waitsMs: noWaits, last: undefined };
}

/** Notes a wait. Only the last ones are kept, so that a call may wait for days. */
export function noteWait(history: CallHistory, waitMs: number): void {
  // A list of its own each time is as long as it has to be: ten thousand calls may wait.
  history.waitsMs = [...history.waitsMs.slice(1 - mostWaits), waitMs];
}

/** The facts of a failure of which nothing more is known. */
export const noFacts: FailureFacts = {
  retryable: false,
  retryAt: undefined,
  attempts: 0,
  waitsMs: [],
  lastError: undefined,
  problem: undefined,
};

/** The facts of a call so far. */
export function factsOf(history: CallHistory, more: Partial<FailureFacts> = {}): FailureFacts {
  const { attempts, waitsMs, last } = history;
  return { ...noFacts, attempts, waitsMs, problem: last?.problem, lastError: last?.error, ...more };
}
