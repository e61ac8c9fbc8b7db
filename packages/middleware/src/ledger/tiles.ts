import { formatTilePath, leafHash } from '@slackwater/shared';
import type { EngineLog } from '../engines/log.ts';
import type { EngineStore } from '../engines/store.ts';
import { BoundedMap } from './bounded-map.ts';
import { type KeptTile, keepRows, keepTile, keptNode, keptRoot } from './kept-tile.ts';
import { LedgerError } from './ledger-error.ts';
import { sha256 } from './sha256.ts';
import {
  edgeNode,
  emptyEdge,
  extendEdge,
  type FullTile,
  rowsOf,
  type TileRows,
  type TreeEdge,
  tilePlace,
  tileWidth,
} from './tree-edge.ts';

// Full hash tiles in the store at tile/<L>/<N>, <N> written as C2SP tlog-tiles writes it; the value is the 256 hashes
// of the lowest row and the 16 of the middle one, 8,704 bytes. Tiles are a cache: what is missing is computed from the log and stored again, and
// what is wrong is noticed by whoever compares with a signed root.

// 9 kB each. The upper ones lie on the way to every entry: as many as ten million entries have, and more.
const cachedLeafTiles = 64;
const cachedUpperTiles = 192;
const parallelReads = 32;
const entriesPerRead = 1_024;

/** The stored part of the tree. */
export interface Tiles {
  /** The complete subtree of that height and index in the tree of the edge's size. */
  node(edge: TreeEdge, height: number, index: number): Promise<Uint8Array>;
  /** Knows tiles that became full, which somebody else stores. */
  remember(filled: readonly FullTile[]): void;
  /** Stores tiles that became full. Does not fail: a tile that could not be stored is computed when it is needed. */
  keep(filled: readonly FullTile[]): Promise<void>;
  /** The edge of the tree of `size` leaves, from tiles and at most 255 entries of the log. */
  edgeAt(size: number): Promise<TreeEdge>;
  /** The edge of the tree of `size` leaves from the log alone; what tiles say is replaced. */
  rebuild(size: number): Promise<TreeEdge>;
}

/** Where the store has a full tile: `tile/0/x001/234`. */
export function tileKey(level: number, index: number): string {
  return formatTilePath({ level, index, width: tileWidth });
}

/** The tiles of a store over a log. */
export function openTiles(store: EngineStore, log: EngineLog): Tiles {
  const leafTiles = new BoundedMap<string, KeptTile>(cachedLeafTiles);
  const upperTiles = new BoundedMap<string, KeptTile>(cachedUpperTiles);
  const cacheOf = (level: number): BoundedMap<string, KeptTile> => (level === 0 ? leafTiles : upperTiles);

  /** A proof asks for up to eight hashes of a tile at once: it is read and hashed for all of them together. */
  const loading = new Map<string, Promise<KeptTile>>();

  function load(level: number, index: number): KeptTile | Promise<KeptTile> {
    const key = tileKey(level, index);
    const known = cacheOf(level).get(key) ?? loading.get(key);
    if (known !== undefined) return known;
    const tile = loadStored(level, index, key).finally(() => loading.delete(key));
    loading.set(key, tile);
    return tile;
  }

  async function loadStored(level: number, index: number, key: string): Promise<KeptTile> {
    const stored = await store.get(key);
    const tile = (stored && keepTile(stored.value)) ?? (await recompute(level, index));
    cacheOf(level).set(key, tile);
    return tile;
  }

  async function recompute(level: number, index: number): Promise<KeptTile> {
    const first = index * tileWidth;
    const rows = rowsOf(
      level === 0 ? await leaves(first, first + tileWidth) : await roots(level - 1, first, tileWidth),
    );
    return save({ level, index, rows });
  }

  async function leaves(first: number, end: number): Promise<Uint8Array[]> {
    const hashes: Uint8Array[] = [];
    while (first + hashes.length < end) {
      const at = first + hashes.length;
      const entries = await log.read(at, Math.min(end - at, entriesPerRead));
      if (entries.length === 0) {
        throw new LedgerError(
          'ledger-truncated',
          `The log ends at entry ${at}; sealed blocks go on to ${end}.`,
        );
      }
      for (const entry of entries) hashes.push(leafHash(entry, { sha256 }));
    }
    return hashes;
  }

  async function roots(level: number, first: number, count: number): Promise<Uint8Array[]> {
    const hashes: Uint8Array[] = [];
    while (hashes.length < count) {
      const from = first + hashes.length;
      const some = Array.from({ length: Math.min(count - hashes.length, parallelReads) }, (_, i) => from + i);
      hashes.push(...(await Promise.all(some.map(async (index) => keptRoot(await load(level, index))))));
    }
    return hashes;
  }

  function remember({ level, index, rows }: FullTile): { readonly key: string; readonly tile: KeptTile } {
    const key = tileKey(level, index);
    const tile = keepRows(rows);
    cacheOf(level).set(key, tile);
    return { key, tile };
  }

  async function save(full: FullTile): Promise<KeptTile> {
    const { key, tile } = remember(full);
    await store.put(key, tile);
    return tile;
  }

  return {
    async node(edge, height, index) {
      const near = edgeNode(edge, height, index);
      if (near !== undefined) return near;
      const { level, tile, row, place } = tilePlace(height, index);
      return keptNode(await load(level, tile), row, place);
    },
    remember(filled) {
      filled.forEach(remember);
    },
    async keep(filled) {
      if (filled.length === 0) return;
      const remembered = filled.map(remember);
      // Behind what the callers of this very turn do next, so that an engine can write the two as one.
      await new Promise((resolve) => setImmediate(resolve));
      await Promise.allSettled(remembered.map(({ key, tile }) => store.put(key, tile)));
    },
    async edgeAt(size) {
      const tiles: TileRows[] = [];
      for (let level = 0, width = size; width > 0; level++, width = Math.floor(width / tileWidth)) {
        const first = width - (width % tileWidth);
        const hashes =
          level === 0 ? await leaves(first, width) : await roots(level - 1, first, width - first);
        tiles.push(rowsOf(hashes));
      }
      return { size, tiles };
    },
    async rebuild(size) {
      leafTiles.clear();
      upperTiles.clear();
      loading.clear();
      let edge = emptyEdge;
      while (edge.size < size) {
        const next = extendEdge(edge, await leaves(edge.size, Math.min(edge.size + entriesPerRead, size)));
        edge = next.edge;
        await Promise.all(next.filled.map(save));
      }
      return edge;
    },
  };
}
