/** How those fared who came back when they were asked to. */
export interface ReturnFigures {
  /** How many were asked to come back, since this host knows the partition. */
  readonly told: number;
  /** How many of them were recognised when they came, in their time or after it. */
  readonly returned: number;
  /** How many of these were let through or deferred then. */
  readonly succeeded: number;
  /**
   * The share that succeeds at present of those who return while the partition takes work at all, from 0 to 1: of the callers that
   * were recognised, where there were enough of late, else of all that arrived while callers were due; 1 where nothing is known. The
   * smaller it is, the further apart callers are asked to come.
   */
  readonly share: number;
}

/** What is believed of the share that succeeds: `share` rests on `weight` observations, of which older ones count less. */
export interface Belief {
  readonly share: number;
  readonly weight: number;
}

/** So many observations make a share that is relied on; it changes by about as many. */
const enough = 16;
/** After so long an observation counts for a third, ms. */
const memoryMs = 10_000;

/** Nothing is known, and the best is believed. */
export const firstBelief: Belief = { share: 1, weight: 0 };

/** The belief after one more observation, `sinceMs` after the last one. */
export function afterReturn(belief: Belief, succeeded: boolean, sinceMs: number): Belief {
  const { share, weight } = faded(belief, sinceMs);
  const next = Math.min(enough, weight + 1);
  return { share: share + ((succeeded ? 1 : 0) - share) / next, weight: next };
}

/** A belief that nothing was added to for `sinceMs`: it counts less. */
export function faded({ share, weight }: Belief, sinceMs: number): Belief {
  return { share, weight: weight * Math.exp(-Math.max(0, sinceMs) / memoryMs) };
}

/** The share that is gone by: of the callers that were recognised, of all arrivals, and of neither, in this order, where enough are known. */
export function shareToGoBy(recognised: Belief, arrivals: Belief): number {
  for (const { share, weight } of [recognised, arrivals]) if (weight >= enough / 4) return share;
  return 1;
}

/** The share of callers that succeed when they come back to one partition. */
export class ReturnShare {
  #told = 0;
  #returned = 0;
  #succeeded = 0;
  #recognised = firstBelief;
  #recognisedAt = 0;
  #arrivals = firstBelief;
  #arrivalsAt = 0;

  /** A caller was asked to come back. */
  tell(): void {
    this.#told += 1;
  }

  /** One that was asked to has come back in its time. `isOver`: the partition took no such work at all. */
  returned(succeeded: boolean, isOver: boolean, now: number): void {
    this.#returned += 1;
    if (succeeded) this.#succeeded += 1;
    // That it came too early is not for having come beside too many others.
    if (isOver) return;
    this.#recognised = afterReturn(this.#recognised, succeeded, now - this.#recognisedAt);
    this.#recognisedAt = now;
  }

  /** Somebody arrived while callers were due; it may have been one of them that can't be recognised. */
  arrived(succeeded: boolean, isOver: boolean, now: number): void {
    if (isOver) return;
    this.#arrivals = afterReturn(this.#arrivals, succeeded, now - this.#arrivalsAt);
    this.#arrivalsAt = now;
  }

  /** The share to go by, from 0 to 1. */
  at(now: number): number {
    return shareToGoBy(
      faded(this.#recognised, now - this.#recognisedAt),
      faded(this.#arrivals, now - this.#arrivalsAt),
    );
  }

  figures(now: number): ReturnFigures {
    return { told: this.#told, returned: this.#returned, succeeded: this.#succeeded, share: this.at(now) };
  }
}
