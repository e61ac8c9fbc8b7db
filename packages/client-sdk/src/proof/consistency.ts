import { fromBase64, verifyConsistency } from '@slackwater/shared';
import { LedgerForkError } from '../errors/fork.ts';
import { AnswerMalformedError } from '../errors/trust.ts';
import type { SeenCheckpoint } from './receipt-book.ts';
import type { TileTree } from './tile-tree.ts';

/**
 * Proves that heads that were seen are beginnings of a later one: by size alone, then by the tiles of the tree. A head that does not fit
 * and was never signed (`isSigned`) is what a damaged store says, and left out.
 *
 * @throws LedgerForkError with both heads; AnswerMalformedError where the tiles are not those of the later head, which proves nothing.
 */
export async function proveConsistency(
  seen: readonly SeenCheckpoint[],
  head: SeenCheckpoint,
  tree: TileTree,
  isSigned: (head: SeenCheckpoint) => boolean,
): Promise<void> {
  for (const before of seen) {
    try {
      await proveOne(before, head, tree);
    } catch (error) {
      if (!(error instanceof LedgerForkError) || isSigned(before)) throw error;
    }
  }
}

async function proveOne(before: SeenCheckpoint, head: SeenCheckpoint, tree: TileTree): Promise<void> {
  if (before.size > head.size) {
    throw new LedgerForkError(before, head, `it had ${before.size} entries and now has ${head.size}`);
  }
  if (before.size === head.size) {
    if (before.root === head.root) return;
    throw new LedgerForkError(before, head, `there are two of ${head.size} entries`);
  }
  const root = rootBytes(head);
  const proof = await tree.consistency(before.size);
  const claim = { oldSize: before.size, size: head.size, root, proof };
  if (verifyConsistency({ ...claim, oldRoot: rootBytes(before) })) return;
  // The tiles are believed only where they lead to the head: then they also say what the head's beginning really was.
  const oldRoot = await tree.rootAt(before.size);
  if (!verifyConsistency({ ...claim, oldRoot })) {
    throw new AnswerMalformedError('its hash tiles are not those of its signed head');
  }
  throw new LedgerForkError(before, head, `its first ${before.size} entries are others than they were`);
}

function rootBytes({ root }: SeenCheckpoint): Uint8Array {
  return fromBase64(root) ?? new Uint8Array();
}
