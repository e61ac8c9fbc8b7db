import { copyOfBytes } from './bytes.ts';
import { type VerifiedCheckpoint, verifyCheckpoint } from './checkpoint-verify.ts';
import type { VerifyOptions } from './ed25519.ts';
import { isSlackwaterError } from './errors.ts';
import { leafHash } from './merkle-hash.ts';
import { verifyInclusion } from './merkle-verify.ts';
import { parseReceipt } from './receipt.ts';
import { decodeRotations, walkRotations } from './rotation.ts';
import { ReceiptMalformedError, ReceiptUnverifiedError } from './verification-errors.ts';

/** What a receipt proves: the entry was number `index` of the ledger `origin` when that had `size` entries and `root`. */
export interface VerifiedReceipt extends VerifiedCheckpoint {
  readonly index: number;
}

/**
 * Verifies that `entry` (its very bytes) is in the ledger that one of the verifier keys is named after. Where a later key of the ledger
 * signed, the receipt's `extra` has the rotations that lead to it.
 *
 * Throws `receipt-malformed` (no receipt), `note-unverified` (no valid signature by a key named as the origin),
 * `receipt-unverified` (signed, and does not prove this entry), or `verifier-key-malformed`.
 */
export function verifyReceipt(
  text: string,
  { entry, verifierKeys }: { readonly entry: Uint8Array; readonly verifierKeys: readonly string[] },
  options?: VerifyOptions,
): VerifiedReceipt {
  const { index, proof, checkpoint: note, extra } = parseReceipt(text);
  const { met } = walkRotations(verifierKeys, decodeRotations(extra), options);
  const checkpoint = openCheckpoint(note, met, options);
  const { size, root } = checkpoint;
  const bytes = copyOfBytes(entry);
  if (bytes === undefined) throw new ReceiptUnverifiedError('the entry is not a Uint8Array');
  if (index >= size) throw new ReceiptUnverifiedError(`there is no entry ${index} among ${size}`);
  if (!verifyInclusion({ index, size, leafHash: leafHash(bytes, options), proof, root }, options)) {
    throw new ReceiptUnverifiedError(`entry ${index} of ${checkpoint.origin} is another one`);
  }
  return { ...checkpoint, index };
}

function openCheckpoint(
  note: string,
  verifierKeys: readonly string[],
  options: VerifyOptions | undefined,
): VerifiedCheckpoint {
  try {
    return verifyCheckpoint(note, verifierKeys, options);
  } catch (error) {
    if (
      isSlackwaterError(error) &&
      (error.code === 'note-malformed' || error.code === 'checkpoint-malformed')
    ) {
      throw new ReceiptMalformedError('its checkpoint is not a signed checkpoint', { cause: error });
    }
    throw error;
  }
}
