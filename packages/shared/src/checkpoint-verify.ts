import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import type { VerifyOptions } from './ed25519.ts';
import { type NoteSignature, openNote } from './note.ts';
import { NoteUnverifiedError } from './verification-errors.ts';

/** A checkpoint that the key named as its origin has signed. */
export interface VerifiedCheckpoint extends Checkpoint {
  /** The known keys that signed it. */
  readonly signatures: readonly NoteSignature[];
}

/**
 * Verifies a signed checkpoint under the given verifier keys. One of them must bear the origin's name: a known key of
 * another ledger says nothing about this one.
 *
 * Throws `note-malformed`, `note-unverified`, `checkpoint-malformed`, or `verifier-key-malformed`.
 */
export function verifyCheckpoint(
  note: string,
  verifierKeys: readonly string[],
  options?: VerifyOptions,
): VerifiedCheckpoint {
  const { text, signatures } = openNote(note, verifierKeys, options);
  const checkpoint = parseCheckpoint(text);
  if (!signatures.some(({ name }) => name === checkpoint.origin)) {
    throw new NoteUnverifiedError('the key that signed it is not named as its origin');
  }
  return { ...checkpoint, signatures };
}
