import { mayTake } from './fair-share.ts';
import type { Place } from './place.ts';

/** Requesters share so many places: what is kept of them does not grow. Two that fall together count as one. */
const places = 64;

/** A place that a requester holds, until its request has ended. */
export interface HeldPlace {
  giveBack(now: number): void;
}

/** The requesters of one work type on one partition that were seen of late, since it was last calm. Some 1.5 kB. */
export class SeenRequesters {
  readonly #rememberMs: number;
  readonly #yieldMs: number;
  readonly #salt: number;
  readonly #seenAt = new Float64Array(places).fill(Number.NEGATIVE_INFINITY);
  /** When they were last turned away; before the beginning of time for those who were let through since. */
  readonly #waitingSince = new Float64Array(places).fill(Number.NEGATIVE_INFINITY);
  readonly #held = new Uint16Array(places);
  #last = -1;
  #freeSince = Number.NEGATIVE_INFINITY;

  /**
   * @param rememberMs for so long who was seen counts: as long as a caller may have been asked to stay away
   * @param salt whole number; another one each time, so that nobody can choose whom to fall together with
   */
  constructor(rememberMs: number, yieldMs: number, salt: number) {
    this.#rememberMs = rememberMs;
    this.#yieldMs = yieldMs;
    this.#salt = salt;
  }

  /**
   * Whether a request of that requester may be let through.
   *
   * @param as what it would be let through as
   */
  mayTake(requester: string, as: Place, now: number): boolean {
    const place = this.#placeOf(requester);
    this.#seenAt[place] = now;
    const freeSince = as.kind === 'probe' ? as.freeSince : this.#freeSince;
    return mayTake({
      // One that hangs must not keep its requester from probing: there may be no other any more.
      held: as.kind === 'share' ? (this.#held[place] ?? 0) : 0,
      limit: as.kind === 'share' ? as.limit : 1,
      requesters: this.#count(this.#seenAt, now),
      isRepeated: place === this.#last && this.#count(this.#waitingSince, now, place) > 0,
      freeForMs: now - freeSince,
      yieldMs: this.#yieldMs,
    });
  }

  /** It was let through. */
  take(requester: string): HeldPlace {
    const place = this.#placeOf(requester);
    this.#waitingSince[place] = Number.NEGATIVE_INFINITY;
    this.#held[place] = (this.#held[place] ?? 0) + 1;
    this.#last = place;
    return {
      giveBack: (now) => {
        this.#held[place] = (this.#held[place] ?? 1) - 1;
        this.#freeSince = now;
      },
    };
  }

  /** It was turned away, for whatever reason. */
  turnedAway(requester: string, now: number): void {
    const place = this.#placeOf(requester);
    this.#seenAt[place] = now;
    this.#waitingSince[place] = now;
  }

  #count(since: Float64Array, now: number, except = -1): number {
    let count = 0;
    for (let place = 0; place < places; place++) {
      if (place !== except && (since[place] as number) > now - this.#rememberMs) count++;
    }
    return count;
  }

  /** FNV-1a, begun with the salt. */
  #placeOf(requester: string): number {
    let hash = (0x811c9dc5 ^ this.#salt) >>> 0;
    for (let at = 0; at < requester.length; at++) {
      hash = Math.imul(hash ^ requester.charCodeAt(at), 0x01000193) >>> 0;
    }
    return ((hash ^ (hash >>> 15)) >>> 0) % places;
  }
}
