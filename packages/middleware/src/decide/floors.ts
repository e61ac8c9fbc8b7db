/**
 * What keeps a work type from waiting for ever behind more important work: where one of its requests arrives and would be turned away, and so
 * many others were let through since the last of its own, its turn has come. At that instant a place is opened for it, and one for every work
 * type that it must not go before, so that in the very state in which it is let through each of those would be, too. Ranks are indices, the
 * most important first.
 */
export class Floors {
  readonly #oneIn: number;
  readonly #openForMs: number;
  readonly #timeoutMs: number;
  /** How many others were let through since one of that rank was, or since it began to wait; undefined where it does not. */
  readonly #passed: (number | undefined)[] = [];
  /** Until when a place is open for that rank, monotonic ms. */
  readonly #openUntil: number[] = [];
  /** When the last of that rank was let through on its turn that has not ended. */
  readonly #outSince: (number | undefined)[] = [];

  /**
   * @param oneIn of so many that are let through one is of each work type that waits; 0: none
   * @param openForMs for so long a place waits for a work type that it was opened for
   * @param timeoutMs after this time one without an end is in nobody's way
   */
  constructor(oneIn: number, openForMs: number, timeoutMs: number) {
    this.#oneIn = oneIn;
    this.#openForMs = openForMs;
    this.#timeoutMs = timeoutMs;
  }

  /** One of that rank was turned away. */
  turnedAway(rank: number): void {
    this.#passed[rank] ??= 0;
  }

  /** One of that rank was let through, as a probe, as a share, or on its turn. */
  letThrough(rank: number): void {
    this.#passed[rank] = undefined;
    for (const [other, passed] of this.#passed.entries()) {
      if (passed !== undefined) this.#passed[other] = passed + 1;
    }
  }

  /** Whether it is the turn of that rank, if a request of it is there now. */
  isTurnOf(rank: number, now: number): boolean {
    if (this.#oneIn === 0) return false;
    const outSince = this.#outSince[rank];
    if (outSince !== undefined && now - outSince < this.#timeoutMs) return false;
    return (this.#passed[rank] ?? 0) >= this.#oneIn - 1;
  }

  /** It is: a place is opened for that rank, and for each of those before which it must not go. */
  open(rank: number, ahead: readonly number[], now: number): void {
    for (const one of [rank, ...ahead]) this.#openUntil[one] = now + this.#openForMs;
  }

  /** Whether a place is open for that rank. */
  isOpenFor(rank: number, now: number): boolean {
    return now < (this.#openUntil[rank] ?? 0);
  }

  /** Its place is taken. Gives the way to end it. */
  take(rank: number, now: number): () => void {
    this.#openUntil[rank] = 0;
    this.#outSince[rank] = now;
    return () => {
      if (this.#outSince[rank] === now) this.#outSince[rank] = undefined;
    };
  }

  /** Nobody waits any more. */
  forget(): void {
    this.#passed.length = 0;
    this.#openUntil.length = 0;
  }
}
