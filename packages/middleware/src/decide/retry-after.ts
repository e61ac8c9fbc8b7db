/** What a wait is made of. Instants are monotonic ms. */
export interface ReturnFacts {
  readonly now: number;
  /** Before it nothing can have changed: the time of the next probe. */
  readonly earliestAt: number;
  /** When the last caller comes back of those that were told to; in the past where there is none. */
  readonly lastReturnAt: number;
  /** How many requests the partition takes per second. */
  readonly perSecond: number;
  readonly capMs: number;
  /** From 0 up to, not including, 1. */
  readonly random: number;
}

/**
 * When a caller should come back, monotonic ms: after those who were told so before, as far apart as the partition
 * takes requests, and not all on the beat. Where that is beyond the cap, somewhere in the cap's last quarter.
 */
export function returnAt(facts: ReturnFacts): number {
  const spacingMs = 1_000 / facts.perSecond;
  const place = Math.max(facts.earliestAt, facts.lastReturnAt);
  const at = place + spacingMs * (0.5 + facts.random);
  const latest = facts.now + facts.capMs;
  return at <= latest ? at : latest - (facts.capMs / 4) * facts.random;
}
