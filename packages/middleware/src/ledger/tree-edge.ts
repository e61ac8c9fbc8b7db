import { emptyRoot, foldSubtrees, nodeHash, subtreesOf } from '@slackwater/shared';
import { sha256 } from './sha256.ts';

// The right edge of the RFC 6962 tree: what must be known of it to go on. Tiles (C2SP tlog-tiles) are subtrees of
// height 8; the edge holds the one unfinished tile of each tile level, as its rows: row k has the complete subtrees of
// height k within the tile, left to right. At most 510 hashes a tile level, and a tile level per factor 256 of size.

/** Leaves of a tile as a power of two, and how many rows a tile has. */
export const tileHeight = 8;
/** Hashes in the lowest row of a full tile. */
export const tileWidth = 2 ** tileHeight;

/** A tile's rows; `rows[k][i]` covers 2^k hashes of the lowest row. */
export type TileRows = readonly (readonly Uint8Array[])[];

/** The right edge of a tree. Never changed: a head that was signed keeps its own. */
export interface TreeEdge {
  readonly size: number;
  /** By tile level, from the leaves up. */
  readonly tiles: readonly TileRows[];
}

/** A tile that became full. */
export interface FullTile {
  readonly level: number;
  readonly index: number;
  readonly rows: TileRows;
}

/** The edge of the tree without leaves. */
export const emptyEdge: TreeEdge = { size: 0, tiles: [] };

/** The edge after more leaves, and the tiles that they filled. */
export function extendEdge(
  edge: TreeEdge,
  leafHashes: readonly Uint8Array[],
): { readonly edge: TreeEdge; readonly filled: readonly FullTile[] } {
  const tiles = edge.tiles.map(copyRows);
  const filled: FullTile[] = [];
  let size = edge.size;
  for (const leaf of leafHashes) {
    size += 1;
    addHash(tiles, filled, size, leaf);
  }
  return { edge: { size, tiles }, filled };
}

/** The root of the edge's tree. */
export function rootOf(edge: TreeEdge): Uint8Array {
  if (edge.size === 0) return emptyRoot({ sha256 });
  const peaks = subtreesOf(0, edge.size).map(({ level, index }) => {
    const hash = edgeNode(edge, level, index);
    if (hash === undefined)
      throw new RangeError(`the edge of ${edge.size} leaves lacks a subtree of height ${level}`);
    return hash;
  });
  return foldSubtrees(peaks, { sha256 });
}

/** The complete subtree of that height and index, where the unfinished tiles hold it. */
export function edgeNode(edge: TreeEdge, height: number, index: number): Uint8Array | undefined {
  const { level, tile, row, place } = tilePlace(height, index);
  return tile === unfinishedTile(edge.size, level) ? edge.tiles[level]?.[row]?.[place] : undefined;
}

/** In which tile a complete subtree stands, and where in it. */
export function tilePlace(
  height: number,
  index: number,
): { readonly level: number; readonly tile: number; readonly row: number; readonly place: number } {
  const level = Math.floor(height / tileHeight);
  const row = height % tileHeight;
  const perTile = tileWidth / 2 ** row;
  return { level, tile: Math.floor(index / perTile), row, place: index % perTile };
}

/** The rows above a tile's lowest one. */
export function rowsOf(hashes: readonly Uint8Array[]): TileRows {
  const rows: Uint8Array[][] = emptyRows();
  for (const hash of hashes) pushHash(rows, hash);
  return rows;
}

/** The root of a full tile: what the tile level above has of it. */
export function tileRoot(rows: TileRows): Uint8Array {
  return foldSubtrees(rows[tileHeight - 1] ?? [], { sha256 });
}

/** The index of the unfinished tile of a tile level; it may have no hashes yet. */
export function unfinishedTile(size: number, level: number): number {
  return Math.floor(size / 2 ** (tileHeight * (level + 1)));
}

function addHash(tiles: Uint8Array[][][], filled: FullTile[], size: number, leaf: Uint8Array): void {
  let hash = leaf;
  for (let level = 0; ; level++) {
    const rows = tiles[level] ?? emptyRows();
    tiles[level] = rows;
    pushHash(rows, hash);
    if (rows[0]?.length !== tileWidth) return;
    // `size` counts the new leaf, so the tile that it filled is the one before the unfinished one.
    filled.push({ level, index: unfinishedTile(size, level) - 1, rows });
    tiles[level] = emptyRows();
    hash = tileRoot(rows);
  }
}

function pushHash(rows: Uint8Array[][], hash: Uint8Array): void {
  let node = hash;
  // By index: this is done for each entry, and an iterator makes an object for each row.
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at] ?? [];
    row.push(node);
    const left = row[row.length - 2];
    if (row.length % 2 === 1 || left === undefined) return;
    node = nodeHash(left, node, { sha256 });
  }
}

function emptyRows(): Uint8Array[][] {
  return Array.from({ length: tileHeight }, () => []);
}

function copyRows(rows: TileRows): Uint8Array[][] {
  return rows.map((row) => row.slice());
}
