import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import {
  blockHash,
  encodeBlock,
  encodeEntry,
  formatCheckpoint,
  formatNote,
  formatVerifierKey,
  type LedgerBlock,
  type LedgerEntry,
  leafHash,
  merkleRoot,
  noteKeyId,
  toBase64,
} from '@slackwater/shared';

const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Signs notes under one name with one key, by OpenSSL. */
export interface TestSigner {
  readonly name: string;
  readonly keyId: string;
  readonly verifierKey: string;
  signNote(text: string): string;
  signature(text: string): Uint8Array;
}

/** The signer of an Ed25519 seed (32 bytes, or one byte repeated). */
export function signerOf(name: string, seed: Uint8Array | number): TestSigner {
  const bytes = typeof seed === 'number' ? Buffer.alloc(32, seed) : Buffer.from(seed);
  const privateKey = createPrivateKey({
    key: Buffer.concat([pkcs8Prefix, bytes]),
    format: 'der',
    type: 'pkcs8',
  });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const publicKey = new Uint8Array(spki.subarray(-32));
  const keyId = noteKeyId(name, publicKey);
  const signature = (text: string): Uint8Array => new Uint8Array(sign(null, Buffer.from(text), privateKey));
  return {
    name,
    keyId,
    verifierKey: formatVerifierKey(name, publicKey),
    signature,
    signNote: (text) => formatNote(text, [{ name, keyId, signature: signature(text) }]),
  };
}

/** An entry like those of a real ledger. */
export function entryOf(at: number, more: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    v: 1,
    type: 'accepted',
    id: `01JTX${String(at).padStart(21, '0')}`,
    at: new Date(1_777_636_800_000 + at).toISOString(),
    group: 'default',
    application: 'shop',
    method: 'POST',
    route: '/payments/:id/settle',
    workType: 'settle',
    partition: 'payments',
    requester: 'r-5f2c9a',
    reasons: ['over-threshold'],
    payload: Buffer.alloc(32, at).toString('base64'),
    ...more,
  };
}

/** The signed checkpoint of the first `size` entries. */
export function checkpointOf(entries: readonly Uint8Array[], size: number, signer: TestSigner): string {
  const root = merkleRoot(entries.slice(0, size).map((entry) => leafHash(entry)));
  return signer.signNote(formatCheckpoint({ origin: signer.name, size, root }));
}

/** Seals entries in blocks of the given lengths. */
export function sealBlocks(
  entries: readonly Uint8Array[],
  lengths: readonly number[],
  signer: TestSigner,
): readonly LedgerBlock[] {
  const blocks: LedgerBlock[] = [];
  let first = 0;
  for (const [height, length] of lengths.entries()) {
    const before = blocks.at(-1);
    const size = first + length;
    blocks.push({
      v: 1,
      height,
      previous: toBase64(before === undefined ? new Uint8Array(32) : blockHash(before)),
      first,
      last: size - 1,
      size,
      root: toBase64(merkleRoot(entries.slice(0, size).map((entry) => leafHash(entry)))),
      sealedAt: new Date(1_777_636_800_000 + size).toISOString(),
      checkpoint: checkpointOf(entries, size, signer),
    });
    first = size;
  }
  return blocks;
}

/** A ledger with blocks of the given lengths. */
export function makeLedger(
  lengths: readonly number[],
  signer: TestSigner,
): { entries: readonly Uint8Array[]; blocks: readonly string[]; sealed: readonly LedgerBlock[] } {
  const size = lengths.reduce((sum, length) => sum + length, 0);
  const entries = Array.from({ length: size }, (_, at) => encodeEntry(entryOf(at)));
  const sealed = sealBlocks(entries, lengths, signer);
  return { entries, blocks: sealed.map(encodeBlock), sealed };
}
