/** C2SP tlog-tiles: what the parts of a tree are called where they are served or kept as files. */
import { isCount, ParameterError } from './parameter-error.ts';

/** Hashes of a full hash tile, and entries of a full bundle. */
export const tileWidth = 256;
const mostLevel = 63;
/** The longest that an index below 2^53 can be: six groups. */
const maxPathLength = 64;
const shape = /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/** A tile of hashes, or a bundle of entries. */
export interface TileName {
  /** Of a hash tile: 0 has the leaves, and each level above the roots of the full tiles below. */
  readonly level: number | 'entries';
  /** From 0, at its level. */
  readonly index: number;
  /** How many hashes or entries: 1 to 255 of a partial one, 256 of a full one. */
  readonly width: number;
}

/** `tile/0/x001/234`, or `tile/entries/000.p/17`. Throws `parameter-invalid` for what can't be a tile. */
export function formatTilePath({ level, index, width }: TileName): string {
  const isLevel = level === 'entries' || (isCount(level) && level <= mostLevel);
  if (!isLevel || !isCount(index) || !isCount(width) || width < 1 || width > tileWidth) {
    const [a, b, c] = [level, index, width].map((part) => (typeof part === 'number' ? part : typeof part));
    throw new ParameterError(`there is no tile of level ${a}, index ${b} and width ${c}`);
  }
  const groups: string[] = [];
  for (let rest = index; groups.length === 0 || rest > 0; rest = Math.floor(rest / 1_000)) {
    groups.unshift(String(rest % 1_000).padStart(3, '0'));
  }
  const last = groups.pop() ?? '';
  const path = `tile/${level}/${groups.map((group) => `x${group}/`).join('')}${last}`;
  return width === tileWidth ? path : `${path}.p/${width}`;
}

/** The tile of a path; undefined for anything but the one path that a tile has. Never throws. */
export function parseTilePath(path: unknown): TileName | undefined {
  if (typeof path !== 'string' || path.length > maxPathLength) return undefined;
  const [, level = '', groups = '', width] = shape.exec(path) ?? [];
  if (level === '') return undefined;
  const name: TileName = {
    level: level === 'entries' ? level : Number(level),
    index: Number(groups.replaceAll(/[x/]/g, '')),
    width: width === undefined ? tileWidth : Number(width),
  };
  try {
    // Leading groups of zeros, and a partial tile that is full, are ways to write it that are not taken.
    return formatTilePath(name) === path ? name : undefined;
  } catch {
    return undefined;
  }
}

/**
 * All hash tiles of a tree of `size` leaves, or its bundles of entries, from the lowest level up and from left to right. Throws
 * `parameter-invalid` for what is no size.
 */
export function* tilesOf(size: number, what: 'hashes' | 'entries'): Generator<TileName> {
  if (!isCount(size)) throw new ParameterError('the size of a tree is an integer from 0 to 2^53 - 1');
  for (let level = 0, hashes = size; hashes > 0; level++, hashes = Math.floor(hashes / tileWidth)) {
    for (let index = 0; index * tileWidth < hashes; index++) {
      const width = Math.min(tileWidth, hashes - index * tileWidth);
      yield { level: what === 'hashes' ? level : 'entries', index, width };
    }
    if (what === 'entries') return;
  }
}
