import { nodeHash } from '@slackwater/shared';
import { sha256 } from './sha256.ts';
import { type TileRows, tileHeight, tileWidth } from './tree-edge.ts';

// A full tile in memory and in the store, in one piece: its lowest row and behind it the row half way up. The rows between are
// hashed when they are asked for. All that a proof wants of a tile then takes 22 hashes instead of 254, for 512 bytes more; all
// rows would take none and 8 KiB more. Half a thousand hashes that are objects of their own would take four times the room.

const hashBytes = 32;
const middleRow = tileHeight / 2;
const lowestRowBytes = tileWidth * hashBytes;
const keptBytes = lowestRowBytes + (tileWidth / 2 ** middleRow) * hashBytes;

/** A full tile's lowest and middle rows. What the middle one says is believed no more than the rest: a proof is compared with a root. */
export type KeptTile = Uint8Array;

/** A tile as it was stored, perhaps before middle rows were; undefined for what is none. */
export function keepTile(stored: Uint8Array): KeptTile | undefined {
  if (stored.length === keptBytes) return stored;
  if (stored.length !== lowestRowBytes) return undefined;
  const tile = new Uint8Array(keptBytes);
  tile.set(stored);
  for (let at = lowestRowBytes, place = 0; at < keptBytes; at += hashBytes, place++) {
    tile.set(hashedNode(stored, middleRow, place), at);
  }
  return tile;
}

/** A tile whose rows are known. */
export const keepRows = (rows: TileRows): KeptTile =>
  Buffer.concat([...(rows[0] ?? []), ...(rows[middleRow] ?? [])]);

/** One hash: of the lowest and the middle row a view, and whoever keeps it keeps the tile. */
export function keptNode(tile: KeptTile, row: number, place: number): Uint8Array {
  if (row === 0) return hashAt(tile, place);
  return row === middleRow ? hashAt(tile, tileWidth + place) : hashedNode(tile, row, place);
}

/** What the tile level above has of it. */
export function keptRoot(tile: KeptTile): Uint8Array {
  return hashedNode(tile, tileHeight, 0);
}

function hashedNode(tile: KeptTile, row: number, place: number): Uint8Array {
  const [left, right] = [keptNode(tile, row - 1, 2 * place), keptNode(tile, row - 1, 2 * place + 1)];
  return nodeHash(left, right, { sha256 });
}

function hashAt(tile: KeptTile, place: number): Uint8Array {
  return tile.subarray(place * hashBytes, (place + 1) * hashBytes);
}
