import {
  type DeferralResource,
  fromBase64,
  parseCheckpoint,
  parseReceipt,
  verifyReceipt,
} from '@slackwater/shared';
import { ReceiptStoreError } from '../errors/trust.ts';
import type { ReceiptBook } from '../proof/receipt-book.ts';
import { type ClientLog, tell } from '../telemetry.ts';
import { compareProof, type ProofTexts } from './known-proof.ts';
import { checkReceipt } from './receipt-check.ts';
import type { DeferredCall, SessionStart } from './session-start.ts';

/** What became of a proof: whether it was verified under a key, and when it is kept, or could not be. */
export interface TakenProof {
  readonly verified: boolean;
  /** Undefined where it is not to be. */
  readonly kept: Promise<void> | undefined;
}

/**
 * Checks the proof that a deferral comes with, and keeps it where it was verified. `id`: that of the deferral where it is known.
 *
 * @throws ReceiptMismatchError.
 */
export function takeProof(
  { method, sent, call }: Pick<SessionStart, 'method' | 'sent' | 'call'>,
  resource: DeferralResource,
  id: string | undefined,
): TakenProof {
  const { machinery, options } = call.sending;
  const compared = options.requestDigest === 'check' ? sent : [];
  const { verifierKeys } = options;
  const verified = checkReceipt(resource, { id, method, verifierKeys, sent: compared });
  if (!verified) return { verified, kept: undefined };
  return { verified, kept: keepProof(machinery.book, resource, compared.length > 0, options.onLog) };
}

/** A resource with a proof, and whether that is verified. */
export interface Proven {
  readonly resource: DeferralResource;
  readonly verified: boolean;
}

/**
 * A later answer with the proof that was verified, of which the marks alone were held: as the book has it. Where the book has it no more, with its own,
 * if that is verified and proves the same record.
 */
export async function provenAgain(
  { machinery, options }: DeferredCall['sending'],
  later: DeferralResource,
  marks: string,
): Promise<Proven> {
  const compared = compareProof(later, marks);
  if (compared === 'same') return { resource: later, verified: true };
  const kept = await machinery.book.kept(later.id).catch(() => undefined);
  if (kept !== undefined && compareProof(kept, marks) === 'same')
    return { resource: withProofOf(kept, later), verified: true };
  return { resource: later, verified: compared === 'same-record' && holds(later, options.verifierKeys) };
}

function holds({ receipt, entry }: DeferralResource, verifierKeys: readonly string[]): boolean {
  try {
    verifyReceipt(receipt, { entry: fromBase64(entry) ?? new Uint8Array(), verifierKeys });
    return true;
  } catch {
    return false;
  }
}

/** A later answer with the proof that was verified in the place of its own, of which nobody knows whether it holds. */
export function withProofOf({ receipt, entry, salt }: ProofTexts, later: DeferralResource): DeferralResource {
  return { ...later, receipt, entry, salt };
}

/** A store that fails does not fail the call: what was deferred is, and the server has its proof too. */
async function keepProof(
  book: ReceiptBook,
  resource: DeferralResource,
  isOwn: boolean,
  log: ClientLog | undefined,
): Promise<void> {
  try {
    // A deferral that is taken up again without its request must not replace the proof of who sent it.
    if (!isOwn && (await book.kept(resource.id)) !== undefined) return;
    await book.keep(resource, isOwn);
    const { checkpoint } = parseReceipt(resource.receipt);
    await book.saw(parseCheckpoint(checkpoint), checkpoint);
  } catch (error) {
    const why: unknown = error instanceof ReceiptStoreError ? error.cause : error;
    const message = `a receipt could not be kept: ${why instanceof Error ? why.message : String(why)}`;
    tell(log, { level: 'warn', step: 'store', message, facts: { id: resource.id } });
  }
}
