import {
  consistencyProof,
  inclusionProof,
  leafHash,
  merkleRoot,
  verifyConsistency,
  verifyInclusion,
} from '@slackwater/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anything, hostileValues, unreadable } from './hostile.ts';

const leaves = Array.from({ length: 11 }, (_, at) => leafHash(Uint8Array.of(at)));
const root = merkleRoot(leaves);
const inclusion = { index: 6, size: 11, leafHash: leaves[6] ?? root, proof: inclusionProof(leaves, 6), root };
const oldRoot = merkleRoot(leaves.slice(0, 6));
const consistency = { oldSize: 6, size: 11, oldRoot, root, proof: consistencyProof(leaves, 6) };

// What a program in plain JavaScript could pass.
const verifiers: readonly [string, (claim: unknown) => boolean, Record<string, unknown>][] = [
  ['verifyInclusion', verifyInclusion as (claim: unknown) => boolean, inclusion],
  ['verifyConsistency', verifyConsistency as (claim: unknown) => boolean, consistency],
];

describe.each(verifiers)('%s', (_, verify, valid) => {
  it('answers true for the claim that the others are made of', () => {
    expect(verify(valid)).toBe(true);
  });

  it.each(Object.keys(valid))('answers false, and does not throw, for any nonsense as %s', (member) => {
    for (const value of hostileValues) expect(verify({ ...valid, [member]: value })).toBe(false);
    const { [member]: __, ...without } = valid;
    expect(verify(without)).toBe(false);
  });

  it('answers false for a getter that throws', () => {
    for (const member of Object.keys(valid)) {
      const trap = Object.defineProperty({ ...valid }, member, {
        get: () => {
          throw new Error('hostile');
        },
      });
      expect(verify(trap)).toBe(false);
    }
  });

  it('answers false for anything instead of a claim', () => {
    for (const value of hostileValues) expect(verify(value)).toBe(false);
    expect(verify(unreadable(valid))).toBe(false);
    fc.assert(fc.property(anything, (value) => verify(value) === false));
  });

  it('answers false for any nonsense as an element of the proof', () => {
    const proof = valid['proof'] as readonly Uint8Array[];
    for (const value of hostileValues) {
      // 32 zero bytes are a hash; they are only the wrong one.
      expect(verify({ ...valid, proof: proof.with(0, value as Uint8Array) })).toBe(false);
    }
    const holes = [...proof];
    delete holes[0];
    expect(verify({ ...valid, proof: holes })).toBe(false);
  });

  it('answers false for random claims', () => {
    const members = Object.fromEntries(Object.keys(valid).map((member) => [member, anything]));
    fc.assert(fc.property(fc.record(members, { requiredKeys: [] }), (claim) => verify(claim) === false));
  });

  it('answers false for a proof of a million hashes, at once', () => {
    const proof = Array.from({ length: 1_000_000 }, () => root);
    expect(verify({ ...valid, proof })).toBe(false);
  });

  it('is not fooled by an array that changes while it is read', () => {
    const proof = valid['proof'] as readonly Uint8Array[];
    let reads = 0;
    const growing = new Proxy([...proof], {
      get: (target, name) => (name === 'length' ? target.length + reads++ : Reflect.get(target, name)),
    });
    expect([true, false]).toContain(verify({ ...valid, proof: growing }));
    expect(reads).toBe(1);
  });

  it('answers false when the given hash function throws', () => {
    const sha256 = (): never => {
      throw new Error('broken');
    };
    const verifyWith = verify as (claim: unknown, options: unknown) => boolean;
    expect(verifyWith(valid, { sha256 })).toBe(false);
  });

  it('takes bytes of a Node.js Buffer', () => {
    const proof = (valid['proof'] as readonly Uint8Array[]).map((hash) => Buffer.from(hash));
    expect(verify({ ...valid, proof })).toBe(true);
  });
});
