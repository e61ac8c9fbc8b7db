import { open as openFile } from 'node:fs/promises';
import { join } from 'node:path';
import Hypercore from 'hypercore';
import { answerCalls } from '../../child.ts';
import { askLog, type LogProcess, type ProvingLog } from './log-process.ts';
import { sharedCalls } from './shared-calls.ts';

/** Where it is, and whether its appends are to be made durable, which it leaves to the system. */
export interface HypercorePlace {
  readonly folder: string;
  readonly synced: boolean;
}

async function open(directory: string, synced: boolean): Promise<ProvingLog> {
  const core = new Hypercore(directory);
  await core.ready();
  const sync = sharedCalls(() => syncLogOf(core, directory));
  return {
    async append(entries) {
      await core.append(entries);
      if (synced) await sync();
    },
    length: () => core.length,
    read: (index) => core.get(index),
    async prove(index) {
      const proof = await core.proof({
        block: { index, nodes: 0 },
        upgrade: { start: 0, length: core.length },
      });
      return () => core.verifyFullyRemote({ ...proof, manifest: core.manifest });
    },
    async verifyAll() {
      const { corrupt, blocks } = await core.core.audit({ dryRun: true });
      if (corrupt || blocks !== core.length) throw new Error('Hypercore found its own log to be wrong.');
    },
    close: () => core.close(),
  };
}

/** RocksDB has given its log to the system when an append resolves; this has the system give it to the disk. */
async function syncLogOf(core: Hypercore, directory: string): Promise<void> {
  const { path } = await core.core.db.db.currentWalFile();
  const file = await openFile(join(directory, 'db', path), 'r+');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}

await answerCalls<LogProcess>(({ folder, synced }: HypercorePlace) =>
  askLog(folder, (directory) => open(directory, synced)),
);
