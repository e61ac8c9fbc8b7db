import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import {
  type DeferralResource,
  encodeEntry,
  formatCheckpoint,
  formatNote,
  formatReceipt,
  formatVerifierKey,
  type LedgerEntry,
  leafHash,
  noteKeyId,
  payloadDigest,
} from '@slackwater/shared';

/** Deferrals of POST requests, as a gate gives them: each with a receipt that holds. */
export interface Deferrals {
  readonly verifierKey: string;
  /** Of the next request. */
  next(url: string, contentType: string, body: string): DeferralResource;
}

const origin = 'ledger.example/bench';
const at = '2026-01-01T00:00:00.000Z';

/** Makes them, each alone in a ledger of its own, for a proof of ten thousand would be for the server alone to make. */
export function deferrals(): Deferrals {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const key = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
  const receiptOf = (entry: Uint8Array): string => {
    const text = formatCheckpoint({ origin, size: 1, root: leafHash(entry) });
    const signature = new Uint8Array(sign(null, Buffer.from(text), privateKey));
    const checkpoint = formatNote(text, [{ name: origin, keyId: noteKeyId(origin, key), signature }]);
    return formatReceipt({ index: 0, proof: [], checkpoint });
  };
  let made = 0;
  return {
    verifierKey: formatVerifierKey(origin, key),
    next(url, contentType, body) {
      const id = `01JQ${String(made++).padStart(22, '0')}`;
      const salt = randomBytes(48).toString('base64');
      const named = { group: 'default', application: 'bench', workType: 'order', partition: 'orders' };
      const recorded = { method: 'POST', url, contentType, body: new TextEncoder().encode(body) };
      const payload = payloadDigest(recorded, salt);
      const entry: LedgerEntry = {
        ...{ v: 1, type: 'accepted', id, at, method: 'POST', route: url, requester: 'r-1' },
        ...{ ...named, reasons: ['over-threshold'], ...(payload === undefined ? {} : { payload }) },
      };
      const bytes = encodeEntry(entry);
      return {
        ...{ id, ...named, status: 'NotStarted', phase: 'queued', createdAt: at, updatedAt: at },
        ...{ attempts: 0, postponements: 0, portion: 'all', durable: 'fsync' },
        resourceLocation: `/slackwater/deferrals/${id}/outcome?capability=${randomBytes(32).toString('base64url')}`,
        receipt: receiptOf(bytes),
        entry: Buffer.from(bytes).toString('base64'),
        salt,
      };
    },
  };
}
