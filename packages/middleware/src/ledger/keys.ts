import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { canonicalJson } from '@slackwater/shared';
import { LedgerError } from './ledger-error.ts';
import { sha256 } from './sha256.ts';

// The key file: canonical JSON (RFC 8785), UTF-8.
//   { "v": 1, "origin": text,
//     "signing":    { "private": base64 of PKCS #8 DER, "public": base64 of the 32 bytes },   Ed25519
//     "encryption": { "id": 8 hex characters, "key": base64 of 32 bytes },                    AES-256-GCM
//     "lookup":     { "key": base64 of 32 bytes } }                                           HMAC-SHA-256

/** What the key file holds, ready for use. */
export interface LedgerKeys {
  /** The name of the log in its checkpoints, and of the key that signs them. */
  readonly origin: string;
  readonly signing: { readonly privateKey: KeyObject; readonly publicKey: Uint8Array };
  /** `id` names the key in each sealed value, so that a later key can stand beside it. */
  readonly encryption: { readonly id: string; readonly key: Uint8Array };
  /** Key of every HMAC by which something is found without being named. */
  readonly lookup: Uint8Array;
  /** SHA-256 over all of it but `origin`, hexadecimal: says which keys these are and nothing about them. */
  readonly fingerprint: string;
}

/** Fresh keys as the bytes of a key file. Without `origin` a new name is made of the application's, the group's and the key's. */
export function createKeyFile(owner: {
  application: string;
  group: string;
  origin?: string | undefined;
}): Uint8Array {
  const pair = generateKeyPairSync('ed25519');
  const publicKey = rawPublicKey(pair.privateKey);
  const text = canonicalJson({
    v: 1,
    origin: owner.origin ?? defaultOrigin(owner.application, owner.group, publicKey),
    signing: {
      private: pair.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
      public: Buffer.from(publicKey).toString('base64'),
    },
    encryption: { id: randomBytes(4).toString('hex'), key: randomBytes(32).toString('base64') },
    lookup: { key: randomBytes(32).toString('base64') },
  });
  return Buffer.from(text, 'utf8');
}

/** Reads a key file. Throws `key-file-unreadable`, and never shows a byte of it in the message. */
export function parseKeyFile(bytes: Uint8Array): LedgerKeys {
  try {
    return readKeys(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch {
    // The cause is left out on purpose: JSON.parse quotes what it could not read.
    throw new LedgerError(
      'key-file-unreadable',
      'The key file of the ledger is not readable as one. Restore it from its backup; without it what the ledger ' +
        'recorded cannot be decrypted or continued. Only where nothing recorded is needed, move the whole directory aside.',
    );
  }
}

function readKeys(file: unknown): LedgerKeys {
  const { v, origin, signing, encryption, lookup } = fields(file);
  const privateKey = createPrivateKey({
    key: Buffer.from(text(fields(signing)['private']), 'base64'),
    format: 'der',
    type: 'pkcs8',
  });
  const publicKey = rawPublicKey(privateKey);
  const declared = Buffer.from(text(fields(signing)['public']), 'base64');
  const id = text(fields(encryption)['id']);
  const encryptionKey = key32(fields(encryption)['key']);
  const lookupKey = key32(fields(lookup)['key']);
  if (v !== 1 || privateKey.asymmetricKeyType !== 'ed25519' || !declared.equals(publicKey))
    throw new Error('keys');
  if (!/^[0-9a-f]{8}$/.test(id) || !isOrigin(text(origin))) throw new Error('keys');
  return {
    origin: text(origin),
    signing: { privateKey, publicKey },
    encryption: { id, key: encryptionKey },
    lookup: lookupKey,
    fingerprint: Buffer.from(sha256(Buffer.concat([publicKey, encryptionKey, lookupKey]))).toString('hex'),
  };
}

/** Whether a text can name a log: C2SP key names have neither spaces nor a plus sign, and no control characters. */
export function isOrigin(origin: string): boolean {
  return origin.length <= 255 && /^[^\s+\p{Cc}]+$/u.test(origin);
}

function defaultOrigin(application: string, group: string, publicKey: Uint8Array): string {
  const unique = Buffer.from(sha256(publicKey)).toString('hex').slice(0, 16);
  return `${encodeURIComponent(application).slice(0, 100)}/${encodeURIComponent(group).slice(0, 100)}/${unique}`;
}

function rawPublicKey(privateKey: KeyObject): Uint8Array {
  // SubjectPublicKeyInfo of Ed25519 (RFC 8410) is a fixed prefix of 12 bytes and the key.
  return Uint8Array.from(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(12));
}

function key32(value: unknown): Uint8Array {
  const bytes = Buffer.from(text(value), 'base64');
  if (bytes.length !== 32) throw new Error('key length');
  return bytes;
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new Error('not a string');
  return value;
}

function fields(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new Error('not an object');
  return value as Record<string, unknown>;
}
