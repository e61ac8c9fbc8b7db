/**
 * A binary heap of slot numbers, ordered by the slots' values, from which any slot can be removed in
 * O(log N): `places` says where in the heap each slot is. Several heaps may share `values` and `places` as
 * long as a slot is in one of them at most.
 */
export class SlotHeap {
  size = 0;
  readonly #slots: Uint16Array;
  readonly #values: Float64Array;
  readonly #places: Uint16Array;
  readonly #sign: 1 | -1;

  /** `slots` is room for as many slots as there are values. */
  constructor(
    order: 'smallest-first' | 'largest-first',
    values: Float64Array,
    places: Uint16Array,
    slots: Uint16Array,
  ) {
    this.#slots = slots;
    this.#values = values;
    this.#places = places;
    this.#sign = order === 'smallest-first' ? 1 : -1;
  }

  /** The slot on top; meaningless while the heap is empty. */
  get top(): number {
    return this.#slots[0] as number;
  }

  push(slot: number): void {
    this.#put(slot, this.size++);
    this.#rise(this.size - 1);
  }

  pop(): number {
    const slot = this.top;
    this.remove(slot);
    return slot;
  }

  remove(slot: number): void {
    const place = this.#places[slot] as number;
    const last = this.#slots[--this.size] as number;
    if (last === slot) return;
    this.#put(last, place);
    this.#rise(place);
    this.#sink(this.#places[last] as number);
  }

  #rise(from: number): void {
    for (let place = from; place > 0; ) {
      const parent = (place - 1) >> 1;
      if (!this.#before(place, parent)) return;
      this.#swap(place, parent);
      place = parent;
    }
  }

  #sink(from: number): void {
    for (let place = from; ; ) {
      const left = 2 * place + 1;
      if (left >= this.size) return;
      const child = left + 1 < this.size && this.#before(left + 1, left) ? left + 1 : left;
      if (!this.#before(child, place)) return;
      this.#swap(place, child);
      place = child;
    }
  }

  #before(place: number, other: number): boolean {
    const value = this.#values[this.#slots[place] as number] as number;
    return this.#sign * (value - (this.#values[this.#slots[other] as number] as number)) < 0;
  }

  #swap(place: number, other: number): void {
    const slot = this.#slots[place] as number;
    this.#put(this.#slots[other] as number, place);
    this.#put(slot, other);
  }

  #put(slot: number, place: number): void {
    this.#slots[place] = slot;
    this.#places[slot] = place;
  }
}
