import {
  encodeRotations,
  isSlackwaterError,
  toBase64,
  type VerifiedCheckpoint,
  verifyCheckpoint,
  walkRotations,
} from '@slackwater/shared';
import type { SeenCheckpoint } from './receipt-book.ts';

/** The signed head of a ledger, and what it takes to verify it. */
export interface Head extends SeenCheckpoint {
  /** The rotations of its key, from the first one: what goes into receipts as `extra`. */
  readonly extra: Uint8Array | undefined;
}

/** What the head of a ledger is read from. */
export interface HeadSource {
  readonly verifierKeys: readonly string[];
  /** The checkpoint resource of the ledger. */
  checkpoint(): Promise<string>;
  /** The rotations of its signing key, as anybody may read them; empty where they can't be. */
  rotations(): Promise<readonly string[]>;
}

/**
 * The present head, verified: one of the keys signed it, or one that they lead to, for the signing key may have been changed since.
 *
 * @throws SlackwaterError `note-unverified`, `note-malformed`, `checkpoint-malformed`.
 */
export async function readHead(source: HeadSource): Promise<Head> {
  const note = await source.checkpoint();
  const { verifierKeys } = source;
  try {
    return headOf(verifyCheckpoint(note, verifierKeys), note, undefined);
  } catch (error) {
    if (!isSlackwaterError(error) || error.code !== 'note-unverified') throw error;
    const rotations = await source.rotations();
    const { met } = walkRotations(verifierKeys, rotations);
    return headOf(verifyCheckpoint(note, met), note, encodeRotations(rotations));
  }
}

function headOf(
  { origin, size, root }: VerifiedCheckpoint,
  note: string,
  extra: Uint8Array | undefined,
): Head {
  return { origin, size, root: toBase64(root), note, extra };
}
