import { formatRetryAfter, parseRetryAfter } from '@slackwater/shared';
import { resolveOptions } from '../../packages/client-sdk/src/options.ts';
import { retryWaitMs } from '../../packages/client-sdk/src/retry/delay.ts';
import type { Random } from './random.ts';
import type { CallerKind } from './scenario.ts';

/** What a caller does that is asked to come back, or is let down. Times in ms. */
export interface Caller {
  /** Whether it says `Prefer: respond-async`, and so may be deferred. */
  readonly respondsAsync: boolean;
  /** Whether its requests carry an Idempotency-Key, so that hosts recognise it. */
  readonly keyed: boolean;
  /** How long it waits after its attempt number `attempt` (from 1) was answered *retry later*. */
  waitMs(attempt: number, askedMs: number, random: Random): number;
  /** Whether it repeats a request that was let through and failed. */
  readonly repeatsFailed: boolean;
}

/** How long a request and its answer are under way together. */
export const networkMs = 2;

const sdk = resolveOptions({});

/** How long callers go on asking: as long as the SDK does where nobody says otherwise. */
export const patienceMs = sdk.deadlineMs;

/** The callers there are, by kind. */
export const callers: Readonly<Record<CallerKind, Caller>> = {
  sdk: {
    respondsAsync: sdk.preferAsync,
    keyed: true,
    waitMs: (attempt, askedMs, random) => retryWaitMs(sdk, attempt, askedMs, random()),
    repeatsFailed: false,
  },
  obedient: {
    respondsAsync: false,
    keyed: false,
    waitMs: (_attempt, askedMs) => parseRetryAfter(formatRetryAfter(askedMs), 0) ?? askedMs,
    repeatsFailed: false,
  },
  naive: {
    respondsAsync: false,
    keyed: false,
    waitMs: (attempt) => (attempt === 1 ? 0 : 1_000),
    repeatsFailed: true,
  },
};
