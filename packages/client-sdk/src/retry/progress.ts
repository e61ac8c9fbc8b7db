import type { RetryNotice } from '../options.ts';
import type { Pass } from './lane.ts';

/** What is known of a call while it is being sent, besides its history. */
export interface Progress {
  /** Whether an attempt was sent and not heard of yet. */
  underWay: boolean;
  unaskedRetries: number;
  answerLost: boolean;
  serverKeepsKeys: boolean;
  redirected: boolean;
  performedBefore: boolean;
  /** The error to end with instead of the last failure. */
  refusal: Error | undefined;
  notice: Omit<RetryNotice, 'retry'> | undefined;
  /** Of the attempt that is under way. */
  pass: Pass | undefined;
  /** When the server wants to be asked again, by its last answer. */
  retryAt: Date | undefined;
  /** Whether the last failure could be repeated without doing the work twice. */
  retryable: boolean;
}

/** A call before its first attempt. */
export function newProgress(serverKeepsKeys: boolean): Progress {
  return {
    underWay: false,
    unaskedRetries: 0,
    answerLost: false,
    serverKeepsKeys,
    redirected: false,
    performedBefore: false,
    refusal: undefined,
    notice: undefined,
    pass: undefined,
    retryAt: undefined,
    retryable: false,
  };
}
