const memoryMs = 2_000;

/** How many commits a partition finishes per second, over about the last two seconds. */
export class CommitRate {
  #perMs = 0;
  #at = 0;

  /** One more has finished. */
  count(now: number): void {
    this.#perMs = this.#decayed(now) + 1 / memoryMs;
    this.#at = now;
  }

  perSecond(now: number): number {
    return this.#decayed(now) * 1_000;
  }

  #decayed(now: number): number {
    return this.#perMs * Math.exp((this.#at - now) / memoryMs);
  }
}
