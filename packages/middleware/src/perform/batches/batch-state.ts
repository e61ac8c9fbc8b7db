/**
 * What hosts know together of a batch: one value of the key-value store at `batches/<name>`, as JSON. Whoever may change it
 * does so by compare-and-set. Times are Unix milliseconds. It is a cache like all that is there: without it the batch is
 * as if it had never run.
 */
export interface BatchState {
  readonly v: 1;
  /** What was due up to then is done with, or was left out. */
  readonly handledAt: number;
  readonly endedAt?: number;
  /** When a batch that was postponed is looked at again. */
  readonly retryAt?: number;
  /** Since when it has been postponed, run after run. */
  readonly postponedSince?: number;
  /** How often in a row. */
  readonly postponements: number;
  /** How many runs in a row did not end well, for whatever reason. */
  readonly misses: number;
  readonly paused: boolean;
  /** Of the newest run. */
  readonly token: number;
  /** Who runs it; absent where nobody does. */
  readonly holder?: string;
  /** How long others leave it to the holder after it was last heard; there with `holder`. */
  readonly leaseMs?: number;
  /** Goes up as the holder says that it is alive. */
  readonly beats?: number;
}

/** The state of a batch that nobody has run: what was due before it was known is not made up for. */
export function firstState(nowMs: number): BatchState {
  return { v: 1, handledAt: nowMs, postponements: 0, misses: 0, paused: false, token: 0 };
}

/** By more than this, ms, clocks of hosts that are right do not differ. */
const mostAheadMs = 3_600_000;

/** Whether the state is of a time that is yet to come, so that the clock that it was written by, or this one, was wrong. */
export function isAhead({ handledAt, endedAt = 0 }: BatchState, nowMs: number): boolean {
  return Math.max(handledAt, endedAt) > nowMs + mostAheadMs;
}

/** Its bytes in the store. */
export function stateBytes(state: BatchState): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(state));
}

/** What the bytes say; undefined where they are none of this version. */
export function parseState(bytes: Uint8Array): BatchState | undefined {
  try {
    const state: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return isState(state) ? state : undefined;
  } catch {
    return undefined;
  }
}

function isState(value: unknown): value is BatchState {
  if (typeof value !== 'object' || value === null) return false;
  const state: { readonly [Name in keyof BatchState]?: unknown } = value;
  return (
    state.v === 1 &&
    typeof state.paused === 'boolean' &&
    [state.handledAt, state.postponements, state.misses, state.token].every(isCount) &&
    [state.endedAt, state.retryAt, state.postponedSince, state.leaseMs, state.beats].every(isCountOrNone) &&
    (state.holder === undefined || typeof state.holder === 'string')
  );
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isCountOrNone(value: unknown): boolean {
  return value === undefined || isCount(value);
}

/** The state where nobody runs it. */
export function withoutHolder({ holder, leaseMs, beats, ...state }: BatchState): BatchState {
  return state;
}
