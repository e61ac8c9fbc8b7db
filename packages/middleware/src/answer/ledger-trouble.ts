import { isSlackwaterError } from '@slackwater/shared';
import type { WhyNot } from './gate-parts.ts';

/** The reason that callers are given for an error of the ledger or its engine. */
export function ledgerTrouble(error: unknown): WhyNot {
  // An engine takes records up to a bound; identity and headers count too.
  if (error instanceof RangeError) return 'body-too-large';
  if (!isSlackwaterError(error)) return 'ledger-unavailable';
  if (error.code === 'engine-full') return 'ledger-full';
  return error.code === 'engine-timeout' ? 'ledger-timeout' : 'ledger-unavailable';
}

/** The deferral's id, where an error says that it may have been recorded. */
export function unknownDeferralOf(error: unknown): string | undefined {
  const { fate, deferralId } = (error ?? {}) as { fate?: unknown; deferralId?: unknown };
  return fate === 'unknown' && typeof deferralId === 'string' ? deferralId : undefined;
}
