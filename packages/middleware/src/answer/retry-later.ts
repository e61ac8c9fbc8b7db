import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import {
  createProblem,
  formatRetryAfter,
  headerNames,
  type ReasonCode,
  type RetryLaterProblem,
} from '@slackwater/shared';
import { sendProblem } from './send.ts';

/** What a caller is told that should come back. */
export interface RetryLater {
  /** The first one decided. */
  readonly reasons: readonly ReasonCode[];
  /** Whole ms. */
  readonly retryAfterMs: number;
  readonly workType: string | undefined;
  /** See {@link partitionTag}. */
  readonly partition: string | undefined;
  /** The deferral's id, where it is not known whether the request was recorded. */
  readonly unknownId?: string;
}

/** Answers 503: nothing was done, and when to come back. */
export function sendRetryLater(res: ServerResponse, answer: RetryLater): void {
  const { retryAfterMs, partition, workType, reasons, unknownId } = answer;
  const problem: RetryLaterProblem = {
    ...(unknownId === undefined
      ? { ...createProblem('retry-later', detailOf(reasons)), recorded: false }
      : { ...createProblem('record-fate-unknown', fateUnknown), recorded: 'unknown', id: unknownId }),
    retryable: true,
    retryAfterMs,
    ...(partition === undefined ? {} : { partition }),
    ...(workType === undefined ? {} : { workType }),
    reasons,
  };
  sendProblem(res, problem, {
    [headerNames.retryAfter]: formatRetryAfter(retryAfterMs),
    [headerNames.retryAfterMs]: retryAfterMs,
    ...(partition === undefined ? {} : { [headerNames.partition]: partition }),
  });
}

const fateUnknown =
  'Whether the request was recorded is not known. Repeat it only with the same Idempotency-Key.';

function detailOf(reasons: readonly ReasonCode[]): string {
  return `Nothing was done or recorded (${reasons.join(', ')}). Come back after the time in Retry-After.`;
}

/**
 * A name for a partition that callers can tell it by and learn nothing from: the same on every host of an application.
 */
export function partitionTag(application: string, partition: string): string {
  return createHash('sha256')
    .update(JSON.stringify([application, partition]))
    .digest('base64url')
    .slice(0, 12);
}
