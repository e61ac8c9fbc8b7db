import type { ReasonCode } from '@slackwater/shared';
import type { Mode } from './mode.ts';

/** Where a work type stands on a partition at one instant. */
export interface Standing {
  readonly mode: Mode;
  /** Unfinished requests, of this or more important work, that were let through while it was recovering. */
  readonly unfinished: number;
  /** Whether unfinished requests of all work types that recover hold every connection but one. */
  readonly isFull: boolean;
  /** Whether a request of this work type could be the partition's probe now. */
  readonly mayProbe: boolean;
  /** Whether a place is open for it because it, or less important work, has waited for long. */
  readonly isOpen: boolean;
  /** Whether requests of it were held back a moment ago in favour of other requesters: what they leave is not for less important work. */
  readonly yields: boolean;
}

/** What happens to a request as far as latency is concerned. */
export type Verdict =
  | { readonly perform: true; readonly reason: PerformReason }
  | { readonly perform: false; readonly reason: PostponeReason };

type PerformReason = Extract<ReasonCode, 'clear' | 'exempt' | 'recovered-share' | 'probe' | 'floor'>;
type PostponeReason = Extract<
  ReasonCode,
  'over-threshold' | 'others-over-threshold' | 'recovering' | 'more-important-first' | 'requester-share'
>;

const clear: Verdict = { perform: true, reason: 'clear' };
const probe: Verdict = { perform: true, reason: 'probe' };
const recoveredShare: Verdict = { perform: true, reason: 'recovered-share' };
const overThreshold: Verdict = { perform: false, reason: 'over-threshold' };
const othersOverThreshold: Verdict = { perform: false, reason: 'others-over-threshold' };
const recovering: Verdict = { perform: false, reason: 'recovering' };
const moreImportantFirst: Verdict = { perform: false, reason: 'more-important-first' };

/** The verdict for work that is never postponed. */
export const exempt: Verdict = { perform: true, reason: 'exempt' };

/** The verdict for a request that takes the place which was opened. */
export const floor: Verdict = { perform: true, reason: 'floor' };

/** The verdict for a request whose requester has its share. */
export const requesterShare: Verdict = { perform: false, reason: 'requester-share' };

/** The verdict for a work type by itself. */
export function standAlone({ mode, unfinished, isFull, mayProbe }: Standing): Verdict {
  switch (mode.kind) {
    case 'clear':
      return clear;
    case 'over':
      if (mayProbe) return probe;
      return mode.by === 'own' ? overThreshold : othersOverThreshold;
    case 'recovering':
      return !isFull && unfinished < Math.floor(mode.limit) ? recoveredShare : recovering;
  }
}

/**
 * The verdict for a request of a work type on one partition.
 *
 * @param ahead where the work types stand that it must not go before: none of them would be postponed at an
 * instant at which it is let through
 */
export function decide(own: Standing, ahead: readonly Standing[]): Verdict {
  const verdict = standAlone(own);
  const isFirst = ahead.every((standing) => !standing.yields && standAlone(standing).perform);
  if (verdict.perform && isFirst) return verdict;
  // Each of those ahead has a place open then, and so have those ahead of it: none of them would be postponed.
  if (own.isOpen && ahead.every(({ isOpen }) => isOpen)) return floor;
  return verdict.perform ? moreImportantFirst : verdict;
}
