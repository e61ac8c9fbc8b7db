import { type DeferralResource, parseCheckpoint, parseReceipt } from '@slackwater/shared';
import { ReceiptStoreError } from '../errors/trust.ts';
import type { ReceiptBook } from '../proof/receipt-book.ts';
import { type ClientLog, tell } from '../telemetry.ts';
import { checkReceipt } from './receipt-check.ts';
import type { SessionStart } from './session-start.ts';

/** What became of a proof: whether it was verified under a key, and when it is kept, or could not be. */
export interface TakenProof {
  readonly verified: boolean;
  readonly kept: Promise<void>;
}

/**
 * Checks the proof that a deferral comes with, and keeps it where it was verified. `id`: that of the deferral where it is known.
 *
 * @throws ReceiptMismatchError.
 */
export function takeProof(
  { method, sent, book, options }: SessionStart,
  resource: DeferralResource,
  id: string | undefined,
): TakenProof {
  const compared = options.requestDigest === 'check' ? sent : [];
  const { verifierKeys } = options;
  const verified = checkReceipt(resource, { id, method, verifierKeys, sent: compared });
  const kept = verified ? keepProof(book, resource, compared.length > 0, options.onLog) : Promise.resolve();
  return { verified, kept };
}

/** A later answer with the proof that was verified in the place of its own, of which nobody knows whether it holds. */
export function withProofOf(
  { receipt, entry, salt }: DeferralResource,
  later: DeferralResource,
): DeferralResource {
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
