import type { GateAudit } from '@slackwater/middleware';
import { fromBase64, verifyReceipt } from '@slackwater/shared';
import type { JournalEntry } from './journal.ts';

/** What verifying came to. */
export interface Verified {
  readonly ok: boolean;
  /** What was verified, or what is wrong; one sentence. */
  readonly says: string;
}

/**
 * Verifies the ledger from its stored bytes against a checkpoint that was kept earlier, and the receipt of every
 * deferral. `verifierKey` is what the callers were given at the beginning.
 */
export async function verifyProofs(
  audit: Pick<GateAudit, 'verify'>,
  kept: { readonly checkpoint: string; readonly verifierKey: string },
  journal: readonly JournalEntry[],
): Promise<Verified> {
  const deferred = journal.filter(({ deferral }) => deferral !== undefined);
  for (const { reference, proof } of deferred) {
    if (proof === undefined) return { ok: false, says: `${reference} was deferred and has no receipt.` };
    const entry = fromBase64(proof.entry);
    if (entry === undefined) return { ok: false, says: `The entry of ${reference} is no base64.` };
    try {
      verifyReceipt(proof.receipt, { entry, verifierKeys: [kept.verifierKey] });
    } catch (error) {
      return { ok: false, says: `The receipt of ${reference} does not verify: ${String(error)}` };
    }
  }
  const report = await audit.verify(kept.checkpoint);
  if (!report.ok) return { ok: false, says: `The ledger does not verify: ${report.message}.` };
  return {
    ok: true,
    says: `${report.size} entries in ${report.blocks} blocks and ${deferred.length} receipts verify.`,
  };
}
