/** A request or queued item that is let through to see whether the partition has recovered. */
export interface Probe {
  readonly startedAt: number;
  wrote: boolean;
}

/**
 * The probes of one partition: one at a time, each `probeEveryMs`. More important work does not wait for a probe of less
 * important work: whose turn it is depends on equals and betters alone. Ranks are indices, the most important first.
 */
export class ProbeSlot {
  readonly #everyMs: number;
  readonly #timeoutMs: number;
  readonly #byRank: (Probe | undefined)[] = [];
  readonly #lastAt: number[] = [];
  #source: (Probe & { readonly isAhead: boolean }) | undefined;
  #sourceLastAt = Number.NEGATIVE_INFINITY;
  /** The last request that was to be a probe committed nothing: the next probe should be one that does. */
  #spoiled = false;

  constructor(everyMs: number, timeoutMs: number) {
    this.#everyMs = everyMs;
    this.#timeoutMs = timeoutMs;
  }

  /** From when on work of that rank or more important ones, up to `last`, may probe; monotonic ms. */
  dueAt(last: number, now: number): number {
    const isSourceAhead = this.#source?.isAhead === true && this.#isLive(this.#source, now);
    let due = isSourceAhead ? this.#endOf(this.#source) : Number.NEGATIVE_INFINITY;
    for (let rank = 0; rank <= last; rank++) {
      const probe = this.#byRank[rank];
      due = Math.max(due, (this.#lastAt[rank] ?? Number.NEGATIVE_INFINITY) + this.#everyMs);
      if (this.#isLive(probe, now)) due = Math.max(due, this.#endOf(probe));
    }
    return due;
  }

  /** Whether the last probe by a request committed nothing. */
  get spoiled(): boolean {
    return this.#spoiled;
  }

  /** When the last probe of any kind began. */
  get lastAt(): number {
    return Math.max(this.#sourceLastAt, ...this.#lastAt.filter((at) => at !== undefined));
  }

  isBusy(now: number): boolean {
    return this.#isLive(this.#source, now) || this.#byRank.some((probe) => this.#isLive(probe, now));
  }

  /** A request of that rank is the probe. */
  take(rank: number, now: number): Probe {
    const probe = { startedAt: now, wrote: false };
    this.#byRank[rank] = probe;
    this.#lastAt[rank] = now;
    return probe;
  }

  /** It has ended. */
  free(rank: number, probe: Probe): void {
    if (this.#byRank[rank] === probe) this.#byRank[rank] = undefined;
    this.#spoiled = !probe.wrote;
  }

  /** The driver commits one of its own. `isAhead`: requests wait for it. */
  takeForSource(now: number, isAhead: boolean): Probe {
    this.#source = { startedAt: now, wrote: true, isAhead };
    this.#sourceLastAt = now;
    this.#spoiled = false;
    return this.#source;
  }

  /** The one that began then has ended. */
  freeSource(startedAt: number): void {
    if (this.#source?.startedAt === startedAt) this.#source = undefined;
  }

  #isLive(probe: Probe | undefined, now: number): boolean {
    return probe !== undefined && now < this.#endOf(probe);
  }

  #endOf(probe: Probe | undefined): number {
    return (probe?.startedAt ?? Number.NEGATIVE_INFINITY) + this.#timeoutMs;
  }
}
