import type { Clock, Timer } from '../../packages/middleware/src/clock.ts';

interface Due {
  readonly at: number;
  readonly order: number;
  callback: (() => void) | undefined;
}

/** 2026-01-01, so that nothing depends on the day of a run. */
const startWallMs = Date.UTC(2026, 0, 1);

/** A clock that jumps from one event to the next; events of one instant come in the order in which they were made. */
export class VirtualClock implements Clock {
  #now = 0;
  #order = 0;
  readonly #heap: Due[] = [];

  now(): number {
    return this.#now;
  }

  wallNow(): number {
    return startWallMs + this.#now;
  }

  after(delayMs: number, callback: () => void): Timer {
    const due: Due = { at: this.#now + Math.max(0, delayMs), order: this.#order++, callback };
    this.#push(due);
    return {
      cancel() {
        due.callback = undefined;
      },
    };
  }

  /** Goes to the next event up to `untilMs` and lets it happen; false where there is none, and the time is `untilMs`. */
  step(untilMs: number): boolean {
    const [next] = this.#heap;
    if (next === undefined || next.at > untilMs) {
      this.#now = untilMs;
      return false;
    }
    this.#pop();
    if (next.callback !== undefined) {
      this.#now = next.at;
      next.callback();
    }
    return true;
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let place = heap.length;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent] as Due;
      if (!isBefore(due, above)) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = due;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, heap[child] as Due)) child += 1;
      const below = heap[child] as Due;
      if (!isBefore(below, last)) break;
      heap[place] = below;
      place = child;
    }
    heap[place] = last;
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
