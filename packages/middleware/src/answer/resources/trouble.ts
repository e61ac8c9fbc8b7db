import type { ServerResponse } from 'node:http';
import {
  createProblem,
  type ErrorCode,
  isSlackwaterError,
  type ReasonCode,
  type RetryLaterProblem,
} from '@slackwater/shared';
import { sendNotFound, sendProblem } from '../send.ts';
import type { ResourceParts } from './contract.ts';
import { resourceLimits } from './limits.ts';
import { waitHeaders } from './pace.ts';

/** Trouble of the engine or the ledger, by the reason that callers are given. Messages may hold paths: they stay here. */
const reasons: Partial<Record<ErrorCode, ReasonCode>> = {
  'index-behind': 'index-behind',
  'engine-timeout': 'ledger-timeout',
  'timed-out': 'ledger-timeout',
  'operation-elsewhere': 'ledger-timeout',
  // Its lease was over just now: whoever has the run next is told.
  'operation-closed': 'ledger-timeout',
  'engine-full': 'ledger-full',
  'engine-unavailable': 'ledger-unavailable',
  'engine-corrupt': 'ledger-unavailable',
  'engine-closed': 'ledger-unavailable',
  'ledger-corrupt': 'ledger-unavailable',
  'ledger-truncated': 'ledger-unavailable',
  'ledger-keys-differ': 'ledger-unavailable',
  'ledger-copy-unfinished': 'ledger-unavailable',
  'key-file-unreadable': 'ledger-unavailable',
};

/** Tells of trouble; whoever hears it can't make more of it. */
export function tellTrouble(parts: ResourceParts, doing: string, error: unknown): void {
  try {
    parts.tellTrouble(doing, error);
  } catch {
    // A listener's fault is not the answer's.
  }
}

const behind = 'The index has not read the ledger to its end yet, or can not be asked just now.';

/** Answers for what a resource rejected with. An answer that has begun is cut off, so that nobody takes it for whole. */
export function sendTrouble(res: ServerResponse, error: unknown): void {
  const code = isSlackwaterError(error) ? error.code : undefined;
  const reason = code && reasons[code];
  if (res.headersSent) {
    if (!res.writableEnded) res.destroy();
  } else if (reason !== undefined) {
    const detail = reason === 'index-behind' ? behind : 'The ledger can not be asked just now.';
    sendRetryLater(res, detail, [reason]);
  } else if (code === 'parameter-invalid' && error instanceof Error) {
    sendProblem(res, createProblem('parameter-invalid', error.message));
  } else if (code === 'not-found') {
    sendNotFound(res);
  } else if (code === 'requester-erased') {
    sendErased(res);
  } else {
    sendProblem(
      res,
      createProblem('internal-error', 'The gate could not answer. Its owner has been told why.'),
    );
  }
}

/** What is asked for can't be read by anybody any more. */
export function sendErased(res: ServerResponse): void {
  const detail = 'The key that this was encrypted with was destroyed when its requester was erased.';
  sendProblem(res, createProblem('requester-erased', detail));
}

/** What was to be recorded may be recorded, or not. */
export function sendFateUnknown(res: ServerResponse, detail: string): void {
  const problem: RetryLaterProblem = {
    ...createProblem('record-fate-unknown', detail),
    recorded: 'unknown',
    retryable: true,
    retryAfterMs: resourceLimits.troubleRetryMs,
  };
  sendProblem(res, problem, waitHeaders(resourceLimits.troubleRetryMs));
}

/** There is no room to hold another request open. */
export function sendBusy(res: ServerResponse): void {
  sendRetryLater(res, 'As many requests are held open as may be.', []);
}

function sendRetryLater(res: ServerResponse, detail: string, why: readonly ReasonCode[]): void {
  const problem: RetryLaterProblem = {
    ...createProblem('retry-later', detail),
    recorded: false,
    retryable: true,
    retryAfterMs: resourceLimits.troubleRetryMs,
    reasons: why,
  };
  sendProblem(res, problem, waitHeaders(resourceLimits.troubleRetryMs));
}
