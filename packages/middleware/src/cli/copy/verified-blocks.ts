import { LedgerVerifier, parseEntry } from '@slackwater/shared';
import type { OpenEngine } from '../../engines/engine.ts';
import { sha256 } from '../../ledger/sha256.ts';
import { ed25519Verify, type Signer } from '../../ledger/signer.ts';
import { blocksOf, entriesOf } from '../../ledger/verify.ts';
import { CommandFailed } from '../failures.ts';
import type { SourceHead } from './source-head.ts';

/** A block that was found to be what was signed, with its entries. */
export interface VerifiedBlock {
  readonly height: number;
  readonly text: string;
  readonly entries: readonly Uint8Array[];
}

/**
 * The blocks of a ledger up to `head`, each verified with its entries before it is given. Rejects with a
 * {@link CommandFailed} that names the first entry or block that is not what was sealed.
 */
export async function* verifiedBlocks(
  { log, store }: OpenEngine,
  signer: Signer,
  head: SourceHead,
): AsyncGenerator<VerifiedBlock> {
  const verifierKeys = [signer.verifierKey];
  const verifier = new LedgerVerifier({
    verifierKeys,
    oldCheckpoint: head.checkpoint,
    sha256,
    ed25519Verify,
  });
  const stored = entriesOf(log);
  let height = 0;
  for await (const text of blocksOf(store)) {
    // What was sealed since the head was read is noticed at the end.
    if (height === head.blocks) break;
    const entries: Uint8Array[] = [];
    let fault = verifier.block(text);
    while (fault === undefined && verifier.pending > 0) {
      const { done, value } = await stored.next();
      // The verifier tells best which entry is missing.
      if (done === true) break;
      entries.push(value);
      fault = verifier.entry(value);
    }
    if (fault !== undefined || verifier.pending > 0) break;
    yield { height, text, entries };
    height += 1;
  }
  const report = verifier.finish();
  if (report.ok) return;
  throw new CommandFailed(
    `the source is not what was sealed (${report.fault}): ${report.message}. What was copied ends before it; restore a backup of the source`,
  );
}

/**
 * The entries from the last block to the end of `head`, which were recorded and not yet sealed when the ledger's process
 * ended. Rejects with a {@link CommandFailed} where one of them is no entry.
 */
export async function* unsealedEntries(
  { log }: OpenEngine,
  { sealedSize, size }: SourceHead,
): AsyncGenerator<Uint8Array> {
  let position = sealedSize;
  if (position === size) return;
  for await (const entry of entriesOf(log, sealedSize)) {
    checkEntry(entry, position);
    yield entry;
    position += 1;
    if (position === size) return;
  }
}

function checkEntry(entry: Uint8Array, position: number): void {
  try {
    parseEntry(entry);
  } catch (cause) {
    throw new CommandFailed(`entry ${position} of the source is no entry: it was changed. Restore a backup`, {
      cause,
    });
  }
}
