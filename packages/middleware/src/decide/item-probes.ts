import type { Clock } from '../clock.ts';

/** Queued items leave at most so many probes to others after one of theirs. */
const mostLeft = 32;
/** Work types on partitions that are remembered. */
const mostRemembered = 10_000;

interface Spoiled {
  /** How many probes in a row committed nothing. */
  readonly times: number;
  /** Queued items of that work type do not probe there before, monotonic ms. */
  readonly until: number;
}

/**
 * Who probes where a queue has items that fail again and again: each of them takes the partition's probe and commits nothing, so that nobody
 * sees how it does. After such a probe the items of that work type leave the next one to requests, other work types and the driver, then
 * the next three, seven, and so on. An item that commits is believed again at once.
 */
export class ItemProbes {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #everyMs: number;
  readonly #spoiled = new Map<string, Spoiled>();

  /** @param everyMs how often a partition is probed */
  constructor(clock: Pick<Clock, 'now'>, everyMs: number) {
    this.#clock = clock;
    this.#everyMs = everyMs;
  }

  /** How long until it makes sense that an item of that work type asks again, ms; 0 where it may probe. */
  leaveForMs(workType: string, partition: string): number {
    const until = this.#spoiled.get(keyOf(workType, partition))?.until ?? Number.NEGATIVE_INFINITY;
    // Another item that asks then may be of another work type.
    return Math.min(this.#everyMs, Math.max(0, until - this.#clock.now()));
  }

  /** An item of that work type that was a probe has ended. */
  ended(workType: string, partition: string, wrote: boolean): void {
    const key = keyOf(workType, partition);
    const times = wrote ? 0 : (this.#spoiled.get(key)?.times ?? 0) + 1;
    this.#spoiled.delete(key);
    if (times === 0) return;
    const [oldest] = this.#spoiled.size < mostRemembered ? [] : this.#spoiled.keys();
    if (oldest !== undefined) this.#spoiled.delete(oldest);
    const untilMs = this.#everyMs * Math.min(2 ** Math.min(times, 52), mostLeft);
    this.#spoiled.set(key, { times, until: this.#clock.now() + untilMs });
  }

  /** The work type is not over there any more: what was is no sign of the next time. */
  forget(workType: string, partition: string): void {
    if (this.#spoiled.size > 0) this.#spoiled.delete(keyOf(workType, partition));
  }
}

function keyOf(workType: string, partition: string): string {
  return JSON.stringify([workType, partition]);
}
