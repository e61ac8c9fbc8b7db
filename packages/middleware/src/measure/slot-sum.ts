/**
 * The sum of all slots' values, kept in O(log N) and read in O(1). Each change adds up anew what it touches,
 * from the values themselves, so that the sum does not drift however long it runs.
 */
export class SlotSum {
  readonly #nodes: Float64Array;

  constructor(slots: number) {
    this.#nodes = new Float64Array(2 * slots);
  }

  set(slot: number, value: number): void {
    const nodes = this.#nodes;
    let node = nodes.length / 2 + slot;
    nodes[node] = value;
    while (node > 1) {
      node >>= 1;
      nodes[node] = (nodes[2 * node] as number) + (nodes[2 * node + 1] as number);
    }
  }

  value(): number {
    return this.#nodes[1] as number;
  }
}
