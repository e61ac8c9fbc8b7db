import {
  type DeferralResource,
  fromBase64,
  type LedgerEntry,
  parseEntry,
  parseReceipt,
  payloadDigest,
  type RecordedRequest,
  verifyReceipt,
} from '@slackwater/shared';
import { ReceiptMismatchError } from '../errors/trust.ts';

/** What the caller knows of what should have been recorded. */
export interface ExpectedRecord {
  /** The deferral's id where it is known from elsewhere than the resource. */
  readonly id: string | undefined;
  /** Upper case; undefined where the deferral was resumed without its request. */
  readonly method: string | undefined;
  readonly verifierKeys: readonly string[];
  /** What was sent, in each form that the server may have seen it in; empty where that is not known, or not to be compared. */
  readonly sent: readonly RecordedRequest[];
}

/**
 * Checks the proof that a deferral comes with: the entry is the `accepted` entry of this deferral and of this method, and agrees with
 * the resource; the receipt proves that it is in the ledger of one of the verifier keys. Without keys the receipt's structure alone
 * is checked. With keys, the digest in the entry is compared with what was sent.
 *
 * @returns whether the receipt was verified under a key.
 * @throws ReceiptMismatchError naming what does not hold.
 */
export function checkReceipt(resource: DeferralResource, expected: ExpectedRecord): boolean {
  const { id } = resource;
  if (expected.id !== undefined && expected.id !== id) {
    throw new ReceiptMismatchError(expected.id, `the resource is that of deferral ${id}`);
  }
  const bytes = fromBase64(resource.entry);
  if (bytes === undefined) throw new ReceiptMismatchError(id, 'its entry is not base64');
  const entry = readEntry(id, bytes);
  const fault = disagreement(entry, resource, expected.method) ?? otherRequest(entry, resource, expected);
  if (fault !== undefined) throw new ReceiptMismatchError(id, fault);
  try {
    if (expected.verifierKeys.length === 0) parseReceipt(resource.receipt);
    else verifyReceipt(resource.receipt, { entry: bytes, verifierKeys: expected.verifierKeys });
  } catch (error) {
    throw new ReceiptMismatchError(id, error instanceof Error ? error.message : 'it cannot be read', error);
  }
  return expected.verifierKeys.length > 0;
}

function readEntry(id: string, bytes: Uint8Array): LedgerEntry {
  try {
    return parseEntry(bytes);
  } catch (error) {
    throw new ReceiptMismatchError(id, 'its entry is none', error);
  }
}

function otherRequest(
  { payload }: LedgerEntry,
  { salt }: DeferralResource,
  { sent, verifierKeys }: ExpectedRecord,
): string | undefined {
  if (sent.length === 0 || verifierKeys.length === 0) return undefined;
  if (sent.some((request) => payloadDigest(request, salt) === payload)) return undefined;
  return "its digest is not that of the request that was sent (where something on the way rewrites paths or bodies, say requestDigest: 'ignore')";
}

function disagreement(
  entry: LedgerEntry,
  resource: DeferralResource,
  method: string | undefined,
): string | undefined {
  if (entry.type !== 'accepted') return `its entry is of type ${entry.type}, not accepted`;
  if (entry.id !== resource.id) return `its entry is that of deferral ${entry.id}`;
  if (method !== undefined && entry.method !== method)
    return `its entry is for ${entry.method}, the request was ${method}`;
  for (const member of ['group', 'application', 'workType', 'partition'] as const) {
    if (entry[member] !== resource[member]) return `entry and resource differ in ${member}`;
  }
  if (entry.payload === undefined) return 'its entry has no digest of the request';
  return undefined;
}
