/** C2SP tlog-tiles: what is in a hash tile and in a bundle of entries. */
import { copyOfBytes } from './bytes.ts';
import { maxEntryBytes } from './entry-codec.ts';
import { isCount } from './parameter-error.ts';
import { tileWidth } from './tile-path.ts';
import { TileMalformedError } from './verification-errors.ts';

const hashLength = 32;
const prefixLength = 2;

/** The hashes of a tile, left to right. Throws `tile-malformed` unless the bytes are `width` (1 to 256) of them. */
export function parseHashTile(bytes: Uint8Array, width: number): Uint8Array[] {
  const copy = copyOfTile(bytes, width);
  if (copy.length !== width * hashLength) {
    throw new TileMalformedError(
      `${copy.length} bytes instead of ${width * hashLength}, for ${width} hashes`,
    );
  }
  return Array.from({ length: width }, (_, i) => copy.subarray(i * hashLength, (i + 1) * hashLength));
}

/**
 * The entries of a bundle. Throws `tile-malformed` unless the bytes are `width` (1 to 256) entries, each behind its length in two
 * bytes, the higher one first, and nothing else. What is in the entries is not looked at.
 */
export function parseEntryBundle(bytes: Uint8Array, width: number): Uint8Array[] {
  const copy = copyOfTile(bytes, width);
  const entries: Uint8Array[] = [];
  let at = 0;
  while (entries.length < width) {
    const [high, low] = [copy[at], copy[at + 1]];
    if (high === undefined || low === undefined) {
      throw new TileMalformedError(`it ends before the length of entry ${entries.length} of ${width}`);
    }
    const end = at + prefixLength + high * 256 + low;
    if (end > copy.length) throw new TileMalformedError(`it ends within entry ${entries.length} of ${width}`);
    entries.push(copy.subarray(at + prefixLength, end));
    at = end;
  }
  if (at !== copy.length) {
    throw new TileMalformedError(`${copy.length - at} bytes stand behind the last of its ${width} entries`);
  }
  return entries;
}

/** The bundle of entries. Throws `tile-malformed` unless there are 1 to 256, of at most 65,535 bytes each. */
export function formatEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  checkWidth(entries.length);
  const bundle = new Uint8Array(entries.reduce((sum, { length }) => sum + prefixLength + length, 0));
  let at = 0;
  for (const entry of entries) {
    if (entry.length > maxEntryBytes) throw new TileMalformedError(`an entry of ${entry.length} bytes`);
    bundle[at] = entry.length >> 8;
    bundle[at + 1] = entry.length & 0xff;
    bundle.set(entry, at + prefixLength);
    at += prefixLength + entry.length;
  }
  return bundle;
}

function copyOfTile(bytes: unknown, width: unknown): Uint8Array {
  checkWidth(width);
  const copy = copyOfBytes(bytes);
  if (copy === undefined) throw new TileMalformedError('it is not a Uint8Array');
  return copy;
}

function checkWidth(width: unknown): void {
  if (isCount(width) && width >= 1 && width <= tileWidth) return;
  throw new TileMalformedError(
    `a tile has 1 to ${tileWidth} hashes or entries, not ${typeof width === 'number' ? width : typeof width}`,
  );
}
