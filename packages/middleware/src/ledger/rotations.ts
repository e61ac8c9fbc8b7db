import { verifyRotation, walkRotations } from '@slackwater/shared';
import type { EngineStore } from '../engines/store.ts';
import type { History } from './history.ts';
import { LedgerError } from './ledger-error.ts';
import { entryBytes, ledgerEntry } from './make-entry.ts';
import type { LedgerParts } from './parts.ts';
import { sha256 } from './sha256.ts';
import { ed25519Verify, type Signer } from './signer.ts';

// A change of the signing key is found in the log by key-in-force.ts.
//
// The notes are kept in the store at ledger/rotations, JSON: a cache of the log, out of which receipts get them.

const notesKey = 'ledger/rotations';
const native = { sha256, ed25519Verify };

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
