import { createHash } from 'node:crypto';
import {
  consistencyProof,
  emptyRoot,
  GrowingTree,
  inclusionProof,
  leafHash,
  merkleRoot,
  nodeHash,
  verifyConsistency,
  verifyInclusion,
} from '@slackwater/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

// The inputs and roots that implementations of RFC 6962 have in common.
const inputs = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const leaves = inputs.map((input) => leafHash(new Uint8Array(Buffer.from(input, 'hex'))));
const roots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

const leavesOf = (size: number): Uint8Array[] =>
  Array.from({ length: size }, (_, at) => leafHash(Uint8Array.of(at % 256, at >> 8)));

describe('the Merkle tree of RFC 6962', () => {
  it.each(roots.map((root, size) => ({ root, size })))(
    'has the reference root at size $size',
    ({ root, size }) => {
      expect(hex(merkleRoot(leaves.slice(0, size)))).toBe(root);
    },
  );

  it('gives the reference inclusion proof', () => {
    expect(inclusionProof(leaves, 0).map(hex)).toEqual([
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ]);
  });

  it('gives the reference consistency proof', () => {
    expect(consistencyProof(leaves, 6).map(hex)).toEqual([
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ]);
  });

  it('hashes leaves and nodes apart, so that no node passes for an entry', () => {
    const [left, right] = [leafHash(Uint8Array.of(1)), leafHash(Uint8Array.of(2))];
    const joined = Uint8Array.from([...left, ...right]);
    expect(hex(nodeHash(left, right))).not.toBe(hex(leafHash(joined)));
  });

  it('hashes with the function that is given', () => {
    let calls = 0;
    const sha256 = (data: Uint8Array): Uint8Array => {
      calls += 1;
      return new Uint8Array(createHash('sha256').update(data).digest());
    };
    expect(merkleRoot(leaves, { sha256 })).toEqual(merkleRoot(leaves));
    expect(calls).toBe(7);
    expect(emptyRoot({ sha256 })).toEqual(emptyRoot());
  });

  it('grows leaf by leaf to the same roots, keeping only its edge', () => {
    const all = leavesOf(300);
    const tree = new GrowingTree();
    for (const [size, leaf] of all.entries()) {
      tree.append(leaf);
      expect(tree.root()).toEqual(merkleRoot(all.slice(0, size + 1)));
    }
    expect(tree.edge.length).toBe(4);
    const resumed = new GrowingTree({}, { size: tree.size, edge: tree.edge });
    resumed.append(all[0] ?? emptyRoot());
    tree.append(all[0] ?? emptyRoot());
    expect(resumed.root()).toEqual(tree.root());
  });

  it.each([
    ['an index beyond the tree', () => inclusionProof(leaves, 8)],
    ['a negative index', () => inclusionProof(leaves, -1)],
    ['an index that is no integer', () => inclusionProof(leaves, 0.5)],
    ['an old size beyond the tree', () => consistencyProof(leaves, 9)],
  ])('refuses to prove %s', (_, prove) => {
    expect(prove).toThrow(expect.objectContaining({ code: 'parameter-invalid' }));
  });
});

describe('proofs', () => {
  it('of inclusion verify, for every leaf of every size up to 66', () => {
    for (let size = 1; size <= 66; size++) {
      const all = leavesOf(size);
      const root = merkleRoot(all);
      for (const [index, leaf] of all.entries()) {
        const claim = { index, size, leafHash: leaf, proof: inclusionProof(all, index), root };
        expect(verifyInclusion(claim), `${index} of ${size}`).toBe(true);
      }
    }
  });

  it('of consistency verify, for every old size of every size up to 66', () => {
    for (let size = 0; size <= 66; size++) {
      const all = leavesOf(size);
      const root = merkleRoot(all);
      for (let oldSize = 0; oldSize <= size; oldSize++) {
        const oldRoot = merkleRoot(all.slice(0, oldSize));
        const claim = { oldSize, size, oldRoot, root, proof: consistencyProof(all, oldSize) };
        expect(verifyConsistency(claim), `${oldSize} to ${size}`).toBe(true);
      }
    }
  });

  it('of inclusion do not verify for any other index', () => {
    const all = leavesOf(37);
    const root = merkleRoot(all);
    all.forEach((leaf, index) => {
      const proof = inclusionProof(all, index);
      const accepted = all.flatMap((_, other) =>
        verifyInclusion({ index: other, size: 37, leafHash: leaf, proof, root }) ? [other] : [],
      );
      expect(accepted).toEqual([index]);
    });
  });

  it('from the empty tree are empty, and want its root', () => {
    const root = merkleRoot(leaves);
    const claim = { oldSize: 0, size: 8, oldRoot: emptyRoot(), root, proof: [] };
    expect(verifyConsistency(claim)).toBe(true);
    expect(verifyConsistency({ ...claim, oldRoot: root })).toBe(false);
    expect(verifyConsistency({ ...claim, proof: [root] })).toBe(false);
    expect(verifyConsistency({ ...claim, size: 0, root })).toBe(false);
    expect(verifyConsistency({ ...claim, size: 0, root: emptyRoot() })).toBe(true);
  });

  it('between equal sizes are empty, and want equal roots', () => {
    const root = merkleRoot(leaves);
    const claim = { oldSize: 8, size: 8, oldRoot: root, root, proof: [] };
    expect(verifyConsistency(claim)).toBe(true);
    expect(verifyConsistency({ ...claim, proof: [root] })).toBe(false);
    expect(verifyConsistency({ ...claim, oldRoot: emptyRoot() })).toBe(false);
  });
});

/** Changes one bit, drops, doubles, adds or swaps elements. */
const mutation = fc.record({
  kind: fc.constantFrom('flip', 'drop', 'double', 'append', 'prepend', 'swap'),
  at: fc.nat(),
  bit: fc.integer({ min: 0, max: 255 }),
});

function mutate(
  proof: readonly Uint8Array[],
  { kind, at, bit }: { kind: string; at: number; bit: number },
): Uint8Array[] {
  const place = proof.length === 0 ? 0 : at % proof.length;
  const copy = proof.map((hash) => Uint8Array.from(hash));
  const other = Uint8Array.from({ length: 32 }, () => bit);
  if (kind === 'append') return [...copy, other];
  if (kind === 'prepend' || copy.length === 0) return [other, ...copy];
  if (kind === 'drop') return copy.toSpliced(place, 1);
  if (kind === 'double') return copy.toSpliced(place, 0, ...copy.slice(place, place + 1));
  if (kind === 'swap' && copy.length > 1) return [...copy.slice(1), ...copy.slice(0, 1)];
  const hash = copy[place] ?? other;
  hash[bit >> 3] = (hash[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

describe('proofs that were tampered with', () => {
  const sizes = fc.oneof(
    fc.integer({ min: 1, max: 200 }),
    fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257),
  );

  it('of inclusion never verify', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), mutation, (size, pick, change) => {
        const index = pick % size;
        const all = leavesOf(size);
        const leaf = all[index] ?? emptyRoot();
        const root = merkleRoot(all);
        const proof = mutate(inclusionProof(all, index), change);
        expect(verifyInclusion({ index, size, leafHash: leaf, proof, root })).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('of consistency never verify', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), mutation, (size, pick, change) => {
        const oldSize = pick % (size + 1);
        const all = leavesOf(size);
        const [oldRoot, root] = [merkleRoot(all.slice(0, oldSize)), merkleRoot(all)];
        const proof = mutate(consistencyProof(all, oldSize), change);
        expect(verifyConsistency({ oldSize, size, oldRoot, root, proof })).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('do not verify for another leaf, root, old root or size', () => {
    const all = leavesOf(21);
    const root = merkleRoot(all);
    const leaf = all[9] ?? root;
    const inclusion = { index: 9, size: 21, leafHash: leaf, proof: inclusionProof(all, 9), root };
    expect(verifyInclusion(inclusion)).toBe(true);
    expect(verifyInclusion({ ...inclusion, leafHash: root })).toBe(false);
    expect(verifyInclusion({ ...inclusion, root: leaf })).toBe(false);
    expect(verifyInclusion({ ...inclusion, size: 9 })).toBe(false);
    const oldRoot = merkleRoot(all.slice(0, 9));
    const consistency = { oldSize: 9, size: 21, oldRoot, root, proof: consistencyProof(all, 9) };
    expect(verifyConsistency(consistency)).toBe(true);
    expect(verifyConsistency({ ...consistency, oldRoot: root })).toBe(false);
    expect(verifyConsistency({ ...consistency, root: oldRoot })).toBe(false);
    expect(verifyConsistency({ ...consistency, oldSize: 10 })).toBe(false);
    expect(verifyConsistency({ ...consistency, oldSize: 22 })).toBe(false);
  });
});
