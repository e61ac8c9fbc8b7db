/**
 * Which nodes of a tree does a proof consist of? Answered by arithmetic alone, so that a ledger that stores
 * node hashes computes a proof in O(log n) reads. Sizes up to 2^53 - 1; no 32-bit operators therefore.
 *
 * A range of leaves `[first, end)` that occurs in RFC 6962's definition of MTH is *aligned*: `first` is a multiple
 * of the smallest power of two that is not below `end - first`. Such a range is one complete subtree, or several
 * that become smaller from left to right; its hash is the right fold of theirs.
 */
import type { HashOptions } from './hash.ts';
import { emptyRoot, nodeHash } from './merkle-hash.ts';
import { isCount, ParameterError } from './parameter-error.ts';

/** A run of leaves: from `first` up to, not including, `end`. */
export interface LeafRange {
  readonly first: number;
  readonly end: number;
}

/** The complete subtree over the leaves `[index * 2^level, (index + 1) * 2^level)`. Level 0 is a leaf. */
export interface Subtree {
  readonly level: number;
  readonly index: number;
}

/**
 * The complete subtrees of an aligned range, left to right, largest first; none for an empty range.
 * `subtreesOf(0, size)` are the subtrees whose fold is the root of that size.
 * Throws `parameter-invalid` for a range that is not aligned.
 */
export function subtreesOf(first: number, end: number): Subtree[] {
  if (!isCount(first) || !isCount(end) || end < first)
    throw new ParameterError(`[${first}, ${end}) is no range`);
  const subtrees: Subtree[] = [];
  let level = 0;
  let width = 1;
  while (width < end - first) {
    width *= 2;
    level += 1;
  }
  if (end > first && first % width !== 0) {
    throw new ParameterError(`[${first}, ${end}) is not aligned: ${first} is no multiple of ${width}`);
  }
  for (let start = first; start < end; width /= 2, level -= 1) {
    if (width > end - start) continue;
    subtrees.push({ level, index: start / width });
    start += width;
  }
  return subtrees;
}

/**
 * The ranges whose hashes are the inclusion proof of leaf `index` in the tree of `size` leaves, from the leaf's
 * sibling to the root's child (RFC 6962 section 2.1.1). Throws `parameter-invalid` unless `0 <= index < size`.
 */
export function inclusionPath(index: number, size: number): LeafRange[] {
  if (!isCount(index) || !isCount(size) || index >= size) {
    throw new ParameterError(`there is no leaf ${index} in a tree of ${size}`);
  }
  const path: LeafRange[] = [];
  let first = 0;
  let end = size;
  while (end - first > 1) {
    const middle = first + splitOf(end - first);
    if (index < middle) {
      path.push({ first: middle, end });
      end = middle;
    } else {
      path.push({ first, end: middle });
      first = middle;
    }
  }
  return path.reverse();
}

/**
 * The ranges whose hashes are the consistency proof from the tree of `oldSize` leaves to that of `size`
 * (RFC 6962 section 2.1.2). Empty for equal sizes and for `oldSize` 0.
 * Throws `parameter-invalid` unless `0 <= oldSize <= size`.
 */
export function consistencyPath(oldSize: number, size: number): LeafRange[] {
  if (!isCount(oldSize) || !isCount(size) || oldSize > size) {
    throw new ParameterError(`a tree of ${oldSize} leaves is no prefix of one of ${size}`);
  }
  const path: LeafRange[] = [];
  if (oldSize === 0 || oldSize === size) return path;
  let first = 0;
  let end = size;
  while (oldSize !== end) {
    const middle = first + splitOf(end - first);
    if (oldSize <= middle) {
      path.push({ first: middle, end });
      end = middle;
    } else {
      path.push({ first, end: middle });
      first = middle;
    }
  }
  // A verifier who knows the old root need not be told it again.
  if (first > 0) path.push({ first, end });
  return path.reverse();
}

/** The hash of a range from the hashes of its {@link subtreesOf}, left to right. Of none: the empty tree's root. */
export function foldSubtrees(hashes: readonly Uint8Array[], options?: HashOptions): Uint8Array {
  const last = hashes.at(-1);
  if (last === undefined) return emptyRoot(options);
  return hashes.slice(0, -1).reduceRight((right, left) => nodeHash(left, right, options), last);
}

/** The largest power of two below `width`: where RFC 6962 splits a range of two or more leaves. */
function splitOf(width: number): number {
  let split = 1;
  while (split * 2 < width) split *= 2;
  return split;
}
