import { GrowingTree, type LedgerBlock, leafHash, parseBlock, toBase64 } from '@slackwater/shared';
import { sha256 } from '../../ledger/sha256.ts';
import { CommandFailed, NotVerified } from '../failures.ts';
import type { LedgerSource } from '../sources/source.ts';

/** A block with its entries and their leaf hashes. */
export interface SealedRun {
  readonly block: LedgerBlock;
  /** Its text. */
  readonly text: string;
  readonly entries: readonly Uint8Array[];
  readonly leafHashes: readonly Uint8Array[];
}

/**
 * The blocks of a ledger with their entries, each compared with the root in its block. Rejects with {@link NotVerified} where the
 * entries are others, and with a {@link CommandFailed} where there are no blocks or no entries to be read.
 */
export async function* sealedRuns(source: LedgerSource): AsyncGenerator<SealedRun> {
  const { blocks, entries } = source;
  if (entries === undefined)
    throw new CommandFailed(`${source.shown} shows no entries; --token may be missing`);
  if (blocks === undefined)
    throw new CommandFailed(`${source.shown} has no blocks: there is nothing sealed to export`);
  const tree = new GrowingTree({ sha256 });
  const pages = entries()[Symbol.asyncIterator]();
  let rest: readonly Uint8Array[] = [];
  try {
    for await (const text of blocks()) {
      const block = blockIn(text, source);
      const run: Uint8Array[] = [];
      while (run.length < block.size - tree.size) {
        if (rest.length === 0) {
          const { done, value } = await pages.next();
          if (done === true)
            throw new NotVerified(`entry ${tree.size + run.length} is missing in ${source.shown}`);
          rest = value;
        }
        const some = rest.slice(0, block.size - tree.size - run.length);
        run.push(...some);
        rest = rest.slice(some.length);
      }
      const leafHashes = run.map((entry) => leafHash(entry, { sha256 }));
      for (const hash of leafHashes) tree.append(hash);
      if (tree.size !== block.size || toBase64(tree.root()) !== block.root) {
        throw new NotVerified(
          `the entries ${block.first} to ${block.last} in ${source.shown} are not those that block ${block.height} seals`,
        );
      }
      yield { block, text, entries: run, leafHashes };
    }
  } finally {
    await pages.return?.();
  }
}

function blockIn(text: string, source: LedgerSource): LedgerBlock {
  try {
    return parseBlock(text);
  } catch (error) {
    throw new NotVerified(`${source.shown}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
