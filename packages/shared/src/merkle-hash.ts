import { isBytes } from './bytes.ts';
import { type HashOptions, sha256 } from './hash.ts';

const leafPrefix = 0x00;
const nodePrefix = 0x01;
const hashLength = 32;
/** Parts of a place that are kept end here at the latest: some 200 bytes each. */
const longestKnown = 4_096;

/** Where an entry of usual length is put to be hashed, for the same reason as {@link twoHashes}. */
const oneLeaf = new Uint8Array(4_096);
/** Where two hashes are put to be hashed, one pair after the other: memory for each pair costs more than to hash it. */
const twoHashes = new Uint8Array(1 + 2 * hashLength);

/** SHA-256(0x00 || entry): the hash of a leaf (RFC 6962 section 2.1). 32 bytes. */
export function leafHash(entry: Uint8Array, options?: HashOptions): Uint8Array {
  const isShort = entry.length < oneLeaf.length;
  const input = isShort ? oneLeaf : new Uint8Array(1 + entry.length);
  input[0] = leafPrefix;
  input.set(entry, 1);
  return sha256(input.subarray(0, 1 + entry.length), options);
}

/**
 * Copies one entry after the other to where it can be hashed as a leaf and read, and nobody changes it meanwhile: memory for
 * each of a million entries costs more than to hash them.
 */
export class LeafDesk {
  #place = Uint8Array.of(leafPrefix);
  /** What an entry of so many bytes is hashed as, and what it is: parts of the place, made once for each length. */
  #leaves: Uint8Array[] = [];
  #entries: Uint8Array[] = [];
  #length = 0;

  /** False for what is no bytes. What was taken before is overwritten. */
  take(entry: unknown): boolean {
    if (!isBytes(entry)) return false;
    try {
      const { byteLength } = entry;
      if (byteLength >= this.#place.length) this.#grow(1 + byteLength * 2);
      this.#place.set(entry, 1);
      this.#length = byteLength;
      return true;
    } catch {
      // Its buffer was transferred to somebody else, or it lies about its length.
      return false;
    }
  }

  /** What was taken, until the next is. */
  get bytes(): Uint8Array {
    return partOf(this.#place, 1, 1 + this.#length, this.#entries);
  }

  leafHash(options?: HashOptions): Uint8Array {
    return sha256(partOf(this.#place, 0, 1 + this.#length, this.#leaves), options);
  }

  #grow(length: number): void {
    this.#place = new Uint8Array(length);
    this.#leaves = [];
    this.#entries = [];
  }
}

function partOf(place: Uint8Array, start: number, end: number, known: Uint8Array[]): Uint8Array {
  if (end > longestKnown) return place.subarray(start, end);
  const part = known[end] ?? place.subarray(start, end);
  known[end] = part;
  return part;
}

/** SHA-256(0x01 || left || right): the hash of an inner node (RFC 6962 section 2.1). 32 bytes. */
export function nodeHash(left: Uint8Array, right: Uint8Array, options?: HashOptions): Uint8Array {
  const ofHashes = left.length === hashLength && right.length === hashLength;
  const input = ofHashes ? twoHashes : new Uint8Array(1 + left.length + right.length);
  input[0] = nodePrefix;
  input.set(left, 1);
  input.set(right, 1 + left.length);
  return sha256(input, options);
}

/** SHA-256 of nothing: the root of the tree without leaves (RFC 6962 section 2.1). */
export function emptyRoot(options?: HashOptions): Uint8Array {
  return sha256(new Uint8Array(0), options);
}
