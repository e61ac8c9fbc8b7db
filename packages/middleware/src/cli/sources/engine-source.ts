import type { OpenEngine } from '../../engines/engine.ts';
import { blockKey } from '../../ledger/block.ts';
import { blocksOf, entryPages } from '../../ledger/verify.ts';
import type { LedgerSource } from './source.ts';

/** The ledger in an engine. Its application may go on meanwhile. */
export async function engineSource(shown: string, { log, store }: OpenEngine): Promise<LedgerSource> {
  return {
    shown,
    checkpoint: undefined,
    size: await log.size(),
    blocks: () => blocksOf(store),
    entries: () => entryPages(log),
    async entry(index) {
      const [entry] = await log.read(index, 1);
      return entry;
    },
    async block(height) {
      const stored = await store.get(blockKey(height));
      return stored && Buffer.from(stored.value).toString('utf8');
    },
    // Who opened the engine closes it.
    close: async () => {},
  };
}
