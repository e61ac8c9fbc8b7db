import { mkdir, open, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  encodeRotations,
  formatEntryBundle,
  formatTilePath,
  parseEntry,
  type TileName,
} from '@slackwater/shared';
import { rotationsAmong } from '../../ledger/key-in-force.ts';
import { emptyEdge, extendEdge, type TreeEdge, tileWidth } from '../../ledger/tree-edge.ts';
import { CommandFailed } from '../failures.ts';
import type { LedgerSource } from '../sources/source.ts';
import { blocksFile } from '../sources/tile-directory.ts';
import { rotationsFile } from '../sources/tiles-source.ts';
import { sealedRuns } from './sealed-entries.ts';
import { beginDirectory } from './unfinished.ts';

/** What was written. */
export interface TilesWritten {
  readonly directory: string;
  readonly entries: number;
  readonly files: number;
}

/**
 * Writes a ledger as C2SP tlog-tiles, one block after the other; the checkpoint last. What an export left there that was
 * interrupted is written anew. Rejects as `sealedRuns`, with a `UsageError` for a directory with anything else in it, and with a {@link CommandFailed} for a ledger without blocks.
 */
export async function exportTiles(
  source: LedgerSource,
  directory: string,
  onEntries: (done: number) => void,
): Promise<TilesWritten> {
  const begun = await beginDirectory(directory, [blocksFile, 'tile', rotationsFile, 'checkpoint']);
  try {
    const { checkpoint, rotations, ...written } = await writeTiles(source, directory, onEntries);
    await begun.stillOwn();
    if (rotations.length > 0) {
      await writeFile(join(directory, rotationsFile), encodeRotations(rotations), {
        flag: 'wx',
        flush: true,
      });
    }
    await writeFile(join(directory, 'checkpoint'), checkpoint, { flag: 'wx', flush: true });
    await begun.finish();
    return written;
  } finally {
    await begun.close();
  }
}

async function writeTiles(
  source: LedgerSource,
  directory: string,
  onEntries: (done: number) => void,
): Promise<TilesWritten & { readonly checkpoint: string; readonly rotations: readonly string[] }> {
  const tiles = tileWriter(directory);
  const blocks = await open(join(directory, blocksFile), 'wx');
  let checkpoint: string | undefined;
  let size = 0;
  const rotations: string[] = [];
  try {
    for await (const { block, text, entries, leafHashes } of sealedRuns(source)) {
      await tiles.add(entries, leafHashes);
      for (const entry of rotationsAmong(entries)) rotations.push(...rotationIn(entry));
      await blocks.appendFile(`${text}\n`);
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
  const files = tiles.files + 2 + Math.min(rotations.length, 1);
  return { checkpoint, rotations, directory, entries: size, files };
}

function rotationIn(entry: Uint8Array): readonly string[] {
  try {
    const { type, rotation } = parseEntry(entry);
    return type === 'key-rotated' && rotation !== undefined ? [rotation] : [];
  } catch {
    // What is no entry is exported like all others; to say so is what verifying is for.
    return [];
  }
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
