import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { LedgerKeys, WrappingKey } from './keys.ts';
import { LedgerError } from './ledger-error.ts';
import { randomPiece } from './random-bytes.ts';

// A wrapped key: 1 byte version (1) | 4 bytes version of the key-encryption key, big-endian | 12 bytes nonce | 32 bytes
// ciphertext | 16 bytes tag. AES-256-GCM; the associated data are the JSON list of "wrapped-key", the pseudonym and the
// key-encryption key's id: a wrapped key that is put in another's place does not open.

const version = 1;
const headBytes = 17;
const keyBytes = 32;
const tagBytes = 16;

/** A requester's key under a key-encryption key. */
export function wrapKey(pseudonym: string, key: Uint8Array, under: WrappingKey): Uint8Array {
  const head = Buffer.alloc(headBytes);
  head[0] = version;
  head.writeUInt32BE(under.version, 1);
  head.set(randomPiece(headBytes - 5), 5);
  const cipher = createCipheriv('aes-256-gcm', under.key, head.subarray(5), { authTagLength: tagBytes });
  cipher.setAAD(associatedData(pseudonym, under));
  const wrapped = Buffer.concat([cipher.update(key), cipher.final()]);
  return Buffer.concat([head, wrapped, cipher.getAuthTag()]);
}

/** The version of the key-encryption key that a wrapped key needs. Throws `record-corrupt`. */
export function wrappedUnder(pseudonym: string, wrapped: Uint8Array): number {
  const bytes = Buffer.from(wrapped.buffer, wrapped.byteOffset, wrapped.byteLength);
  if (bytes.length !== headBytes + keyBytes + tagBytes || bytes[0] !== version) throw corrupt(pseudonym);
  return bytes.readUInt32BE(1);
}

/** The requester's key in it. Throws `record-corrupt` where it was changed, and `ledger-keys-differ` where its version is not there. */
export function unwrapKey(
  pseudonym: string,
  wrapped: Uint8Array,
  keys: LedgerKeys['encryption'],
): Uint8Array {
  const needed = wrappedUnder(pseudonym, wrapped);
  const under = keys.find((key) => key.version === needed);
  if (under === undefined) throw versionMissing(needed, keys);
  const bytes = Buffer.from(wrapped.buffer, wrapped.byteOffset, wrapped.byteLength);
  const decipher = createDecipheriv('aes-256-gcm', under.key, bytes.subarray(5, headBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(associatedData(pseudonym, under));
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(headBytes, -tagBytes)), decipher.final()]);
  } catch (cause) {
    throw corrupt(pseudonym, cause);
  }
}

/** A key file lacks a version. */
export function versionMissing(needed: number, keys: LedgerKeys['encryption']): LedgerError {
  const there = keys.map(({ version }) => version).join(', ');
  return new LedgerError(
    'ledger-keys-differ',
    `A requester's key is wrapped under version ${needed} of the key-encryption key, and the key file has ${there}: ` +
      'give this host the key file that has both.',
  );
}

function associatedData(pseudonym: string, { id }: WrappingKey): Uint8Array {
  return Buffer.from(JSON.stringify(['wrapped-key', pseudonym, id]), 'utf8');
}

function corrupt(pseudonym: string, cause?: unknown): LedgerError {
  return new LedgerError('record-corrupt', `The wrapped key of requester ${pseudonym} was changed.`, {
    cause,
  });
}
