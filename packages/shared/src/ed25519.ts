import { hashes, verify } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';
import type { HashOptions } from './hash.ts';

/** The last, optional argument of every function that checks signatures. */
export interface VerifyOptions extends HashOptions {
  /**
   * Whether `signature` (64 bytes) is one by `publicKey` (32 bytes) over `message` (RFC 8032), synchronous.
   * Default: a portable check that takes some milliseconds. In Node.js a native one is over ten times faster.
   */
  readonly ed25519Verify?: (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean;
}

/** Whether the signature is valid. Never throws: what can't be checked is not valid. */
export function signatureIsValid(
  signature: Uint8Array,
  message: Uint8Array,
  publicKey: Uint8Array,
  options?: VerifyOptions,
): boolean {
  try {
    return (options?.ed25519Verify ?? portableVerify)(signature, message, publicKey) === true;
  } catch {
    return false;
  }
}

function portableVerify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  // The library has a hook instead of a hash of its own; another user of the library may have set it already.
  hashes.sha512 ??= sha512;
  // The stricter rules: no low-order keys, no non-canonical points, as other implementations have it.
  return verify(signature, message, publicKey, { zip215: false });
}
