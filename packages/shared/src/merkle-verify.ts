/**
 * Checks of Merkle proofs. They take anything and answer true or false, never by throwing: malformed, oversized or
 * hostile input proves nothing. What was given is copied first, so that it can't change under the check.
 * Algorithms of RFC 9162 sections 2.1.3.2 and 2.1.4.2, in arithmetic that holds up to 2^53 - 1.
 */
import { bytesEqual, copyOfBytes } from './bytes.ts';
import type { HashOptions } from './hash.ts';
import { emptyRoot, nodeHash } from './merkle-hash.ts';
import { isCount } from './parameter-error.ts';

const hashLength = 32;
/** A consistency proof has at most one hash per level and one more. */
const maxProofLength = 64;

/** That a leaf is in a tree. */
export interface InclusionClaim {
  readonly index: number;
  readonly size: number;
  /** 32 bytes; so are all hashes. */
  readonly leafHash: Uint8Array;
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/** That a tree is the beginning of another one. */
export interface ConsistencyClaim {
  readonly oldSize: number;
  readonly size: number;
  readonly oldRoot: Uint8Array;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/**
 * Whether `proof` proves that leaf `index` of the tree with `size` leaves and that `root` has that hash
 * (RFC 6962 section 2.1.1). A proof with an element too many or too few proves nothing. Never throws.
 */
export function verifyInclusion(claim: InclusionClaim, options?: HashOptions): boolean {
  try {
    const { index, size } = claim;
    const leafHash = copyOfBytes(claim.leafHash, hashLength);
    const root = copyOfBytes(claim.root, hashLength);
    const proof = copyOfProof(claim.proof);
    if (!isCount(index) || !isCount(size) || index >= size) return false;
    if (leafHash === undefined || root === undefined || proof === undefined) return false;
    const found = rootOfInclusion(index, size, leafHash, proof, options);
    return found !== undefined && bytesEqual(found, root);
  } catch {
    return false;
  }
}

/**
 * Whether `proof` proves that the tree of `oldSize` leaves with `oldRoot` is the beginning of the tree of `size` leaves
 * with `root` (RFC 6962 section 2.1.2). For equal sizes, and for `oldSize` 0, the proof must be empty; the roots
 * must then be equal, or the old one the empty tree's. Never throws.
 */
export function verifyConsistency(claim: ConsistencyClaim, options?: HashOptions): boolean {
  try {
    const { oldSize, size } = claim;
    const oldRoot = copyOfBytes(claim.oldRoot, hashLength);
    const root = copyOfBytes(claim.root, hashLength);
    const proof = copyOfProof(claim.proof);
    if (!isCount(oldSize) || !isCount(size) || oldSize > size) return false;
    if (oldRoot === undefined || root === undefined || proof === undefined) return false;
    if (oldSize === 0 && !bytesEqual(oldRoot, emptyRoot(options))) return false;
    if (oldSize === size) return proof.length === 0 && bytesEqual(oldRoot, root);
    if (oldSize === 0) return proof.length === 0;
    const found = rootsOfConsistency(oldSize, size, oldRoot, proof, options);
    return found !== undefined && bytesEqual(found.oldRoot, oldRoot) && bytesEqual(found.root, root);
  } catch {
    return false;
  }
}

function rootOfInclusion(
  index: number,
  size: number,
  leafHash: Uint8Array,
  proof: readonly Uint8Array[],
  options: HashOptions | undefined,
): Uint8Array | undefined {
  let node = index;
  let lastNode = size - 1;
  let hash = leafHash;
  for (const sibling of proof) {
    if (lastNode === 0) return undefined;
    if (isRightChild(node) || node === lastNode) {
      hash = nodeHash(sibling, hash, options);
      [node, lastNode] = upToRightChild(node, lastNode);
    } else {
      hash = nodeHash(hash, sibling, options);
    }
    node = parentOf(node);
    lastNode = parentOf(lastNode);
  }
  return lastNode === 0 ? hash : undefined;
}

function rootsOfConsistency(
  oldSize: number,
  size: number,
  knownOldRoot: Uint8Array,
  proof: readonly Uint8Array[],
  options: HashOptions | undefined,
): { oldRoot: Uint8Array; root: Uint8Array } | undefined {
  // The proof starts at the largest complete subtree that ends where the old tree does.
  let node = oldSize - 1;
  let lastNode = size - 1;
  while (isRightChild(node)) {
    node = parentOf(node);
    lastNode = parentOf(lastNode);
  }
  // If that is the whole old tree, its hash is the old root and is not sent.
  const [start, ...siblings] = node === 0 ? [knownOldRoot, ...proof] : proof;
  if (start === undefined) return undefined;
  let oldRoot = start;
  let root = start;
  for (const sibling of siblings) {
    if (lastNode === 0) return undefined;
    if (isRightChild(node) || node === lastNode) {
      oldRoot = nodeHash(sibling, oldRoot, options);
      root = nodeHash(sibling, root, options);
      [node, lastNode] = upToRightChild(node, lastNode);
    } else {
      root = nodeHash(root, sibling, options);
    }
    node = parentOf(node);
    lastNode = parentOf(lastNode);
  }
  return lastNode === 0 ? { oldRoot, root } : undefined;
}

/** Leaves out the levels on which the right edge has no sibling. */
function upToRightChild(node: number, lastNode: number): [node: number, lastNode: number] {
  let [at, last] = [node, lastNode];
  while (at !== 0 && !isRightChild(at)) {
    at = parentOf(at);
    last = parentOf(last);
  }
  return [at, last];
}

function isRightChild(node: number): boolean {
  return node % 2 === 1;
}

function parentOf(node: number): number {
  return Math.floor(node / 2);
}

function copyOfProof(proof: unknown): Uint8Array[] | undefined {
  if (!Array.isArray(proof)) return undefined;
  const { length } = proof;
  if (!isCount(length) || length > maxProofLength) return undefined;
  const copies: Uint8Array[] = [];
  for (let i = 0; i < length; i++) {
    const copy = copyOfBytes(proof[i], hashLength);
    if (copy === undefined) return undefined;
    copies.push(copy);
  }
  return copies;
}
