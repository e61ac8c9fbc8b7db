import { parseEntry, verifyRotation, walkRotations } from '@slackwater/shared';
import { engineLimits } from '../engines/limits.ts';
import type { EngineStore } from '../engines/store.ts';
import type { History } from './history.ts';
import { LedgerError } from './ledger-error.ts';
import { entryBytes, ledgerEntry } from './make-entry.ts';
import type { LedgerParts } from './parts.ts';
import { sha256 } from './sha256.ts';
import { ed25519Verify, type Signer } from './signer.ts';

// A change of the signing key. The entry `key-rotated` has a note (shared, rotation.ts) that the key in force and the next one have
// signed; the block that seals it is signed by both, and those behind it by the new one alone. Whoever seals or takes over
// a block looks into its entries for that. An entry whose note the key in force has not signed changes nothing.
//
// The notes are kept in the store at ledger/rotations, JSON: a cache of the log, out of which receipts get them.

const needle = Buffer.from('"type":"key-rotated"', 'utf8');
const notesKey = 'ledger/rotations';
const native = { sha256, ed25519Verify };

/** Where entries are put together to be searched at once: to begin a search costs more than to search one entry. */
const together = Buffer.alloc(engineLimits.appendBytes);

/** The entries among these that may be rotations: parsing all of them would cost more than sealing them. */
export function rotationsAmong(entries: readonly Uint8Array[]): readonly Uint8Array[] {
  return mayHaveOne(entries) ? entries.filter(isLikeOne) : [];
}

function mayHaveOne(entries: readonly Uint8Array[]): boolean {
  let end = 0;
  for (const bytes of entries) {
    if (end + bytes.length > together.length) return true;
    together.set(bytes, end);
    end += bytes.length;
  }
  return together.subarray(0, end).includes(needle);
}

function isLikeOne({ buffer, byteOffset, byteLength }: Uint8Array): boolean {
  return Buffer.from(buffer, byteOffset, byteLength).includes(needle);
}

/**
 * The number of the key that is in force behind these entries, where the key `from` was before them. Rejects with
 * `ledger-keys-differ` where the key file lacks the one that takes over.
 */
export async function inForceAfter(
  entries: readonly Uint8Array[],
  from: number,
  signer: Signer,
): Promise<number> {
  let inForce = from;
  for (const bytes of rotationsAmong(entries)) {
    const next = verifyRotation(noteIn(bytes), [signer.verifierKeys[inForce] ?? ''], native);
    if (next === undefined) continue;
    if (!signer.verifierKeys.includes(next)) await signer.reload();
    inForce = signer.verifierKeys.indexOf(next);
    if (inForce === -1) throw unknownKey(next);
  }
  return inForce;
}

/** The keys that sign a block: the one in force before it, and where it changes within, the one behind it. */
export function signersOf(before: number, after: number): readonly number[] {
  return before === after ? [before] : [before, after];
}

/** The notes of all rotations, oldest first. */
export async function rotationNotes(
  { store, history, sealer }: Pick<LedgerParts, 'store' | 'history' | 'sealer'>,
  signer: Signer,
): Promise<readonly string[]> {
  const { signing } = sealer.head;
  if (signing === 0) return [];
  const kept = await readNotes(store);
  if (leadTo(kept, signing, signer)) return kept;
  const found = await findNotes(history, signer);
  await store.put(notesKey, Buffer.from(JSON.stringify(found), 'utf8')).catch(() => 0);
  return found;
}

/** Puts the next key of the key file in force; see `Ledger.rotateSigningKey`. */
export async function rotateSigningKey(parts: LedgerParts, newId: () => string, by: string): Promise<string> {
  const { sealer, signer, progress } = parts;
  await signer.reload();
  await sealer.catchUp();
  const before = sealer.head.signing;
  const next = signer.verifierKeys[before + 1];
  if (next === undefined) {
    throw new LedgerError(
      'ledger-keys-differ',
      'The key file has no signing key behind the one in force. Make one with "slackwater keys rotate --signing", and give it to all hosts.',
    );
  }
  const rotation = signer.signRotation(before, before + 1);
  const about = { id: newId(), by, nowMs: parts.clock.wallNow() };
  const entry = { ...ledgerEntry(parts, 'key-rotated', about), rotation };
  progress.complete(await sealer.record(entryBytes(entry)).sealed);
  await sealer.catchUp();
  return next;
}

function noteIn(bytes: Uint8Array): unknown {
  try {
    return parseEntry(bytes).rotation;
  } catch {
    return undefined;
  }
}

async function readNotes(store: EngineStore): Promise<readonly string[]> {
  const stored = await store.get(notesKey);
  try {
    const notes: unknown = stored && JSON.parse(Buffer.from(stored.value).toString('utf8'));
    return Array.isArray(notes) ? notes.filter((note) => typeof note === 'string') : [];
  } catch {
    return [];
  }
}

async function findNotes(history: History, { verifierKey }: Signer): Promise<readonly string[]> {
  const notes: string[] = [];
  let inForce = verifierKey;
  for await (const { entry } of history.mentioning('"key-rotated"', 0)) {
    const next = entry.type === 'key-rotated' ? verifyRotation(entry.rotation, [inForce], native) : undefined;
    if (next === undefined || entry.rotation === undefined) continue;
    notes.push(entry.rotation);
    inForce = next;
  }
  return notes;
}

function leadTo(notes: readonly string[], signing: number, { verifierKey, verifierKeys }: Signer): boolean {
  const { inForce } = walkRotations([verifierKey], notes, native);
  return inForce[0] === verifierKeys[signing];
}

function unknownKey(next: string): LedgerError {
  return new LedgerError(
    'ledger-keys-differ',
    `The ledger's signing key was changed to ${next}, and this host's key file does not have it: give it the newest one.`,
  );
}
