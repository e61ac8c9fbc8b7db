import { nodeHash } from '@slackwater/shared';
import { sha256 } from './sha256.ts';
import { type TileRows, tileHeight, tileWidth } from './tree-edge.ts';

// A full tile in memory: its rows behind one another, from the lowest on, in one piece. Half a thousand hashes that are objects
// of their own would take four times the room.

const hashBytes = 32;

/** The length of a full tile's lowest row: what is stored of it. */
export const lowestRowBytes = tileWidth * hashBytes;

/** A full tile's rows in one piece. */
export type KeptTile = Uint8Array;

/** The rows above a stored lowest row. */
export function keepTile(lowestRow: Uint8Array): KeptTile {
  const tile = new Uint8Array(startOf(tileHeight));
  tile.set(lowestRow);
  for (let row = 1; row < tileHeight; row++) {
    for (let place = 0; place < widthOf(row); place++) {
      const left = keptNode(tile, row - 1, 2 * place);
      const right = keptNode(tile, row - 1, 2 * place + 1);
      tile.set(nodeHash(left, right, { sha256 }), startOf(row) + place * hashBytes);
    }
  }
  return tile;
}

/** A tile whose rows are known. */
export const keepRows = (rows: TileRows): KeptTile => Buffer.concat(rows.flat());

/** A view of one hash; whoever keeps it keeps the tile. */
export function keptNode(tile: KeptTile, row: number, place: number): Uint8Array {
  const at = startOf(row) + place * hashBytes;
  return tile.subarray(at, at + hashBytes);
}

/** What the tile level above has of it. */
export function keptRoot(tile: KeptTile): Uint8Array {
  return nodeHash(keptNode(tile, tileHeight - 1, 0), keptNode(tile, tileHeight - 1, 1), { sha256 });
}

const widthOf = (row: number): number => tileWidth / 2 ** row;

/** The rows below have 256, 128, 64 ... hashes. */
const startOf = (row: number): number => (2 * tileWidth - 2 * widthOf(row)) * hashBytes;
