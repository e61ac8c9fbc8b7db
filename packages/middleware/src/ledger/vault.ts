import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';
import type { LedgerKeys } from './keys.ts';
import { LedgerError } from './ledger-error.ts';
import { randomPiece } from './random-bytes.ts';

// A sealed value: 1 byte version (1) | 4 bytes key id | 12 bytes nonce | ciphertext | 16 bytes tag.
// AES-256-GCM (NIST SP 800-38D) with a random nonce: below 2^32 values under one key, by the standard's bound.
// The associated data are record id, parameter name and key id, so that a value moved to another record or
// parameter does not open.

const version = 1;
const keyIdBytes = 4;
const nonceBytes = 12;
const tagBytes = 16;
const headBytes = 1 + keyIdBytes + nonceBytes;

/** Encrypts what may be plain text nowhere, bound to where it belongs. */
export interface Vault {
  /** Equal values give different bytes each time. */
  seal(recordId: string, name: string, plain: Uint8Array): Uint8Array;
  /** Throws `record-corrupt` where a byte was changed, or the value belongs to another record, name or key. */
  open(recordId: string, name: string, sealed: Uint8Array): Uint8Array;
}

/** The vault of a ledger's encryption key. */
export function openVault(key: LedgerKeys['encryption']): Vault {
  const keyId = Buffer.from(key.id, 'hex');
  const secret = createSecretKey(key.key);
  return {
    seal(recordId, name, plain) {
      const sealed = Buffer.allocUnsafe(headBytes + plain.length + tagBytes);
      sealed[0] = version;
      sealed.set(keyId, 1);
      sealed.set(randomPiece(nonceBytes), 1 + keyIdBytes);
      const nonce = sealed.subarray(1 + keyIdBytes, headBytes);
      const cipher = createCipheriv('aes-256-gcm', secret, nonce, { authTagLength: tagBytes });
      cipher.setAAD(associatedData(recordId, name, keyId));
      sealed.set(cipher.update(plain), headBytes);
      cipher.final();
      sealed.set(cipher.getAuthTag(), headBytes + plain.length);
      return sealed;
    },
    open(recordId, name, sealed) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      if (bytes.length < headBytes + tagBytes || bytes[0] !== version) throw corrupt(recordId, name);
      if (!bytes.subarray(1, 1 + keyIdBytes).equals(keyId)) throw corrupt(recordId, name);
      const nonce = bytes.subarray(1 + keyIdBytes, headBytes);
      const decipher = createDecipheriv('aes-256-gcm', secret, nonce, { authTagLength: tagBytes });
      decipher.setAAD(associatedData(recordId, name, keyId));
      decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes));
      try {
        const plain = decipher.update(bytes.subarray(headBytes, bytes.length - tagBytes));
        return Buffer.concat([plain, decipher.final()]);
      } catch (cause) {
        throw corrupt(recordId, name, cause);
      }
    },
  };
}

function associatedData(recordId: string, name: string, keyId: Uint8Array): Uint8Array {
  // JSON keeps the two texts apart whatever they contain.
  return Buffer.concat([Buffer.from(JSON.stringify([recordId, name]), 'utf8'), keyId]);
}

function corrupt(recordId: string, name: string, cause?: unknown): LedgerError {
  return new LedgerError(
    'record-corrupt',
    `The ${name} of record ${recordId} does not open: its bytes were changed, or it belongs to another record or key.`,
    cause === undefined ? undefined : { cause },
  );
}
