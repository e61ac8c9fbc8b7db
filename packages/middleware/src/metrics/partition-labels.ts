/** The label of the partitions that have none of their own. */
export const otherPartitions = 'other';

/**
 * Gives partitions their label: at most so many get their own name, those first that were there first, and all the rest are `other`.
 * A partition keeps its label until it is forgotten. So neither a flood of names nor their coming and going makes more
 * series than the bound; a place that is freed is given to the next.
 */
export class PartitionLabels {
  readonly #most: number;
  readonly #named = new Set<string>();

  constructor(most: number) {
    this.#most = most;
  }

  /** The labels of all partitions that there are now, in their order. */
  label(partitions: readonly string[]): readonly string[] {
    const present = new Set(partitions);
    for (const name of this.#named) if (!present.has(name)) this.#named.delete(name);
    return partitions.map((name) => this.#labelOf(name));
  }

  #labelOf(name: string): string {
    if (this.#named.has(name)) return name;
    if (name === otherPartitions || this.#named.size >= this.#most) return otherPartitions;
    this.#named.add(name);
    return name;
  }
}
