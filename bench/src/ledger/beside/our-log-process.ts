import { verifyReceipt } from '@slackwater/shared';
import { systemClock as clock } from '../../../../packages/middleware/dist/clock.js';
import { makeReceipt } from '../../../../packages/middleware/dist/ledger/proofs.js';
import { sha256 } from '../../../../packages/middleware/dist/ledger/sha256.js';
import { ed25519Verify } from '../../../../packages/middleware/dist/ledger/signer.js';
import { verifyStored } from '../../../../packages/middleware/dist/ledger/verify.js';
import { answerCalls } from '../../child.ts';
import { openSealing } from '../open-sealing.ts';
import { askLog, type LogProcess, type ProvingLog } from './log-process.ts';

/** As a caller in Node.js verifies; in a browser it takes some milliseconds. */
const native = { sha256, ed25519Verify };

async function open(directory: string): Promise<ProvingLog> {
  const { engine, sealer, tiles, verifierKeys, close } = await openSealing(directory);
  const entryAt = async (index: number): Promise<Uint8Array> => {
    const [entry] = await engine.log.read(index, 1);
    if (entry === undefined) throw new Error(`There is no entry ${index}.`);
    return entry;
  };
  return {
    append: (entries) => Promise.all(entries.map((entry) => sealer.record(entry).sealed)),
    length: () => sealer.head.link.size,
    read: entryAt,
    async prove(index) {
      const { head } = sealer;
      // Together, as the ledger does.
      const [entry] = await Promise.all([entryAt(index), tiles.node(head.edge, 0, index)]);
      const receipt = await makeReceipt(tiles, head, index, entry);
      return () => verifyReceipt(receipt, { entry, verifierKeys }, native);
    },
    async verifyAll() {
      const { log, store } = engine;
      const { checkpoint: oldCheckpoint } = sealer.head;
      const report = await verifyStored({ log, store, clock }, { verifierKeys, oldCheckpoint });
      if (!report.ok) throw new Error(`${report.fault}: ${report.message}`);
    },
    close,
  };
}

await answerCalls<LogProcess>((folder: string) => askLog(folder, open));
