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

/** Of a kind, in one file. */
const mostKeys = 1_000;

// The key file: canonical JSON (RFC 8785), UTF-8.
//   { "v": 2, "origin": text,
//     "signing":    [{ "private": base64 of PKCS #8 DER, "public": base64 of the 32 bytes }, ...],             Ed25519
//     "encryption": [{ "id": 8 hex characters, "key": base64 of 32 bytes, "version": integer >= 1 }, ...],     AES-256-GCM
//     "lookup":     { "key": base64 of 32 bytes } }                                                            HMAC-SHA-256
// The oldest signing key comes first; "private" may be missing from keys that sign no more. Key-encryption keys are ordered by
// their version; those that no wrapped key needs any more may be missing.

/** A key that signs checkpoints, or did. */
export interface SigningKey {
  /** Undefined where only its signatures are still to be recognised. */
  readonly privateKey: KeyObject | undefined;
  readonly publicKey: Uint8Array;
}

/** A version of the key that wraps the requesters' keys. */
export interface WrappingKey {
  readonly id: string;
  /** From 1. */
  readonly version: number;
  readonly key: Uint8Array;
}

/** What the key file holds, ready for use. */
export interface LedgerKeys {
  /** The name of the log in its checkpoints, and of the keys that sign them. */
  readonly origin: string;
  /** The first key and those that follow it; which of them is in force, the ledger says. At least one. */
  readonly signing: readonly [SigningKey, ...SigningKey[]];
  /** By version, ascending; which one is in force, the ledger says. At least one. */
  readonly encryption: readonly [WrappingKey, ...WrappingKey[]];
  /** Key of every HMAC by which something is found without being named. */
  readonly lookup: Uint8Array;
  /** SHA-256 over the first public key and the lookup key, which never change, hexadecimal: says which ledger's keys these are. */
  readonly fingerprint: string;
}

/** Fresh keys as the bytes of a key file. Without `origin` a new name is made of the application's, the group's and the key's. */
export function createKeyFile(owner: {
  application: string;
  group: string;
  origin?: string | undefined;
}): Uint8Array {
  const signing = makeSigningKey();
  return encodeKeyFile({
    origin: owner.origin ?? defaultOrigin(owner.application, owner.group, signing.publicKey),
    signing: [signing],
    encryption: [makeWrappingKey(1)],
    lookup: randomBytes(32),
  });
}

/** The bytes of a key file. */
export function encodeKeyFile({
  origin,
  signing,
  encryption,
  lookup,
}: Omit<LedgerKeys, 'fingerprint'>): Uint8Array {
  const text = canonicalJson({
    v: 2,
    origin,
    signing: signing.map(({ privateKey, publicKey }) => ({
      public: base64(publicKey),
      ...(privateKey && { private: base64(privateKey.export({ format: 'der', type: 'pkcs8' })) }),
    })),
    encryption: encryption.map(({ id, version, key }) => ({ id, version, key: base64(key) })),
    lookup: { key: base64(lookup) },
  });
  return Buffer.from(text, 'utf8');
}

/** A fresh key that may sign. */
export function makeSigningKey(): SigningKey {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { privateKey, publicKey: rawPublicKey(privateKey) };
}

/** A fresh key-encryption key of that version. */
export function makeWrappingKey(version: number): WrappingKey {
  return { id: randomBytes(4).toString('hex'), version, key: randomBytes(32) };
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
  if (v !== 2 || !isOrigin(text(origin))) throw new Error('keys');
  const signingKeys = someOf(signing, readSigningKey);
  const wrappingKeys = someOf(encryption, readWrappingKey);
  if (wrappingKeys.some(({ version }, i) => version <= (wrappingKeys[i - 1]?.version ?? 0)))
    throw new Error('versions');
  const names = new Set(signingKeys.map(({ publicKey }) => base64(publicKey)));
  if (names.size !== signingKeys.length) throw new Error('a key is there twice');
  const lookupKey = key32(fields(lookup)['key']);
  return {
    origin: text(origin),
    signing: signingKeys,
    encryption: wrappingKeys,
    lookup: lookupKey,
    fingerprint: Buffer.from(sha256(Buffer.concat([signingKeys[0].publicKey, lookupKey]))).toString('hex'),
  };
}

function readSigningKey(value: unknown): SigningKey {
  const { private: secret, public: declared } = fields(value);
  const publicKey = Buffer.from(text(declared), 'base64');
  if (publicKey.length !== 32) throw new Error('key length');
  if (secret === undefined) return { privateKey: undefined, publicKey: Uint8Array.from(publicKey) };
  const key = Buffer.from(text(secret), 'base64');
  const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  if (privateKey.asymmetricKeyType !== 'ed25519' || !publicKey.equals(rawPublicKey(privateKey)))
    throw new Error('keys');
  return { privateKey, publicKey: Uint8Array.from(publicKey) };
}

function readWrappingKey(value: unknown): WrappingKey {
  const { id, version, key } = fields(value);
  if (!/^[0-9a-f]{8}$/.test(text(id)) || !Number.isSafeInteger(version) || Number(version) < 1)
    throw new Error('keys');
  if (Number(version) > 0xffff_ffff) throw new Error('version');
  return { id: text(id), version: Number(version), key: key32(key) };
}

function someOf<T>(value: unknown, read: (item: unknown) => T): readonly [T, ...T[]] {
  if (!Array.isArray(value)) throw new Error('not a list');
  const [first, ...others] = value.map(read);
  if (first === undefined || others.length >= mostKeys) throw new Error('none, or too many');
  return [first, ...others];
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

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new Error('not a string');
  return value;
}

function fields(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new Error('not an object');
  return value as Record<string, unknown>;
}
