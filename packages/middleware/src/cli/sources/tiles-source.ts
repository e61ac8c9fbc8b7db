import {
  decodeRotations,
  formatTilePath,
  parseCheckpoint,
  parseEntryBundle,
  parseHashTile,
  type TileName,
  tilesOf,
  tileWidth,
} from '@slackwater/shared';
import { CommandFailed } from '../failures.ts';
import { inAdvance } from './in-advance.ts';
import type { LedgerSource } from './source.ts';

const ahead = 8;

/** Where tiles are: a directory or a server. */
export interface TilePlace {
  readonly shown: string;
  /** The bytes at a path below the place, at most so many; undefined where nothing is there. */
  get(path: string, mostBytes: number): Promise<Uint8Array | undefined>;
  /** The blocks up to a size, by height; absent where there are none. */
  readonly blocks?: (size: number) => AsyncIterable<string>;
  readonly block?: (height: number) => Promise<string | undefined>;
  /** Whether entries may be asked for. */
  readonly hasEntries: boolean;
}

/** What is beside the checkpoint where the signing key was changed: as a receipt has it in its `extra`. */
export const rotationsFile = 'rotations';
const mostRotationsBytes = 4 * 1_048_576;
const mostCheckpointBytes = 4 * 1_048_576;
const hashBytes = 32;
const mostBundleBytes = tileWidth * (2 + 65_535);

/** A ledger as C2SP tlog-tiles has it, at its present checkpoint. Rejects with a {@link CommandFailed} where that is not there. */
export async function tilesSource(place: TilePlace): Promise<LedgerSource> {
  const bytes = await place.get('checkpoint', mostCheckpointBytes);
  if (bytes === undefined) {
    throw new CommandFailed(
      `${place.shown} has no checkpoint: it is no ledger, or its export was not finished`,
    );
  }
  const checkpoint = Buffer.from(bytes).toString('utf8');
  const { size } = parseCheckpoint(checkpoint);

  async function* pages(
    what: 'hashes' | 'entries',
    parse: (bytes: Uint8Array, width: number) => readonly Uint8Array[],
    mostBytes: number,
  ): AsyncGenerator<readonly Uint8Array[]> {
    const names = lowest(tilesOf(size, what));
    yield* inAdvance(names, ahead, (name) => read(name, parse, mostBytes));
  }

  async function read(
    name: TileName,
    parse: (bytes: Uint8Array, width: number) => readonly Uint8Array[],
    mostBytes: number,
  ): Promise<readonly Uint8Array[]> {
    const found = await place.get(formatTilePath(name), mostBytes);
    if (found !== undefined) return parse(found, name.width);
    // A partial tile may be gone as soon as there is the full one.
    const full = await place.get(formatTilePath({ ...name, width: tileWidth }), mostBytes);
    if (full !== undefined) return parse(full, tileWidth).slice(0, name.width);
    throw new CommandFailed(`${place.shown} has no ${formatTilePath(name)}, which its checkpoint calls for`);
  }

  const { blocks } = place;
  return {
    shown: place.shown,
    checkpoint,
    size,
    ...(blocks && { blocks: () => blocks(size) }),
    ...(place.block && { block: place.block }),
    ...(place.hasEntries && {
      entries: () => pages('entries', parseEntryBundle, mostBundleBytes),
      async entry(index) {
        if (index >= size) return undefined;
        const first = index - (index % tileWidth);
        const width = Math.min(tileWidth, size - first);
        const name: TileName = { level: 'entries', index: first / tileWidth, width };
        return (await read(name, parseEntryBundle, mostBundleBytes))[index - first];
      },
    }),
    leafHashes: () => pages('hashes', parseHashTile, tileWidth * hashBytes),
    rotations: async () => decodeRotations(await place.get(rotationsFile, mostRotationsBytes)),
    close: async () => {},
  };
}

/** The tiles that stand in the lowest row, of which all others are made. */
function* lowest(names: Iterable<TileName>): Generator<TileName> {
  for (const name of names) {
    if (name.level !== 'entries' && name.level > 0) return;
    yield name;
  }
}
