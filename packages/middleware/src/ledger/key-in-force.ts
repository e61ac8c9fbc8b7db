import { parseEntry, verifyRotation } from '@slackwater/shared';
import { engineLimits } from '../engines/limits.ts';
import { LedgerError } from './ledger-error.ts';
import { sha256 } from './sha256.ts';
import { ed25519Verify, type Signer } from './signer.ts';

// A change of the signing key. The entry `key-rotated` has a note (shared, rotation.ts) that the key in force and the next one have
// signed; the block that seals it is signed by both, and those behind it by the new one alone. Whoever seals or takes over
// a block looks into its entries for that. An entry whose note the key in force has not signed changes nothing.

const needle = Buffer.from('"type":"key-rotated"', 'utf8');
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

function noteIn(bytes: Uint8Array): unknown {
  try {
    return parseEntry(bytes).rotation;
  } catch {
    return undefined;
  }
}

function unknownKey(next: string): LedgerError {
  return new LedgerError(
    'ledger-keys-differ',
    `The ledger's signing key was changed to ${next}, and this host's key file does not have it: give it the newest one.`,
  );
}
