import { sha256 as portableSha256 } from '@noble/hashes/sha2.js';

/** The last, optional argument of every function that hashes. */
export interface HashOptions {
  /**
   * SHA-256 of the bytes, 32 bytes, synchronous. Default: a portable one. In Node.js a native one is about ten
   * times faster: `(data) => crypto.hash('sha256', data, 'buffer')`.
   */
  readonly sha256?: (data: Uint8Array) => Uint8Array;
}

/** SHA-256 by the given implementation, or by the portable one. */
export function sha256(data: Uint8Array, options?: HashOptions): Uint8Array {
  return (options?.sha256 ?? portableSha256)(data);
}
