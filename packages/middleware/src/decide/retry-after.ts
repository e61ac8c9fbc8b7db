/** What a wait is made of. Instants are monotonic ms. */
export interface ReturnFacts {
  readonly now: number;
  /** Before it nothing can have changed: the time of the next probe. */
  readonly earliestAt: number;
  /** For how long the partition has been over by now, ms; 0 where it is not. */
  readonly overForMs: number;
  /** When the last caller comes back of those that were told to; in the past where there is none. */
  readonly lastReturnAt: number;
  /** How many requests the partition takes per second, or took when it was last well. */
  readonly perSecond: number;
  /** The share of callers that succeed when they return and the partition takes work, from 0 to 1. */
  readonly succeedShare: number;
  readonly capMs: number;
  /** From 0 up to, not including, 1. */
  readonly random: number;
}

/** However few succeed, callers are spread no thinner than this share of what the partition takes. */
const leastShare = 1 / 8;

/**
 * When a caller should come back, monotonic ms: once the partition may have recovered, after those who were told so before, as
 * far apart as it takes those who return, and not all on the beat. Where that is beyond the cap, somewhere in the cap's last quarter.
 */
export function returnAt(facts: ReturnFacts): number {
  const spacingMs = 1_000 / (facts.perSecond * Math.max(leastShare, facts.succeedShare));
  const place = Math.max(facts.earliestAt, recoveredAt(facts), facts.lastReturnAt);
  const at = place + spacingMs * (0.5 + facts.random);
  const latest = facts.now + facts.capMs;
  return at <= latest ? at : latest - (facts.capMs / 4) * facts.random;
}

/** Of the time that trouble has lasted, the share that it is expected to last on. */
const expectedShare = 1 / 2;

/** When the partition may have recovered: nobody knows how long trouble lasts, but what has lasted for long will last on for longer. */
export function recoveredAt({ now, overForMs }: Pick<ReturnFacts, 'now' | 'overForMs'>): number {
  return now + overForMs * expectedShare;
}
