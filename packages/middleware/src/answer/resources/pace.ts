import { formatRetryAfter, headerNames } from '@slackwater/shared';
import type { Deferral } from '../../ledger/deferral.ts';
import type { ResourceParts } from './contract.ts';

/** Whether more can become of a deferral. */
export function isSettled({ phase }: Deferral): boolean {
  return phase === 'settled';
}

/** When to ask again: headers of an answer about a deferral that is not settled, none for one that is. */
export function paceOf(parts: ResourceParts, deferral: Deferral): Readonly<Record<string, string>> {
  return isSettled(deferral) ? {} : waitHeaders(parts.pollAfterMs(deferral.partition));
}

/** Retry-After for a wait. */
export function waitHeaders(waitMs: number): Readonly<Record<string, string>> {
  return {
    [headerNames.retryAfter]: formatRetryAfter(waitMs),
    [headerNames.retryAfterMs]: String(Math.ceil(Math.max(0, waitMs))),
  };
}
