import type { HashOptions } from './hash.ts';
import { nodeHash } from './merkle-hash.ts';
import { foldSubtrees } from './merkle-path.ts';

/**
 * A tree of which only the right edge is kept: the hashes of `subtreesOf(0, size)`. Appending costs O(1) hashes on
 * average, the root O(log n), and memory is O(log n) at any size.
 */
export class GrowingTree {
  readonly #edge: Uint8Array[];
  readonly #options: HashOptions | undefined;
  #size: number;

  /** Empty, or the tree whose `subtreesOf(0, size)` have these hashes. */
  constructor(
    options?: HashOptions,
    start: { readonly size: number; readonly edge: readonly Uint8Array[] } = { size: 0, edge: [] },
  ) {
    this.#options = options;
    this.#size = start.size;
    this.#edge = [...start.edge];
  }

  /** Number of leaves. */
  get size(): number {
    return this.#size;
  }

  /** The hashes of `subtreesOf(0, size)`, left to right. */
  get edge(): readonly Uint8Array[] {
    return [...this.#edge];
  }

  /** RFC 6962 root, 32 bytes. */
  root(): Uint8Array {
    return foldSubtrees(this.#edge, this.#options);
  }

  /** Adds one leaf at the right. */
  append(leafHash: Uint8Array): void {
    let hash = leafHash;
    for (let rest = this.#size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
      hash = nodeHash(this.#edge.pop() ?? hash, hash, this.#options);
    }
    this.#edge.push(hash);
    this.#size += 1;
  }
}
