import type { CapturedRequest } from './deferral.ts';
import { LedgerError } from './ledger-error.ts';
import type { DigestSalt } from './payload-digest.ts';
import {
  type ChosenParameters,
  cutRequest,
  type Frame,
  joinRequest,
  type Parameter,
} from './request-parameters.ts';
import type { Vault } from './vault.ts';

// The payload record, the second record of a request: the store's value at payload/<id>.
//   1 byte version (2) | 1 byte length | the requester's pseudonym, ASCII | parts, each 4 bytes length, big-endian | sealed value
// The parts are facts, names (of the parameters: names may say as much as values), frame, and one for each parameter, in the order
// of the names. Each is sealed by itself (vault.ts), under the deferral's id and its own name: reading one parameter decrypts
// the names and no other parameter.

const version = 2;
const headParts = ['facts', 'names', 'frame'] as const;
type HeadPart = (typeof headParts)[number];

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

/** A payload record as it is stored; nothing of it is decrypted. */
export interface StoredPayload {
  readonly id: string;
  /** Whose key opens it. */
  readonly pseudonym: string;
  readonly head: Readonly<Record<HeadPart, Uint8Array>>;
  readonly parameters: readonly Uint8Array[];
}

/** The record's bytes. `pseudonym` is whose key the vault has. */
export function sealPayload(
  { vault, pseudonym, id }: { readonly vault: Vault; readonly pseudonym: string; readonly id: string },
  facts: PayloadFacts,
  request: CapturedRequest,
  chosen: ChosenParameters,
): Uint8Array {
  const { parameters, frame } = cutRequest(request, chosen);
  const parts = [
    vault.seal(id, 'facts', jsonBytes(encodeFacts(facts))),
    vault.seal(id, 'names', jsonBytes(parameters.map(({ name }) => name))),
    vault.seal(id, 'frame', jsonBytes(frame)),
    ...parameters.map(({ name, value }) => vault.seal(id, parameterName(name), value)),
  ];
  const head = 2 + pseudonym.length;
  const record = Buffer.allocUnsafe(parts.reduce((sum, part) => sum + 4 + part.length, head));
  record[0] = version;
  record[1] = pseudonym.length;
  record.write(pseudonym, 2, 'latin1');
  let at = head;
  for (const part of parts) {
    at = record.writeUInt32BE(part.length, at);
    record.set(part, at);
    at += part.length;
  }
  return record;
}

/** A record's parts. Throws `record-corrupt`. */
export function splitPayload(id: string, record: Uint8Array): StoredPayload {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  const head = 2 + (bytes[1] ?? 0);
  if (bytes[0] !== version || head > bytes.length) throw malformed(id);
  const pseudonym = bytes.toString('latin1', 2, head);
  if (!/^[A-Za-z0-9_-]+$/.test(pseudonym)) throw malformed(id);
  const parts: Buffer[] = [];
  for (let at = head; at < bytes.length; ) {
    if (at + 4 > bytes.length) throw malformed(id);
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) throw malformed(id);
    parts.push(bytes.subarray(at + 4, end));
    at = end;
  }
  const [facts, names, frame, ...parameters] = parts;
  if (facts === undefined || names === undefined || frame === undefined) throw malformed(id);
  return { id, pseudonym, head: { facts, names, frame }, parameters };
}

/** The facts alone. Throws `record-corrupt`. */
export function openFacts(vault: Vault, stored: StoredPayload): PayloadFacts {
  return decodeFacts(openPart<EncodedFacts>(vault, stored, 'facts'));
}

/** The names of its parameters. Throws `record-corrupt`. */
export function openNames(vault: Vault, stored: StoredPayload): readonly string[] {
  const names = openPart<readonly string[]>(vault, stored, 'names');
  if (names.length !== stored.parameters.length) throw malformed(stored.id);
  return names;
}

/** One parameter; undefined where there is none of that name. Throws `record-corrupt`. */
export function openParameter(vault: Vault, stored: StoredPayload, name: string): Uint8Array | undefined {
  const sealed = stored.parameters[openNames(vault, stored).indexOf(name)];
  return sealed && vault.open(stored.id, parameterName(name), sealed);
}

/** Facts and request. Throws `record-corrupt`. */
export function openPayload(
  vault: Vault,
  stored: StoredPayload,
): { readonly facts: PayloadFacts; readonly request: CapturedRequest } {
  const facts = openFacts(vault, stored);
  const frame = openPart<Frame>(vault, stored, 'frame');
  const names = openNames(vault, stored);
  const parameters = stored.parameters.map((sealed, i): Parameter => {
    const name = names[i] ?? '';
    return { name, value: vault.open(stored.id, parameterName(name), sealed) };
  });
  return { facts, request: joinRequest({ parameters, frame }, facts.method) };
}

/** Apart from the names of the head's parts, whatever a caller calls its own. */
function parameterName(name: string): string {
  return `parameter ${name}`;
}

function openPart<T>(vault: Vault, { id, head }: StoredPayload, part: HeadPart): T {
  // Authenticated by the vault: only sealPayload wrote this.
  return JSON.parse(Buffer.from(vault.open(id, part, head[part])).toString('utf8')) as T;
}

function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value), 'utf8');
}

function malformed(id: string): LedgerError {
  return new LedgerError('record-corrupt', `The payload record of deferral ${id} is cut off or not one.`);
}

type EncodedFacts = Omit<PayloadFacts, 'salt' | 'contextNonce'> & {
  readonly salt: string;
  readonly contextNonce: string;
};

function encodeFacts(facts: PayloadFacts): EncodedFacts {
  return {
    ...facts,
    salt: Buffer.from(facts.salt).toString('base64'),
    contextNonce: Buffer.from(facts.contextNonce).toString('base64'),
  };
}

function decodeFacts(facts: EncodedFacts): PayloadFacts {
  return {
    ...facts,
    orderKey: facts.orderKey,
    salt: Buffer.from(facts.salt, 'base64'),
    contextNonce: Buffer.from(facts.contextNonce, 'base64'),
  };
}
