import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { LedgerError } from './ledger-error.ts';
import { randomPiece } from './random-bytes.ts';

// A sealed value: 1 byte version (2) | 4 bytes key id | 12 bytes nonce | ciphertext | 16 bytes tag.
// AES-256-GCM (NIST SP 800-38D) with a random nonce, under the record's own key: HMAC-SHA-256(requester's key,
// "record" || 0x00 || record id). So its bound of 2^32 values under one key is never in sight, however busy a requester is.
// The associated data are record id, parameter name and key id, so that a value moved to another record or
// parameter does not open.

const version = 2;
const keyIdBytes = 4;
const nonceBytes = 12;
const tagBytes = 16;
const headBytes = 1 + keyIdBytes + nonceBytes;

/** What the values of one requester are sealed under. */
export interface VaultKey {
  /** Names the key in each sealed value; 8 hexadecimal characters. */
  readonly id: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** Encrypts what may be plain text nowhere, bound to where it belongs. */
export interface Vault {
  /** Equal values give different bytes each time. */
  seal(recordId: string, name: string, plain: Uint8Array): Uint8Array;
  /** Throws `record-corrupt` where a byte was changed, or the value belongs to another record, name or key. */
  open(recordId: string, name: string, sealed: Uint8Array): Uint8Array;
}

/** The vault of a requester's key. */
export function openVault(key: VaultKey): Vault {
  const keyId = Buffer.from(key.id, 'hex');
  const secret = createSecretKey(key.key);
  // The values of a record are sealed, and opened, one after the other.
  let last: { readonly recordId: string; readonly key: KeyObject } | undefined;

  function keyOf(recordId: string): KeyObject {
    if (last?.recordId !== recordId) {
      const derived = createHmac('sha256', secret).update(`record\0${recordId}`).digest();
      last = { recordId, key: createSecretKey(derived) };
    }
    return last.key;
  }

  return {
    seal(recordId, name, plain) {
      const sealed = Buffer.allocUnsafe(headBytes + plain.length + tagBytes);
      sealed[0] = version;
      sealed.set(keyId, 1);
      sealed.set(randomPiece(nonceBytes), 1 + keyIdBytes);
      const nonce = sealed.subarray(1 + keyIdBytes, headBytes);
      const cipher = createCipheriv('aes-256-gcm', keyOf(recordId), nonce, { authTagLength: tagBytes });
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
      const decipher = createDecipheriv('aes-256-gcm', keyOf(recordId), nonce, { authTagLength: tagBytes });
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
    `The ${partOf(name)} of record ${recordId} does not open: its bytes were changed, or it belongs to another record or key.`,
    cause === undefined ? undefined : { cause },
  );
}

/** What stands behind the first word of a name may be of the caller's making, and belongs in no message. */
function partOf(name: string): string {
  return /^[A-Za-z]+/.exec(name)?.[0] ?? 'parameter';
}
