import { mkdir, open, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { formatEntryBundle, formatTilePath, type TileName } from '@slackwater/shared';
import { emptyEdge, extendEdge, type TreeEdge, tileWidth } from '../../ledger/tree-edge.ts';
import { CommandFailed, UsageError } from '../failures.ts';
import type { LedgerSource } from '../sources/source.ts';
import { blocksFile } from '../sources/tile-directory.ts';
import { sealedRuns } from './sealed-entries.ts';

/** What was written. */
export interface TilesWritten {
  readonly directory: string;
  readonly entries: number;
  readonly files: number;
}

/**
 * Writes a ledger as C2SP tlog-tiles, one block after the other; the checkpoint last. Rejects as `sealedRuns`, with a
 * `UsageError` for a directory with something in it, and with a {@link CommandFailed} for a ledger without blocks.
 */
export async function exportTiles(
  source: LedgerSource,
  directory: string,
  onEntries: (done: number) => void,
): Promise<TilesWritten> {
  await mkdir(directory, { recursive: true });
  if ((await readdir(directory)).length > 0)
    throw new UsageError(`--tiles ${directory}: give an empty directory`);
  const tiles = tileWriter(directory);
  const blocks = await open(join(directory, blocksFile), 'wx');
  let checkpoint: string | undefined;
  let size = 0;
  try {
    for await (const { block, text, entries, leafHashes } of sealedRuns(source)) {
      await tiles.add(entries, leafHashes);
      await blocks.write(`${text}\n`);
      ({ checkpoint, size } = block);
      onEntries(size);
    }
    await blocks.sync();
  } finally {
    await blocks.close();
  }
  if (checkpoint === undefined)
    throw new CommandFailed(`${source.shown} has no block yet, and so no checkpoint`);
  await tiles.end();
  await writeFile(join(directory, 'checkpoint'), checkpoint, { flag: 'wx', flush: true });
  return { directory, entries: size, files: tiles.files + 2 };
}

interface TileWriter {
  readonly files: number;
  add(entries: readonly Uint8Array[], leafHashes: readonly Uint8Array[]): Promise<void>;
  /** Writes the partial ones. */
  end(): Promise<void>;
}

function tileWriter(directory: string): TileWriter {
  let edge: TreeEdge = emptyEdge;
  let pending: Uint8Array[] = [];
  let bundles = 0;
  let files = 0;

  async function write(name: TileName, bytes: Uint8Array): Promise<void> {
    const file = join(directory, formatTilePath(name));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes, { flag: 'wx' });
    files += 1;
  }

  async function writeBundle(entries: readonly Uint8Array[]): Promise<void> {
    const name: TileName = { level: 'entries', index: bundles, width: entries.length };
    await write(name, formatEntryBundle(entries));
    bundles += 1;
  }

  return {
    get files() {
      return files;
    },
    async add(entries, leafHashes) {
      const next = extendEdge(edge, leafHashes);
      edge = next.edge;
      for (const { level, index, rows } of next.filled)
        await write({ level, index, width: tileWidth }, Buffer.concat(rows[0] ?? []));
      pending.push(...entries);
      for (; pending.length >= tileWidth; pending = pending.slice(tileWidth))
        await writeBundle(pending.slice(0, tileWidth));
    },
    async end() {
      if (pending.length > 0) await writeBundle(pending);
      for (const [level, rows] of edge.tiles.entries()) {
        const hashes = rows[0] ?? [];
        const index = Math.floor(edge.size / tileWidth ** (level + 1));
        if (hashes.length > 0) await write({ level, index, width: hashes.length }, Buffer.concat(hashes));
      }
    },
  };
}
