import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReceiptStore } from '../proof/store.ts';

/**
 * Keeps receipts and checkpoints in a directory, one file each, readable by its owner alone. A crash while one is written leaves the one
 * before. Several processes may share it; the last to write wins.
 */
export function fileStore(directory: string): ReceiptStore {
  const pathOf = (key: string): string => join(directory, `${encodeURIComponent(key)}.json`);
  return {
    async get(key) {
      try {
        return await readFile(pathOf(key), 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    async set(key, text) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const path = pathOf(key);
      const unfinished = `${path}.${crypto.randomUUID()}`;
      await writeFile(unfinished, text, { mode: 0o600, flush: true });
      await rename(unfinished, path);
    },
  };
}
