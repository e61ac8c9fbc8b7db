import { blockHash, encodeBlock, type LedgerBlock, parseBlock } from '@slackwater/shared';
import { sha256 } from './sha256.ts';
import type { Signer } from './signer.ts';

/** What a new block is linked to: the block before, or, for the first one, {@link noBlock}. */
export interface BlockLink {
  /** -1 before the first block. */
  readonly height: number;
  /** Hash of that block, base64. */
  readonly hash: string;
  /** Entries in the tree up to and with that block. */
  readonly size: number;
}

/** What block 0 is linked to. */
export const noBlock: BlockLink = { height: -1, hash: Buffer.alloc(32).toString('base64'), size: 0 };

/** Where the store has a block. Padded, so that the store lists blocks by height. */
export function blockKey(height: number): string {
  return `blocks/${String(height).padStart(12, '0')}`;
}

/** Signs the block that brings the tree to `size` entries, by the keys of these numbers. */
export function makeBlock(
  link: BlockLink,
  head: { readonly size: number; readonly root: Uint8Array },
  sealedAt: string,
  signer: Signer,
  by: readonly number[],
): { readonly block: LedgerBlock; readonly text: string } {
  const block: LedgerBlock = {
    v: 1,
    height: link.height + 1,
    previous: link.hash,
    first: link.size,
    last: head.size - 1,
    size: head.size,
    root: Buffer.from(head.root).toString('base64'),
    sealedAt,
    checkpoint: signer.sign(head, by),
  };
  return { block, text: encodeBlock(block) };
}

/** The link that the next block is to have. */
export function linkOf(block: LedgerBlock): BlockLink {
  return {
    height: block.height,
    hash: Buffer.from(blockHash(block, { sha256 })).toString('base64'),
    size: block.size,
  };
}

/** A block whose own bytes are in order: well-formed, and signed by this ledger's key over its size and root. */
export function openBlock(text: string, signer: Signer): LedgerBlock | undefined {
  return openSigned(text, signer)?.block;
}

/** The same, with the numbers of the keys that signed it. */
export function openSigned(
  text: string,
  signer: Signer,
): { readonly block: LedgerBlock; readonly signedBy: readonly number[] } | undefined {
  try {
    const block = parseBlock(text);
    const head = signer.open(block.checkpoint);
    const agrees =
      head !== undefined &&
      head.size === block.size &&
      block.last === block.size - 1 &&
      block.first <= block.last &&
      Buffer.from(head.root).toString('base64') === block.root;
    return agrees ? { block, signedBy: head.signedBy } : undefined;
  } catch {
    return undefined;
  }
}

/** Up to which size a block says that it goes; 0 where it is none. Nothing of it is verified. */
export function sizeSaidBy(text: string): number {
  try {
    return parseBlock(text).size;
  } catch {
    return 0;
  }
}

/** Whether a block is the one after `link`. */
export function follows(block: LedgerBlock, link: BlockLink): boolean {
  return block.height === link.height + 1 && block.previous === link.hash && block.first === link.size;
}
