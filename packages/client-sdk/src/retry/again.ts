import type { InternalAxiosRequestConfig } from 'axios';
import { isRepeatable } from '../call/body.ts';
import type { DeferralSession } from '../deferral/session.ts';
import type { RetryReason } from './decide.ts';

/** What an attempt ends with that is to be repeated: when, and why. axios hands it through as the reason of a rejection. */
export class Again {
  readonly waitMs: number;
  readonly reason: RetryReason;
  /** Of the answer that led to it; undefined where none came. */
  readonly status: number | undefined;
  /** Of the pass: axios-retry sends it again. */
  readonly config: InternalAxiosRequestConfig<unknown>;

  /** What ended the wait for it. */
  end: unknown;

  constructor(
    waitMs: number,
    reason: RetryReason,
    status: number | undefined,
    config: InternalAxiosRequestConfig<unknown>,
  ) {
    this.waitMs = waitMs;
    this.reason = reason;
    this.status = status;
    this.config = config;
  }

  /**
   * Whether axios-retry is to repeat it within the same pass. Every repetition of its is held by the one before, with all that axios made of the
   * request, so long waits are not its.
   */
  get isSoon(): boolean {
    return this.waitMs <= soonMs && isRepeatable(this.config.data);
  }
}

/** What an attempt ends with that was deferred. */
export class Deferred {
  readonly session: DeferralSession;

  constructor(session: DeferralSession) {
    this.session = session;
  }
}

/** Waits up to this are spent within axios. */
const soonMs = 250;

/** As many repetitions as one pass holds at most. */
export const mostWithinPass = 3;
