import { type DeferralResource, formatRetryAfter, headerNames } from '@slackwater/shared';
import type { Deferral } from '../../ledger/deferral.ts';
import type { ResourceParts } from './contract.ts';

/** Whether more can become of a deferral. */
export function isSettled({ phase }: Deferral): boolean {
  return phase === 'settled';
}

/** Whether nothing more becomes of it: it is settled, and undone where that is to be done. */
export function isOver({ phase, reversal }: Pick<DeferralResource, 'phase' | 'reversal'>): boolean {
  return phase === 'settled' && (reversal === undefined || reversal.phase === 'settled');
}

/** When to ask again: headers of an answer about a deferral of which more can become, none for one that is over. */
export function paceOf(
  parts: ResourceParts,
  deferral: Pick<DeferralResource, 'phase' | 'reversal' | 'partition'>,
): Readonly<Record<string, string>> {
  return isOver(deferral) ? {} : waitHeaders(parts.pollAfterMs(deferral.partition));
}

/** Retry-After for a wait. */
export function waitHeaders(waitMs: number): Readonly<Record<string, string>> {
  return {
    [headerNames.retryAfter]: formatRetryAfter(waitMs),
    [headerNames.retryAfterMs]: String(Math.ceil(Math.max(0, waitMs))),
  };
}
