import { hash } from 'node:crypto';

const hashBytes = 32;

/**
 * SHA-256 by OpenSSL in one call, without the object that `createHash` makes. Given to the functions of shared too. By way of
 * a string, because OpenSSL's own buffers, and those of Node.js, are memory outside the heap: the more of it there is, the more often
 * the collector goes through all of the heap.
 */
export function sha256(data: Uint8Array): Uint8Array {
  const text = hash('sha256', data, 'binary');
  const bytes = new Uint8Array(hashBytes);
  for (let i = 0; i < hashBytes; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
