import type { HashOptions } from './hash.ts';
import { nodeHash } from './merkle-hash.ts';
import {
  consistencyPath,
  foldSubtrees,
  inclusionPath,
  type LeafRange,
  type Subtree,
  subtreesOf,
} from './merkle-path.ts';
import { ParameterError } from './parameter-error.ts';

/** The root of the tree over these leaf hashes (RFC 6962 section 2.1). O(n). */
export function merkleRoot(leafHashes: readonly Uint8Array[], options?: HashOptions): Uint8Array {
  return rangeHash(leafHashes, { first: 0, end: leafHashes.length }, options);
}

/**
 * The inclusion proof of leaf `index`, from its sibling to the root's child (RFC 6962 section 2.1.1). O(n): for stored
 * trees there is {@link inclusionPath}. Throws `parameter-invalid` for an index that the tree has not.
 */
export function inclusionProof(
  leafHashes: readonly Uint8Array[],
  index: number,
  options?: HashOptions,
): Uint8Array[] {
  return inclusionPath(index, leafHashes.length).map((range) => rangeHash(leafHashes, range, options));
}

/**
 * The proof that the tree's first `oldSize` leaves are the whole older tree (RFC 6962 section 2.1.2). O(n): for
 * stored trees there is {@link consistencyPath}. Throws `parameter-invalid` for a size beyond the tree's.
 */
export function consistencyProof(
  leafHashes: readonly Uint8Array[],
  oldSize: number,
  options?: HashOptions,
): Uint8Array[] {
  return consistencyPath(oldSize, leafHashes.length).map((range) => rangeHash(leafHashes, range, options));
}

function rangeHash(leafHashes: readonly Uint8Array[], range: LeafRange, options?: HashOptions): Uint8Array {
  const subtrees = subtreesOf(range.first, range.end);
  return foldSubtrees(
    subtrees.map((subtree) => subtreeHash(leafHashes, subtree, options)),
    options,
  );
}

function subtreeHash(
  leafHashes: readonly Uint8Array[],
  { level, index }: Subtree,
  options?: HashOptions,
): Uint8Array {
  if (level === 0) {
    const leaf = leafHashes[index];
    if (leaf === undefined) throw new ParameterError(`leaf hash ${index} is missing`);
    return leaf;
  }
  return nodeHash(
    subtreeHash(leafHashes, { level: level - 1, index: index * 2 }, options),
    subtreeHash(leafHashes, { level: level - 1, index: index * 2 + 1 }, options),
    options,
  );
}
