import { statSync } from 'node:fs';
import { join } from 'node:path';
import { sqliteEngine } from '../../../packages/middleware/dist/engines/sqlite/sqlite-engine.js';
import { openLedger } from '../../../packages/middleware/dist/ledger/open-ledger.js';
import { makeReceipt } from '../../../packages/middleware/dist/ledger/proofs.js';
import { answerCalls } from '../child.ts';
import { openSealing, owner, type Sealing } from './open-sealing.ts';

/** A ledger that is made longer, and asked in between. */
export interface GrowingProcess {
  /** Appends and seals entries until there are so many, 1,000 at a time. */
  growTo(size: number): Promise<void>;
  /** Bytes of the database, all told. The write-ahead log has been folded into it. */
  bytes(): Promise<number>;
  /** µs for each of so many proofs of entries anywhere: read, proved, checked and written as receipts. */
  proofUs(count: number): Promise<number>;
  /** ms from nothing until it takes work: opened, states and queue compared with the log. */
  startMs(): Promise<number>;
  end(): Promise<void>;
}

const perBatch = 1_000;

await answerCalls<GrowingProcess>(async ({ folder, entryBytes }: { folder: string; entryBytes: number }) => {
  await start();
  let sealing: Sealing | undefined = await openSealing(folder);

  /** As the gate does at its start. */
  async function start(): Promise<number> {
    const startedAt = performance.now();
    const engine = await sqliteEngine({ directory: folder }).open(owner);
    const ledger = await openLedger({ ...owner, engine });
    await ledger.recover();
    const tookMs = performance.now() - startedAt;
    await ledger.close();
    await engine.close();
    return tookMs;
  }

  const opened = async (): Promise<Sealing> => {
    sealing ??= await openSealing(folder);
    return sealing;
  };

  return {
    async growTo(size) {
      const { chain, engine } = await opened();
      const batch = Array.from({ length: perBatch }, () => Buffer.alloc(entryBytes, 7));
      for (let at = chain.head.link.size; at < size; at += perBatch) {
        const first = await chain.appendSealed(batch.slice(0, Math.min(perBatch, size - at)));
        if (first !== at) throw new Error(`The entries from ${at} on were not appended.`);
      }
      // What recovery notes after a clean end; nothing of these entries is to be performed.
      await engine.store.put('recovery/cursor', Buffer.from(String(size)));
    },
    async bytes() {
      await sealing?.close();
      sealing = undefined;
      return statSync(join(folder, 'slackwater.db')).size;
    },
    async proofUs(count) {
      const { sealer, tiles, engine } = await opened();
      const { head } = sealer;
      const startedAt = performance.now();
      for (let n = 0; n < count; n++) {
        const index = Math.floor(Math.random() * head.link.size);
        // Together, as the ledger does.
        const [[entry]] = await Promise.all([engine.log.read(index, 1), tiles.node(head.edge, 0, index)]);
        if (entry === undefined) throw new Error(`There is no entry ${index}.`);
        await makeReceipt(tiles, head, index, entry);
      }
      return ((performance.now() - startedAt) * 1_000) / count;
    },
    async startMs() {
      await sealing?.close();
      sealing = undefined;
      return start();
    },
    async end() {
      await sealing?.close();
    },
  };
});
