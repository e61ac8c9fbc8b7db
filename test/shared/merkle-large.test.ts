import {
  consistencyPath,
  foldSubtrees,
  inclusionPath,
  type LeafRange,
  leafHash,
  nodeHash,
  type Subtree,
  subtreesOf,
  verifyConsistency,
  verifyInclusion,
} from '@slackwater/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

// A tree of 2^53 - 1 leaves in which all leaves are alike but one: its nodes can be computed as they are asked for.
const common = leafHash(Uint8Array.of(0));
const special = leafHash(Uint8Array.of(1));
const alike: Uint8Array[] = [common];
for (let level = 1; level <= 53; level++) {
  const below = alike[level - 1] ?? common;
  alike.push(nodeHash(below, below));
}

function subtreeHash({ level, index }: Subtree, specialLeaf: number): Uint8Array {
  const width = 2 ** level;
  const within = specialLeaf >= index * width && specialLeaf < (index + 1) * width;
  if (!within) return alike[level] ?? common;
  if (level === 0) return special;
  const left = { level: level - 1, index: index * 2 };
  const right = { level: level - 1, index: index * 2 + 1 };
  return nodeHash(subtreeHash(left, specialLeaf), subtreeHash(right, specialLeaf));
}

function rangeHash({ first, end }: LeafRange, specialLeaf: number): Uint8Array {
  return foldSubtrees(subtreesOf(first, end).map((subtree) => subtreeHash(subtree, specialLeaf)));
}

const max = Number.MAX_SAFE_INTEGER;
const nearPowers = [31, 32, 33, 47, 52].flatMap((power) => [2 ** power - 1, 2 ** power, 2 ** power + 1]);
const sizes = fc.oneof(fc.constantFrom(...nearPowers, max - 1, max), fc.integer({ min: 2 ** 31, max }));
const share = fc.double({ min: 0, max: 1, noNaN: true });

describe('trees with more leaves than 32 bits can count', () => {
  it('have inclusion proofs from stored nodes that verify, and for no other index', () => {
    fc.assert(
      fc.property(sizes, share, (size, part) => {
        const index = Math.min(size - 1, Math.floor(size * part));
        const root = rangeHash({ first: 0, end: size }, index);
        const proof = inclusionPath(index, size).map((range) => rangeHash(range, index));
        const claim = { index, size, leafHash: special, proof, root };
        expect(verifyInclusion(claim)).toBe(true);
        for (const other of [index - 1, index + 1, index ^ 1, index % 2 ** 32, index - 2 ** 32]) {
          if (other !== index) expect(verifyInclusion({ ...claim, index: other })).toBe(false);
        }
        expect(verifyInclusion({ ...claim, leafHash: common })).toBe(false);
        expect(verifyInclusion({ ...claim, proof: [...proof, special] })).toBe(false);
        expect(verifyInclusion({ ...claim, proof: proof.slice(1) })).toBe(false);
      }),
      { numRuns: 100 },
    );
  });

  it('have consistency proofs from stored nodes that verify, and for no other root', () => {
    fc.assert(
      fc.property(sizes, share, share, (size, oldPart, specialPart) => {
        const oldSize = Math.max(1, Math.floor((size - 1) * oldPart));
        const specialLeaf = Math.floor((oldSize - 1) * specialPart);
        const [oldRoot, root] = [oldSize, size].map((end) => rangeHash({ first: 0, end }, specialLeaf));
        const proof = consistencyPath(oldSize, size).map((range) => rangeHash(range, specialLeaf));
        const claim = { oldSize, size, oldRoot: oldRoot ?? common, root: root ?? common, proof };
        expect(verifyConsistency(claim)).toBe(true);
        expect(verifyConsistency({ ...claim, oldRoot: rangeHash({ first: 0, end: oldSize }, size) })).toBe(
          false,
        );
        expect(verifyConsistency({ ...claim, proof: [...proof, special] })).toBe(false);
        expect(verifyConsistency({ ...claim, proof: proof.slice(1) })).toBe(false);
      }),
      { numRuns: 100 },
    );
  });

  it('have logarithmic proofs', () => {
    expect(inclusionPath(0, max).length).toBe(53);
    expect(inclusionPath(max - 1, max).length).toBe(52);
    expect(consistencyPath(2 ** 52 - 1, max).length).toBeLessThanOrEqual(54);
    expect(subtreesOf(0, max).length).toBe(53);
  });
});

describe('the ranges that proofs consist of', () => {
  it('are those of the examples in RFC 6962 section 2.1.3', () => {
    expect(inclusionPath(3, 7)).toEqual([
      { first: 2, end: 3 },
      { first: 0, end: 2 },
      { first: 4, end: 7 },
    ]);
    expect(inclusionPath(6, 7)).toEqual([
      { first: 4, end: 6 },
      { first: 0, end: 4 },
    ]);
    expect(consistencyPath(3, 7)).toEqual([
      { first: 2, end: 3 },
      { first: 3, end: 4 },
      { first: 0, end: 2 },
      { first: 4, end: 7 },
    ]);
    expect(consistencyPath(4, 7)).toEqual([{ first: 4, end: 7 }]);
    expect(consistencyPath(6, 7)).toEqual([
      { first: 4, end: 6 },
      { first: 6, end: 7 },
      { first: 0, end: 4 },
    ]);
  });

  it('decompose into complete subtrees, left to right', () => {
    expect(subtreesOf(0, 7)).toEqual([
      { level: 2, index: 0 },
      { level: 1, index: 2 },
      { level: 0, index: 6 },
    ]);
    expect(subtreesOf(5, 5)).toEqual([]);
  });

  it.each([
    [1, 3],
    [2, 6],
    [3, 2],
    [-1, 1],
    [0, 2 ** 53],
    [Number.NaN, 1],
  ])('refuses [%d, %d), which no proof asks for', (first, end) => {
    expect(() => subtreesOf(first, end)).toThrow(expect.objectContaining({ code: 'parameter-invalid' }));
  });
});
