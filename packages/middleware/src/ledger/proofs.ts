import {
  encodeRotations,
  foldSubtrees,
  formatReceipt,
  inclusionPath,
  leafHash,
  subtreesOf,
  verifyInclusion,
} from '@slackwater/shared';
import type { Head } from './chain.ts';
import { LedgerError } from './ledger-error.ts';
import { sha256 } from './sha256.ts';
import type { Tiles } from './tiles.ts';

/** The RFC 6962 inclusion proof of the entry at `index` in a head's tree: O(log n) hashes, from tiles. */
export async function proveInclusion(tiles: Tiles, head: Head, index: number): Promise<Uint8Array[]> {
  return Promise.all(
    inclusionPath(index, head.edge.size).map(async ({ first, end }) => {
      const subtrees = subtreesOf(first, end).map(({ level, index }) => tiles.node(head.edge, level, index));
      return foldSubtrees(await Promise.all(subtrees), { sha256 });
    }),
  );
}

/**
 * A receipt (C2SP tlog-proof) for the entry at `index`, with the rotations that lead from the first key to the one that signs, verified before it is given out. Tiles that are wrong are made
 * again from the log; throws `ledger-corrupt` where the log itself does not have the entry under the signed head.
 */
export async function makeReceipt(
  tiles: Tiles,
  head: Head,
  index: number,
  entry: Uint8Array,
  rotations: readonly string[] = [],
): Promise<string> {
  const proof = await proofUnderHead(tiles, head, index, entry);
  const extra = rotations.length === 0 ? {} : { extra: encodeRotations(rotations) };
  return formatReceipt({ index, proof, checkpoint: head.checkpoint, ...extra });
}

/** The inclusion proof of the entry at `index`, verified against the signed head. Throws as {@link makeReceipt} does. */
export async function proofUnderHead(
  tiles: Tiles,
  head: Head,
  index: number,
  entry: Uint8Array,
): Promise<readonly Uint8Array[]> {
  const proof = await proveInclusion(tiles, head, index);
  if (proves(head, index, entry, proof)) return proof;
  await tiles.rebuild(head.edge.size);
  const again = await proveInclusion(tiles, head, index);
  if (proves(head, index, entry, again)) return again;
  throw new LedgerError(
    'ledger-corrupt',
    `Entry ${index} of the log is not the one that the signed head covers.`,
  );
}

function proves(head: Head, index: number, entry: Uint8Array, proof: readonly Uint8Array[]): boolean {
  const claim = {
    index,
    size: head.edge.size,
    leafHash: leafHash(entry, { sha256 }),
    proof,
    root: head.root,
  };
  return verifyInclusion(claim, { sha256 });
}
