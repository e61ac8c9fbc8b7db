import type { OpenEngine } from '../../engines/engine.ts';
import { blockKey, openBlock } from '../../ledger/block.ts';
import type { Signer } from '../../ledger/signer.ts';
import { emptyEdge, rootOf } from '../../ledger/tree-edge.ts';
import { CommandFailed } from '../failures.ts';

/** How far the ledger had come that is copied. */
export interface SourceHead {
  /** Entries in its log. */
  readonly size: number;
  /** Entries that blocks seal; what lies beyond waited to be sealed when its process ended. */
  readonly sealedSize: number;
  readonly blocks: number;
  /** The newest signed one. */
  readonly checkpoint: string;
}

/** The head of a ledger as it is stored. Rejects with a {@link CommandFailed} where its last block is not its own. */
export async function readHead({ log, store }: OpenEngine, signer: Signer): Promise<SourceHead> {
  const size = await log.size();
  const [last] = await store.list('blocks/', { limit: 1, reverse: true });
  if (last === undefined) {
    const checkpoint = signer.sign({ size: 0, root: rootOf(emptyEdge) });
    return { size, sealedSize: 0, blocks: 0, checkpoint };
  }
  const block = openBlock(Buffer.from(last.value).toString('utf8'), signer);
  if (block === undefined || last.key !== blockKey(block.height)) {
    throw new CommandFailed(
      `the source's last block (${last.key}) is not one that its key signed; nothing of it is copied. Restore a backup`,
    );
  }
  return { size, sealedSize: block.size, blocks: block.height + 1, checkpoint: block.checkpoint };
}

/** Rejects with a {@link CommandFailed} where somebody wrote to the source since `before`. */
export async function checkUnchanged(source: OpenEngine, signer: Signer, before: SourceHead): Promise<void> {
  const now = await readHead(source, signer);
  if (now.size === before.size && now.checkpoint === before.checkpoint) return;
  throw new CommandFailed(
    `somebody wrote to the source while it was copied: it had ${before.size} entries in ${before.blocks} blocks and has ` +
      `${now.size} in ${now.blocks}. End the application, and run the same command again; it goes on from here`,
  );
}
