import {
  consistencyPath,
  foldSubtrees,
  formatTilePath,
  inclusionPath,
  type LeafRange,
  nodeHash,
  parseHashTile,
  subtreesOf,
  type TileName,
  tileWidth,
} from '@slackwater/shared';

/** Fetches the bytes of a tile, by its path below the ledger's prefix. */
export type FetchTile = (path: string) => Promise<Uint8Array>;

const tileHeight = 8;

/**
 * A tree of `size` leaves as its tiles (C2SP tlog-tiles) say it. Nothing of it is believed: what it gives are claims, to be verified under a
 * signed head.
 */
export class TileTree {
  readonly size: number;
  readonly #fetch: FetchTile;
  readonly #tiles = new Map<string, Promise<readonly Uint8Array[]>>();

  constructor(size: number, fetch: FetchTile) {
    this.size = size;
    this.#fetch = fetch;
  }

  /** The inclusion proof of a leaf. */
  async inclusion(index: number): Promise<readonly Uint8Array[]> {
    return await this.#hashes(inclusionPath(index, this.size));
  }

  /** The proof that the tree of `oldSize` leaves is the beginning of this one. */
  async consistency(oldSize: number): Promise<readonly Uint8Array[]> {
    return await this.#hashes(consistencyPath(oldSize, this.size));
  }

  /** The root that the first `size` leaves have. */
  async rootAt(size: number): Promise<Uint8Array> {
    return await this.#range({ first: 0, end: size });
  }

  async #hashes(ranges: readonly LeafRange[]): Promise<readonly Uint8Array[]> {
    return await Promise.all(ranges.map((range) => this.#range(range)));
  }

  async #range({ first, end }: LeafRange): Promise<Uint8Array> {
    const hashes = await Promise.all(
      subtreesOf(first, end).map(({ level, index }) => this.#node(level, index)),
    );
    return foldSubtrees(hashes);
  }

  async #node(level: number, index: number): Promise<Uint8Array> {
    const tileLevel = Math.floor(level / tileHeight);
    const width = 2 ** (level - tileLevel * tileHeight);
    const first = index * width;
    const tile = await this.#tile(tileLevel, Math.floor(first / tileWidth));
    const from = first % tileWidth;
    return rootOf(tile.slice(from, from + width));
  }

  #tile(level: number, index: number): Promise<readonly Uint8Array[]> {
    const hashes = Math.floor(this.size / 2 ** (level * tileHeight));
    const name: TileName = { level, index, width: Math.min(tileWidth, hashes - index * tileWidth) };
    const path = formatTilePath(name);
    const known =
      this.#tiles.get(path) ?? this.#fetch(path).then((bytes) => parseHashTile(bytes, name.width));
    this.#tiles.set(path, known);
    return known;
  }
}

/** The root of a complete subtree. */
function rootOf(hashes: readonly Uint8Array[]): Uint8Array {
  let row = hashes;
  while (row.length > 1) {
    const above: Uint8Array[] = [];
    for (let i = 0; i + 1 < row.length; i += 2) above.push(nodeHash(row[i] ?? none, row[i + 1] ?? none));
    row = above;
  }
  return row[0] ?? none;
}

const none = new Uint8Array(32);
