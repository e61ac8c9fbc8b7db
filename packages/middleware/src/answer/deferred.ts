import type { ServerResponse } from 'node:http';
import {
  type DeferralResource,
  formatDeferredHeader,
  formatRetryAfter,
  headerNames,
} from '@slackwater/shared';
import type { DeferralUrls } from './deferral-resource.ts';
import { sendAnswer, sendEmpty, sendJson } from './send.ts';
import type { SuccessAhead } from './success-ahead.ts';

/** What a caller is told whose request was recorded. */
export interface Deferred {
  readonly resource: DeferralResource;
  /** With the capability in them. */
  readonly urls: DeferralUrls;
  /** When asking for it makes sense, ms. */
  readonly pollAfterMs: number;
  /** Whether the caller said `Prefer: respond-async`. */
  readonly asked: boolean;
}

/** Answers 202: the request is recorded, durably, and will be performed. */
export function sendDeferred(res: ServerResponse, { resource, urls, pollAfterMs, asked }: Deferred): void {
  varyByPrefer(res);
  sendJson(
    res,
    202,
    {
      [headerNames.location]: urls.outcome,
      [headerNames.operationLocation]: urls.status,
      [headerNames.retryAfter]: formatRetryAfter(pollAfterMs),
      ...(asked ? { [headerNames.preferenceApplied]: 'respond-async' } : {}),
    },
    resource,
  );
}

/** Answers with the success that the work type gives ahead of the work. */
export function sendSuccessAhead(
  res: ServerResponse,
  { resource, urls, asked }: Deferred,
  { status, body }: SuccessAhead,
): void {
  varyByPrefer(res);
  const headers = {
    [headerNames.operationLocation]: urls.status,
    [headerNames.deferred]: formatDeferredHeader({ id: resource.id, portion: 'all' }),
    ...(asked ? { [headerNames.preferenceApplied]: 'respond-async' } : {}),
  };
  if (body === undefined) sendEmpty(res, status, headers);
  else sendAnswer(res, status, headers, { contentType: 'application/json; charset=utf-8', body });
}

/** Adds to what other middleware has said already. */
function varyByPrefer(res: ServerResponse): void {
  res.appendHeader(headerNames.vary, headerNames.prefer);
}
