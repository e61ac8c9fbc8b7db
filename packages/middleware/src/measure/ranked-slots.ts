import { SlotHeap } from './slot-heap.ts';
import { between } from './statistic.ts';

/**
 * One quantile of a changing set of values: those up to its rank in one heap, the rest in another, so that it
 * is read from their tops in O(1) and kept in O(log N).
 */
export class RankedSlots {
  readonly #quantile: number;
  readonly #values: Float64Array;
  readonly #inLower: Uint8Array;
  readonly #lower: SlotHeap;
  readonly #upper: SlotHeap;

  /** @param size how many slots there are, from the first value on */
  constructor(quantile: number, values: Float64Array, size = values.length) {
    const room = new ArrayBuffer(7 * size);
    const places = new Uint16Array(room, 0, size);
    this.#quantile = quantile;
    this.#values = values;
    this.#inLower = new Uint8Array(room, 6 * size, size);
    this.#lower = new SlotHeap('largest-first', values, places, new Uint16Array(room, 2 * size, size));
    this.#upper = new SlotHeap('smallest-first', values, places, new Uint16Array(room, 4 * size, size));
  }

  /** Takes a slot in; its value must stay until it is removed. */
  add(slot: number): void {
    const value = this.#values[slot] as number;
    const lower = this.#lower.size > 0 && value <= (this.#values[this.#lower.top] as number);
    this.#into(lower, slot);
    this.#balance();
  }

  remove(slot: number): void {
    (this.#inLower[slot] === 1 ? this.#lower : this.#upper).remove(slot);
    this.#balance();
  }

  /** NaN while there are none. */
  value(): number {
    if (this.#lower.size === 0) return Number.NaN;
    const below = this.#values[this.#lower.top] as number;
    if (this.#upper.size === 0) return below;
    return between(below, this.#values[this.#upper.top] as number, this.#rank());
  }

  #rank(): number {
    return (this.#lower.size + this.#upper.size - 1) * this.#quantile;
  }

  #balance(): void {
    const count = this.#lower.size + this.#upper.size;
    const target = count === 0 ? 0 : Math.floor(this.#rank()) + 1;
    while (this.#lower.size > target) this.#into(false, this.#lower.pop());
    while (this.#lower.size < target) this.#into(true, this.#upper.pop());
  }

  #into(lower: boolean, slot: number): void {
    this.#inLower[slot] = lower ? 1 : 0;
    (lower ? this.#lower : this.#upper).push(slot);
  }
}
