/** How many commits a partition finishes per second, over about the time that it remembers. */
export class CommitRate {
  readonly #memoryMs: number;
  #perMs = 0;
  #at = 0;

  /** @param memoryMs default 2 s */
  constructor(memoryMs = 2_000) {
    this.#memoryMs = memoryMs;
  }

  /** One more has finished. */
  count(now: number): void {
    this.#perMs = this.#decayed(now) + 1 / this.#memoryMs;
    this.#at = now;
  }

  /** The time up to now does not count. */
  skip(now: number): void {
    this.#at = now;
  }

  perSecond(now: number): number {
    return this.#decayed(now) * 1_000;
  }

  /** The rate when the last one was counted, or skipped to. */
  get lastPerSecond(): number {
    return this.#perMs * 1_000;
  }

  #decayed(now: number): number {
    return this.#perMs * Math.exp((this.#at - now) / this.#memoryMs);
  }
}
