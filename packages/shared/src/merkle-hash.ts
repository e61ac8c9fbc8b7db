import { type HashOptions, sha256 } from './hash.ts';

const leafPrefix = 0x00;
const nodePrefix = 0x01;

/** SHA-256(0x00 || entry): the hash of a leaf (RFC 6962 section 2.1). 32 bytes. */
export function leafHash(entry: Uint8Array, options?: HashOptions): Uint8Array {
  const input = new Uint8Array(1 + entry.length);
  input[0] = leafPrefix;
  input.set(entry, 1);
  return sha256(input, options);
}

/** SHA-256(0x01 || left || right): the hash of an inner node (RFC 6962 section 2.1). 32 bytes. */
export function nodeHash(left: Uint8Array, right: Uint8Array, options?: HashOptions): Uint8Array {
  const input = new Uint8Array(1 + left.length + right.length);
  input[0] = nodePrefix;
  input.set(left, 1);
  input.set(right, 1 + left.length);
  return sha256(input, options);
}

/** SHA-256 of nothing: the root of the tree without leaves (RFC 6962 section 2.1). */
export function emptyRoot(options?: HashOptions): Uint8Array {
  return sha256(new Uint8Array(0), options);
}
