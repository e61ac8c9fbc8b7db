import { hash } from 'node:crypto';

/** SHA-256 by OpenSSL in one call, without the object that `createHash` makes. Given to the functions of shared too. */
export function sha256(data: Uint8Array): Uint8Array {
  return hash('sha256', data, 'buffer');
}
