import type { Commit } from '../drivers/driver.ts';

interface Begun {
  readonly commit: Commit;
  /** Of the commits of this list, in order of their beginning. */
  readonly order: number;
  readonly startedAt: number;
}

/**
 * The commits that have begun and not finished, and what they say of the database before any finishes: the
 * median age of those that no later-begun commit has overtaken. A commit that is written overtakes all that
 * began before it, so that those which count are always the most recently begun ones, in order.
 */
export class Unfinished {
  readonly #all = new Map<Commit, Begun>();
  /** Those not overtaken, in order of their beginning; the first `#passed` places are spent. */
  #waiting: Begun[] = [];
  #passed = 0;
  #begun = 0;
  #lastStart = Number.NEGATIVE_INFINITY;

  /** How many there are, overtaken or not. */
  get count(): number {
    return this.#all.size;
  }

  has(commit: Commit): boolean {
    return this.#all.has(commit);
  }

  /** Begins once, however often it is told. */
  begin(commit: Commit): void {
    if (this.#all.has(commit)) return;
    // Starts are ordered by their arrival here: two drivers may report out of order by microseconds.
    this.#lastStart = Math.max(this.#lastStart, commit.startedAt);
    const begun = { commit, order: this.#begun++, startedAt: this.#lastStart };
    this.#all.set(commit, begun);
    this.#waiting.push(begun);
  }

  /**
   * Takes out a commit that has finished; false where it is not there. `overtakes`: it was written, and what
   * began before it was therefore passed over.
   */
  finish(commit: Commit, overtakes: boolean): boolean {
    const begun = this.#all.get(commit);
    if (begun === undefined) return false;
    this.#all.delete(commit);
    const index = this.#indexOf((other) => other.order >= begun.order);
    if (overtakes) {
      const isIn = this.#waiting[index] === begun;
      this.#pass(isIn ? index + 1 : index);
    } else if (this.#waiting[index] === begun) {
      this.#waiting.splice(index, 1);
    }
    return true;
  }

  /** Takes out the first that began before `startedAt`; undefined where there is none. */
  takeBegunBefore(startedAt: number): Commit | undefined {
    const [first] = this.#all.values();
    if (first === undefined || first.startedAt >= startedAt) return undefined;
    this.finish(first.commit, false);
    return first.commit;
  }

  /** When the first of them began, monotonic ms; infinite where there are none. */
  oldestAt(): number {
    const { value } = this.#all.values().next();
    return value?.startedAt ?? Number.POSITIVE_INFINITY;
  }

  /** How many began at `since` or after, overtaken or not. */
  countSince(since: number): number {
    let count = 0;
    for (const { startedAt } of this.#all.values()) if (startedAt >= since) count++;
    return count;
  }

  /** The median age in ms of those not overtaken that began at `since` or after; 0 where there are none. */
  medianAgeMs(now: number, since = Number.NEGATIVE_INFINITY): number {
    const first =
      since === Number.NEGATIVE_INFINITY ? this.#passed : this.#indexOf((begun) => begun.startedAt >= since);
    const last = this.#waiting.length - 1;
    if (first > last) return 0;
    const low = this.#waiting[(first + last) >> 1] as Begun;
    const high = this.#waiting[(first + last + 1) >> 1] as Begun;
    return Math.max(0, now - (low.startedAt + high.startedAt) / 2);
  }

  #pass(index: number): void {
    this.#passed = index;
    // Amortised: each place is moved at most once for each time that as many have been passed. Without any left
    // nothing is kept, so that a quiet partition costs nothing.
    if (this.#passed * 2 < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#passed);
    this.#passed = 0;
  }

  /** The first place from which on `holds` is true. */
  #indexOf(holds: (begun: Begun) => boolean): number {
    let low = this.#passed;
    let high = this.#waiting.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (holds(this.#waiting[middle] as Begun)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
