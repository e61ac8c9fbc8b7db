import type { CapturedRequest } from './deferral.ts';
import { LedgerError } from './ledger-error.ts';
import type { DigestSalt } from './payload-digest.ts';
import type { Vault } from './vault.ts';

// The payload record, the second record of a request: the store's value at payload/<id>.
//   1 byte version (1), then for each part, in the order of `partNames`: 4 bytes length, big-endian | sealed value
//   (vault.ts), length 0 where the part is absent. Each part is sealed by itself, under the deferral's id and the
//   part's name: reading one decrypts no other.

const version = 1;
const partNames = ['facts', 'url', 'headers', 'body', 'identity', 'remoteAddress', 'secure'] as const;
type PartName = (typeof partNames)[number];

/** What the ledger must know of a deferral besides its request, and may not say in an entry. */
export interface PayloadFacts extends DigestSalt {
  readonly method: string;
  readonly priority: number;
  /** The queue's name of the order key. */
  readonly orderKey: string | undefined;
  readonly completionKey: string;
  /** SHA-256 of the first capability, base64. */
  readonly capability: string;
  /** The log had at least so many entries before the `accepted` one: where a search for it may begin. */
  readonly logSize: number;
}

/** The record's bytes. */
export function sealPayload(
  vault: Vault,
  id: string,
  facts: PayloadFacts,
  request: CapturedRequest,
): Uint8Array {
  const plain: Record<PartName, Uint8Array | undefined> = {
    facts: Buffer.from(JSON.stringify(encodeFacts(facts)), 'utf8'),
    url: Buffer.from(request.url, 'utf8'),
    headers: Buffer.from(JSON.stringify(request.headers), 'utf8'),
    body: request.body,
    identity: request.identity === undefined ? undefined : jsonBytes(request.identity),
    remoteAddress:
      request.remoteAddress === undefined ? undefined : Buffer.from(request.remoteAddress, 'utf8'),
    secure: request.secure === true ? Uint8Array.of(1) : undefined,
  };
  const parts = partNames.map((name) => {
    const part = plain[name];
    return part === undefined ? undefined : vault.seal(id, name, part);
  });
  const record = Buffer.allocUnsafe(parts.reduce((sum, part) => sum + 4 + (part?.length ?? 0), 1));
  record[0] = version;
  let at = 1;
  for (const part of parts) {
    at = record.writeUInt32BE(part?.length ?? 0, at);
    if (part !== undefined) record.set(part, at);
    at += part?.length ?? 0;
  }
  return record;
}

/** The facts alone. Throws `record-corrupt`. */
export function openFacts(vault: Vault, id: string, record: Uint8Array): PayloadFacts {
  return decodeFacts(required(vault, id, split(id, record), 'facts'));
}

/** Facts and request. Throws `record-corrupt`. */
export function openPayload(
  vault: Vault,
  id: string,
  record: Uint8Array,
): { readonly facts: PayloadFacts; readonly request: CapturedRequest } {
  const parts = split(id, record);
  const facts = decodeFacts(required(vault, id, parts, 'facts'));
  const identity = opened(vault, id, parts, 'identity');
  const request: CapturedRequest = {
    method: facts.method,
    url: required(vault, id, parts, 'url').toString('utf8'),
    headers: JSON.parse(required(vault, id, parts, 'headers').toString('utf8')) as [string, string][],
    body: required(vault, id, parts, 'body'),
    remoteAddress: opened(vault, id, parts, 'remoteAddress')?.toString('utf8'),
    identity: identity === undefined ? undefined : (JSON.parse(identity.toString('utf8')) as unknown),
    // Whoever took this part away, or moved it here, has changed the context that the digest is bound to.
    ...(opened(vault, id, parts, 'secure') !== undefined && { secure: true }),
  };
  return { facts, request };
}

function jsonBytes(value: unknown): Uint8Array | undefined {
  const text: string | undefined = JSON.stringify(value);
  return text === undefined ? undefined : Buffer.from(text, 'utf8');
}

function split(id: string, record: Uint8Array): Map<PartName, Buffer> {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  const parts = new Map<PartName, Buffer>();
  if (bytes[0] !== version) throw malformed(id);
  let offset = 1;
  for (const name of partNames) {
    if (offset + 4 > bytes.length) throw malformed(id);
    const end = offset + 4 + bytes.readUInt32BE(offset);
    if (end > bytes.length) throw malformed(id);
    if (end > offset + 4) parts.set(name, bytes.subarray(offset + 4, end));
    offset = end;
  }
  if (offset !== bytes.length) throw malformed(id);
  return parts;
}

function opened(vault: Vault, id: string, parts: Map<PartName, Buffer>, name: PartName): Buffer | undefined {
  const sealed = parts.get(name);
  return sealed === undefined ? undefined : Buffer.from(vault.open(id, name, sealed));
}

function required(vault: Vault, id: string, parts: Map<PartName, Buffer>, name: PartName): Buffer {
  const plain = opened(vault, id, parts, name);
  if (plain === undefined) throw malformed(id);
  return plain;
}

function malformed(id: string): LedgerError {
  return new LedgerError('record-corrupt', `The payload record of deferral ${id} is cut off or not one.`);
}

function encodeFacts(facts: PayloadFacts): Record<string, unknown> {
  return {
    ...facts,
    salt: Buffer.from(facts.salt).toString('base64'),
    contextNonce: Buffer.from(facts.contextNonce).toString('base64'),
  };
}

function decodeFacts(bytes: Buffer): PayloadFacts {
  // Authenticated by the vault: only encodeFacts wrote this.
  const facts = JSON.parse(bytes.toString('utf8')) as Omit<PayloadFacts, 'salt' | 'contextNonce'> & {
    salt: string;
    contextNonce: string;
  };
  return {
    ...facts,
    orderKey: facts.orderKey,
    salt: Buffer.from(facts.salt, 'base64'),
    contextNonce: Buffer.from(facts.contextNonce, 'base64'),
  };
}
