/** What is known of a requester when one of its requests would be let through on a partition that takes little. Times in ms. */
export interface ShareFacts {
  /** How many of its requests are unfinished that were let through so. */
  readonly held: number;
  /** How many of all may be unfinished at once. */
  readonly limit: number;
  /** How many requesters were seen of late, it included. */
  readonly requesters: number;
  /** It was the last that was let through, and others were turned away since they were. */
  readonly isRepeated: boolean;
  /** For how long a place has been free. */
  readonly freeForMs: number;
  /** For how long one that is let through again leaves a free place to the others. */
  readonly yieldMs: number;
}

/**
 * Whether a requester may take a place: it has none, or less than an equal share. Where there are more requesters than places, who had the
 * last one leaves the next to others for a while, and no longer, for nobody knows when they return.
 */
export function mayTake(facts: ShareFacts): boolean {
  if (facts.requesters <= 1) return true;
  const isScarce = facts.limit < facts.requesters;
  if (isScarce && facts.isRepeated && facts.freeForMs < facts.yieldMs) return false;
  return facts.held < Math.max(1, Math.ceil(facts.limit / facts.requesters));
}
