import type { OpenEngine } from '../../engines/engine.ts';
import type { EngineStore } from '../../engines/store.ts';
import { blockKey } from '../../ledger/block.ts';
import type { Signer } from '../../ledger/signer.ts';
import { entriesOf } from '../../ledger/verify.ts';
import { appendInOrder } from './append-in-order.ts';
import { inParallel } from './in-parallel.ts';
import { notThisLedger } from './not-this-ledger.ts';
import type { SourceHead } from './source-head.ts';
import { unsealedEntries, type VerifiedBlock, verifiedBlocks } from './verified-blocks.ts';

/** What a log is copied between. */
export interface LogCopy {
  readonly source: OpenEngine;
  readonly target: OpenEngine;
  readonly signer: Signer;
  readonly head: SourceHead;
  /** Hears how many entries are known to be in the target. */
  readonly onEntries: (count: number) => void;
}

const entriesPerTurn = 1_000;
const blocksPerTurn = 200;

/**
 * Carries entries and blocks over, at their positions and byte for byte. The source is verified on the way, and nothing of
 * a block is appended before that; what the target has already must be the same. Rejects with a `CommandFailed`.
 *
 * Crash points: entries come first and their blocks after them. Whatever a run leaves behind is a beginning of the log
 * and some of its blocks; the next one compares what it finds and goes on behind it.
 */
export async function copyLog({ source, target, signer, head, onEntries }: LogCopy): Promise<void> {
  const present = await target.log.size();
  if (present > head.size) throw notThisLedger(`it has ${present} entries and the source ${head.size}`);
  const appending = appendInOrder(target.log, present);
  const known = entriesOf(target.log);
  let waiting: VerifiedBlock[] = [];
  let position = 0;
  let settled = 0;

  async function carry(entry: Uint8Array): Promise<void> {
    if (position >= present) await appending.add(entry);
    else await compare(entry);
    position += 1;
  }

  async function compare(entry: Uint8Array): Promise<void> {
    const { value } = await known.next();
    if (value === undefined || Buffer.compare(value, entry) !== 0) {
      throw notThisLedger(`its entry ${position} is another one`);
    }
  }

  /** Blocks wait for each other, so that the smallest of them don't cost an append each. */
  async function settle(): Promise<void> {
    await appending.flush();
    await inParallel(waiting, (block) => carryBlock(target.store, block));
    waiting = [];
    settled = position;
    onEntries(position);
  }

  for await (const block of verifiedBlocks(source, signer, head)) {
    for (const entry of block.entries) await carry(entry);
    waiting.push(block);
    if (position - settled >= entriesPerTurn || waiting.length >= blocksPerTurn) await settle();
  }
  await settle();
  for await (const entry of unsealedEntries(source, head)) await carry(entry);
  await settle();
}

async function carryBlock(store: EngineStore, { height, text }: VerifiedBlock): Promise<void> {
  const value = Buffer.from(text, 'utf8');
  if ((await store.create(blockKey(height), value)) !== undefined) return;
  const stored = await store.get(blockKey(height));
  if (stored === undefined || Buffer.compare(stored.value, value) !== 0) {
    throw notThisLedger(`its block ${height} is another one`);
  }
}
