import type { Clock } from '../../clock.ts';
import type { OpenEngine } from '../../engines/engine.ts';
import type { EngineLog } from '../../engines/log.ts';
import { openLedger } from '../../ledger/open-ledger.ts';
import type { Signer } from '../../ledger/signer.ts';
import { verifyStored } from '../../ledger/verify.ts';
import { CommandFailed } from '../failures.ts';
import type { SourceHead } from './source-head.ts';

/** What was verified, from stored bytes alone. */
export interface Verified {
  readonly entries: number;
  readonly blocks: number;
  /** Base64. */
  readonly root: string;
}

/**
 * Verifies the target from its bytes against the source's newest checkpoint. Rejects with a {@link CommandFailed} where it is
 * not what the source's key signed, or not all of it.
 */
export async function verifyTarget(
  target: OpenEngine,
  signer: Signer,
  { checkpoint, blocks, size, sealedSize }: SourceHead,
  onEntries: (count: number) => void,
): Promise<Verified> {
  const trust = { verifierKeys: [signer.verifierKey], oldCheckpoint: checkpoint };
  const report = await verifyStored({ store: target.store, log: watched(target.log, onEntries) }, trust);
  onEntries(size);
  if (!report.ok)
    throw new CommandFailed(`the copy is not what was sealed (${report.fault}): ${report.message}`);
  // What the source had not sealed may have been sealed here already.
  const isWhole = report.blocks === blocks && report.size === sealedSize;
  const isSealedHere = report.blocks > blocks && report.size === size;
  if (!isWhole && !isSealedHere) {
    throw new CommandFailed(
      `the copy has ${report.size} sealed entries in ${report.blocks} blocks, the source ${sealedSize} in ${blocks}`,
    );
  }
  return { entries: report.size, blocks: report.blocks, root: Buffer.from(report.root).toString('base64') };
}

/**
 * Does on the target what a gate does when it starts: seals what the source had not sealed, and makes states and queue from
 * the log. Rejects with what the ledger rejects with.
 */
export async function recoverTarget(
  target: OpenEngine,
  { application, group, clock }: { application: string; group: string; clock: Clock },
  onEntries: (count: number) => void,
): Promise<void> {
  // What is read to open it, here and there, would look like progress.
  let opened = false;
  const engine: OpenEngine = {
    durable: target.durable,
    log: watched(target.log, (count) => opened && onEntries(count)),
    store: target.store,
    queue: target.queue,
    wrappedKeys: target.wrappedKeys,
    keyFile: (create) => target.keyFile(create),
    close: () => target.close(),
  };
  const ledger = await openLedger({ application, group, clock, engine, finishingCopy: true });
  opened = true;
  try {
    await ledger.recover();
    onEntries(await target.log.size());
  } finally {
    await ledger.close();
  }
}

/** The log, and somebody hears how far it is being read. */
function watched(log: EngineLog, onEntries: (count: number) => unknown): EngineLog {
  return {
    append: (entries) => log.append(entries),
    size: () => log.size(),
    read(from, limit) {
      onEntries(from);
      return log.read(from, limit);
    },
  };
}
