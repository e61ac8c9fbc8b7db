import type { AdmissionsSetup } from './admissions-setup.ts';
import type { Place } from './place.ts';
import { type HeldPlace, SeenRequesters } from './seen-requesters.ts';

/**
 * How the requesters of each work type share what one partition lets through while it lets little through. Nothing is kept of those whom nobody
 * named, and nothing at all while the partition is calm. Ranks are indices, the most important first.
 */
export class SharedPlaces {
  readonly #setup: Pick<AdmissionsSetup, 'probeEveryMs' | 'retryAfterCapMs' | 'random'>;
  readonly #seen: (SeenRequesters | undefined)[] = [];
  /** When a request of that rank was last held back in favour of other requesters. */
  readonly #yieldedAt: number[] = [];
  /** When requests were last let through, and the least important of those at that instant. */
  #last: { readonly rank: number; readonly at: number } | undefined;

  constructor(setup: Pick<AdmissionsSetup, 'probeEveryMs' | 'retryAfterCapMs' | 'random'>) {
    this.#setup = setup;
  }

  /** Whether a requester has what it may have, so that its request must leave the place to others. It is noted then. */
  isTaken(rank: number, requester: string, place: Place, now: number): boolean {
    // At an instant at which less important work was let through, more important work is not held back.
    const isBehind = this.#last !== undefined && this.#last.at === now && this.#last.rank > rank;
    if (place.kind === 'open' || isBehind) return false;
    if (this.#of(rank).mayTake(requester, place, now)) return false;
    this.#yieldedAt[rank] = now;
    return true;
  }

  /** Whether requests of that rank were held back a moment ago. */
  yielded(rank: number, now: number): boolean {
    const at = this.#yieldedAt[rank];
    return at !== undefined && now - at < this.#setup.probeEveryMs;
  }

  /** A request of that rank was let through. */
  take(rank: number, requester: string | undefined, now: number): HeldPlace | undefined {
    this.#last = { rank: this.#last?.at === now ? Math.max(this.#last.rank, rank) : rank, at: now };
    return requester === undefined ? undefined : this.#of(rank).take(requester);
  }

  /** A request of that rank was turned away, for whatever reason. */
  turnedAway(rank: number, requester: string | undefined, now: number): void {
    if (requester !== undefined) this.#of(rank).turnedAway(requester, now);
  }

  /** The partition is calm. */
  forget(): void {
    this.#seen.length = 0;
    this.#yieldedAt.length = 0;
    this.#last = undefined;
  }

  #of(rank: number): SeenRequesters {
    let seen = this.#seen[rank];
    if (seen === undefined) {
      const { retryAfterCapMs, probeEveryMs, random } = this.#setup;
      seen = new SeenRequesters(retryAfterCapMs, probeEveryMs / 2, Math.floor(random() * 2 ** 32));
      this.#seen[rank] = seen;
    }
    return seen;
  }
}
