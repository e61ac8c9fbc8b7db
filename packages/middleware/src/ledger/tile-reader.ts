import { formatEntryBundle, leafHash, type TileName } from '@slackwater/shared';
import type { EngineLog } from '../engines/log.ts';
import type { Head } from './chain.ts';
import { LedgerError } from './ledger-error.ts';
import type { Sealer } from './sealer.ts';
import { sha256 } from './sha256.ts';
import type { Tiles } from './tiles.ts';
import { rootOf, rowsOf, tileHeight, tileRoot, tileWidth, unfinishedTile } from './tree-edge.ts';

// Tiles and bundles for strangers, who keep them for good: none is given out before it was found to be under the signed head.

/** Above it a tile would span more leaves than there can be. */
const mostLevel = 6;

/** The bytes of a hash tile or entry bundle; undefined where the tree has not come so far. */
export type TileReader = (name: TileName) => Promise<Uint8Array | undefined>;

/** Reads tiles of one ledger. Rejects with `ledger-corrupt` where the log does not have the entries that were signed. */
export function tileReader(log: EngineLog, sealer: Sealer, tiles: Tiles): TileReader {
  let rebuilding: Promise<void> | undefined;

  async function headWith(leaves: number): Promise<Head | undefined> {
    const head = leaves <= sealer.head.edge.size ? sealer.head : await sealer.catchUp();
    return leaves <= head.edge.size ? head : undefined;
  }

  /** The first so many hashes of a tile. */
  async function hashes({ edge }: Head, level: number, index: number, width: number): Promise<Uint8Array[]> {
    const node = (i: number): Promise<Uint8Array> =>
      tiles.node(edge, level * tileHeight, index * tileWidth + i);
    // The first one loads the tile, the others find it.
    const first = await node(0);
    return [first, ...(await Promise.all(Array.from({ length: width - 1 }, (_, i) => node(i + 1))))];
  }

  /** An unfinished tile was compared with the signed root when the head was; a full one is compared with the tile above. */
  async function isSigned(head: Head, level: number, index: number): Promise<boolean> {
    if (index === unfinishedTile(head.edge.size, level)) return true;
    const root = tileRoot(rowsOf(await hashes(head, level, index, tileWidth)));
    const above = await tiles.node(head.edge, (level + 1) * tileHeight, index);
    return Buffer.from(above).equals(root) && isSigned(head, level + 1, Math.floor(index / tileWidth));
  }

  /** Tiles are a cache of the log: what is wrong of them is made again, once for all who ask. */
  async function rebuild(head: Head): Promise<void> {
    rebuilding ??= tiles
      .rebuild(head.edge.size)
      .then((edge) => {
        if (!Buffer.from(rootOf(edge)).equals(head.root)) throw notSigned(`the first ${edge.size} entries`);
      })
      .finally(() => {
        rebuilding = undefined;
      });
    await rebuilding;
  }

  async function signedHashes(
    head: Head,
    level: number,
    index: number,
    width: number,
  ): Promise<Uint8Array[]> {
    if (!(await isSigned(head, level, index))) {
      await rebuild(head);
      if (!(await isSigned(head, level, index))) throw notSigned(`the entries below tile ${level}/${index}`);
    }
    return hashes(head, level, index, width);
  }

  async function entries(head: Head, index: number, width: number): Promise<Uint8Array[]> {
    const first = index * tileWidth;
    const found: Uint8Array[] = [];
    while (found.length < width) {
      const some = await log.read(first + found.length, width - found.length);
      if (some.length === 0) {
        throw new LedgerError(
          'ledger-truncated',
          `The log ends at entry ${first + found.length}; sealed blocks go on.`,
        );
      }
      found.push(...some);
    }
    const signed = await signedHashes(head, 0, index, width);
    const other = found.findIndex(
      (entry, i) => !Buffer.from(signed[i] ?? []).equals(leafHash(entry, { sha256 })),
    );
    if (other !== -1) throw notSigned(`entry ${first + other}`);
    return found;
  }

  return async ({ level, index, width }) => {
    const row = level === 'entries' ? 0 : level;
    if (row > mostLevel) return undefined;
    const head = await headWith((index * tileWidth + width) * tileWidth ** row);
    if (head === undefined) return undefined;
    if (level === 'entries') return formatEntryBundle(await entries(head, index, width));
    return Buffer.concat(await signedHashes(head, level, index, width));
  };
}

function notSigned(what: string): LedgerError {
  return new LedgerError('ledger-corrupt', `The log does not have what was signed: ${what} were changed.`);
}
