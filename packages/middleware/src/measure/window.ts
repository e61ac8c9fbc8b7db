import type { Statistic } from './latency-value.ts';
import { RankedSlots } from './ranked-slots.ts';
import { SlotSum } from './slot-sum.ts';
import { quantileOf, statisticOf } from './statistic.ts';

/** What a {@link LatencyWindow} is made of. */
export interface WindowOptions {
  /** How many of the most recent samples count: 1 to 65,535. */
  readonly size: number;
  readonly statistic: Statistic;
}

/**
 * The most recent commits' durations and one statistic of them. A sample costs O(log N); the median, a
 * quantile and the mean are read in O(1). A statistic that is a function is called when it is asked for, once
 * for each change of the window. Where nobody reads, a sample costs that it is written down.
 */
export class LatencyWindow {
  readonly #statistic: Statistic;
  readonly #size: number;
  /** By slot: durations, after them when each began, then when each ended. One array, since there are thousands of windows. */
  readonly #times: Float64Array;
  #ranked: RankedSlots | undefined;
  #sum: SlotSum | undefined;
  /** Where the longest is; undefined until it is looked for. */
  #longest: number | undefined;
  /** Samples taken in since the statistic was read last. */
  #unread = 0;
  #oldest = 0;
  #count = 0;
  #version = 0;
  #computed: Cached | undefined;
  #computedSince: Cached | undefined;

  constructor({ size, statistic }: WindowOptions) {
    this.#statistic = statistic;
    this.#size = size;
    this.#times = new Float64Array(3 * size);
  }

  /** How many samples it holds. */
  get count(): number {
    return this.#count;
  }

  /** Takes a sample in; where the window is full, the oldest goes. All times monotonic ms. */
  add(startedAt: number, durationMs: number, finishedAt: number): void {
    if (this.#count === this.#size) this.#dropOldest();
    const slot = this.#slot(this.#count);
    this.#times[slot] = durationMs;
    this.#times[this.#size + slot] = startedAt;
    this.#times[2 * this.#size + slot] = finishedAt;
    if (
      this.#count === 0 ||
      (this.#longest !== undefined && !(durationMs < this.#durationAt(this.#longest)))
    ) {
      this.#longest = slot;
    }
    this.#count++;
    this.#version++;
    if (++this.#unread > 2 * this.#size) {
      this.#ranked = undefined;
      this.#sum = undefined;
      return;
    }
    this.#ranked?.add(slot);
    this.#sum?.set(slot, durationMs);
  }

  /** Lets go of samples that finished before `finishedAt`. */
  dropFinishedBefore(finishedAt: number): void {
    while (this.#count > 0 && (this.#times[2 * this.#size + this.#oldest] as number) < finishedAt)
      this.#dropOldest();
  }

  /**
   * What the statistic can't be above as long as no sample comes, however many go: the longest of them, ms; infinite for a
   * function, which may say anything, and below 0 where there are none.
   */
  bound(): number {
    if (typeof this.#statistic === 'function') return Number.POSITIVE_INFINITY;
    if (this.#count === 0) return Number.NEGATIVE_INFINITY;
    this.#longest ??= this.#lookForLongest();
    return this.#durationAt(this.#longest);
  }

  /** The statistic of all samples, unrounded ms; NaN where there are none. */
  value(): number {
    if (this.#count === 0) return Number.NaN;
    this.#keep();
    if (this.#ranked !== undefined) return this.#ranked.value();
    if (this.#sum !== undefined) return this.#sum.value() / this.#count;
    this.#computed ??= new Cached();
    if (!this.#computed.holds(this.#version, 0)) {
      const samples = this.#durationsSince(Number.NEGATIVE_INFINITY);
      this.#computed.keep(this.#version, 0, samples.length, statisticOf(samples, this.#statistic));
    }
    return this.#computed.value;
  }

  /** The statistic of the commits that began at `since` or after; NaN where there are none. */
  valueSince(since: number): number {
    return this.#since(since).value;
  }

  /** How many of the commits began at `since` or after. */
  countSince(since: number): number {
    return this.#since(since).count;
  }

  /** What is kept up with each sample is built at the first reading, and anew where nobody has read for long. */
  #keep(): void {
    this.#unread = 0;
    if (this.#ranked !== undefined || this.#sum !== undefined) return;
    const quantile = quantileOf(this.#statistic);
    if (quantile !== undefined) this.#ranked = new RankedSlots(quantile, this.#times, this.#size);
    else if (this.#statistic === 'mean') this.#sum = new SlotSum(this.#size);
    else return;
    for (let index = 0; index < this.#count; index++) {
      const slot = this.#slot(index);
      this.#ranked?.add(slot);
      this.#sum?.set(slot, this.#durationAt(slot));
    }
  }

  #since(since: number): Cached {
    this.#computedSince ??= new Cached();
    const computed = this.#computedSince;
    if (computed.holds(this.#version, since)) return computed;
    const samples = this.#durationsSince(since);
    const value = samples.length === this.#count ? this.value() : statisticOf(samples, this.#statistic);
    computed.keep(this.#version, since, samples.length, value);
    return computed;
  }

  #durationsSince(since: number): number[] {
    const samples: number[] = [];
    for (let index = 0; index < this.#count; index++) {
      const slot = this.#slot(index);
      if ((this.#times[this.#size + slot] as number) >= since) samples.push(this.#durationAt(slot));
    }
    return samples;
  }

  #lookForLongest(): number {
    let longest = this.#oldest;
    for (let index = 1; index < this.#count; index++) {
      const slot = this.#slot(index);
      if (this.#durationAt(slot) >= this.#durationAt(longest)) longest = slot;
    }
    return longest;
  }

  #durationAt(slot: number): number {
    return this.#times[slot] as number;
  }

  #dropOldest(): void {
    const slot = this.#oldest;
    if (slot === this.#longest) this.#longest = undefined;
    this.#ranked?.remove(slot);
    this.#sum?.set(slot, 0);
    this.#oldest = this.#slot(1);
    this.#count--;
    this.#version++;
  }

  #slot(index: number): number {
    return (this.#oldest + index) % this.#size;
  }
}

/** A value that holds for one version of the window and one instant. */
class Cached {
  #version = -1;
  #since = Number.NaN;
  count = 0;
  value = Number.NaN;

  holds(version: number, since: number): boolean {
    return this.#version === version && this.#since === since;
  }

  keep(version: number, since: number, count: number, value: number): void {
    this.#version = version;
    this.#since = since;
    this.count = count;
    this.value = value;
  }
}
