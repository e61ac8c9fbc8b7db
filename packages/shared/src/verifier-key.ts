/** C2SP signed-note: names, key ids and verifier keys (`<name>+<key id>+<base64>`) of Ed25519 keys. */
import { fromBase64, toBase64 } from './base64.ts';
import { bytesEqual, concatBytes, copyOfBytes } from './bytes.ts';
import { type HashOptions, sha256 } from './hash.ts';
import { hasControlCharacter, isWellFormed, utf8 } from './text.ts';
import { VerifierKeyError } from './verification-errors.ts';

const ed25519Type = 0x01;
const maxNameLength = 1024;
const maxKeys = 1000;
const unfitForNames = /[\p{White_Space}+]/u;
const keyIdShape = /^[0-9a-f]{8}$/;

/** A key that may verify notes. */
export interface VerifierKey {
  readonly name: string;
  /** Eight lower-case hex digits: the 4 bytes of the key id as a verifier key writes them. */
  readonly keyId: string;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** Whether a key may be called so: not empty, no Unicode spaces, no plus, no control characters, at most 1,024 long. */
export function isKeyName(name: unknown): name is string {
  return (
    typeof name === 'string' &&
    name.length > 0 &&
    name.length <= maxNameLength &&
    isWellFormed(name) &&
    !hasControlCharacter(name) &&
    !unfitForNames.test(name)
  );
}

/**
 * The key id of an Ed25519 key under a name, as eight lower-case hex digits: the first 4 bytes of
 * SHA-256(name || 0x0A || 0x01 || public key). Throws `verifier-key-malformed` for a name that notes can't carry
 * or a public key that is not 32 bytes.
 */
export function noteKeyId(name: string, publicKey: Uint8Array, options?: HashOptions): string {
  const { id } = identify(name, publicKey, options);
  return hex(id);
}

/** The C2SP verifier key of an Ed25519 public key (32 bytes) under a name. Throws as {@link noteKeyId}. */
export function formatVerifierKey(name: string, publicKey: Uint8Array, options?: HashOptions): string {
  const { id, material } = identify(name, publicKey, options);
  return `${name}+${hex(id)}+${toBase64(material)}`;
}

/**
 * The parts of a C2SP verifier key. Throws `verifier-key-malformed` where the text is none, its key id does not
 * belong to its key, or the key is not an Ed25519 one (type 0x01).
 */
export function parseVerifierKey(text: unknown, options?: HashOptions): VerifierKey {
  if (typeof text !== 'string') throw new VerifierKeyError(`a ${typeof text} instead of a string`);
  // Neither name nor id contain a plus; base64 may.
  const [name = '', keyId = ''] = text.slice(0, maxNameLength + 16).split('+', 2);
  const material = fromBase64(text.slice(name.length + keyId.length + 2, 4096));
  if (!isKeyName(name)) throw new VerifierKeyError('its name is empty, too long, or has spaces');
  if (!keyIdShape.test(keyId))
    throw new VerifierKeyError(`the key id of ${name} is not 8 lower-case hex digits`);
  if (material === undefined) throw new VerifierKeyError(`the key of ${name} is not base64`);
  if (material[0] !== ed25519Type || material.length !== 33) {
    throw new VerifierKeyError(`the key of ${name} is not an Ed25519 key (type 1 and 32 bytes)`);
  }
  const publicKey = material.slice(1);
  if (noteKeyId(name, publicKey, options) !== keyId) {
    throw new VerifierKeyError(`the key id ${keyId} does not belong to the key of ${name}`);
  }
  return { name, keyId, publicKey };
}

/**
 * The keys by `<name>+<key id>`. Throws `verifier-key-malformed` also where two different keys claim the same name
 * and id, so that a signature could not tell which it means, and for more than 1,000 keys.
 */
export function parseVerifierKeys(texts: unknown, options?: HashOptions): ReadonlyMap<string, VerifierKey> {
  const keys = new Map<string, VerifierKey>();
  for (const text of listOf(texts)) {
    const key = parseVerifierKey(text, options);
    const slot = `${key.name}+${key.keyId}`;
    const known = keys.get(slot);
    if (known !== undefined && !bytesEqual(known.publicKey, key.publicKey)) {
      throw new VerifierKeyError(`two keys are both called ${slot}`);
    }
    keys.set(slot, key);
  }
  return keys;
}

function listOf(texts: unknown): readonly unknown[] {
  try {
    if (Array.isArray(texts) && texts.length <= maxKeys) return Array.from(texts);
  } catch {
    // a proxy that refuses: as good as no list
  }
  throw new VerifierKeyError(`the verifier keys are not a list of at most ${maxKeys}`);
}

function identify(
  name: unknown,
  publicKey: unknown,
  options?: HashOptions,
): { id: Uint8Array; material: Uint8Array } {
  if (!isKeyName(name)) throw new VerifierKeyError('its name is empty, too long, or has spaces or a plus');
  const key = copyOfBytes(publicKey, 32);
  if (key === undefined) throw new VerifierKeyError(`the public key of ${name} is not 32 bytes`);
  const material = concatBytes(Uint8Array.of(ed25519Type), key);
  const id = sha256(concatBytes(utf8(`${name}\n`), material), options).slice(0, 4);
  return { id, material };
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
