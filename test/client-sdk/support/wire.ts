import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import type { ServerResponse } from 'node:http';
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
} from '@slackwater/shared';
import { json } from './http-server.ts';

const origin = 'ledger.example/payments';
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const rawKey = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));

/** The key that signs the receipts of {@link resource}. */
export const verifierKey = formatVerifierKey(origin, rawKey);

/** A key of the same name that signs nothing here. */
export const otherVerifierKey = formatVerifierKey(
  origin,
  new Uint8Array(
    generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }).subarray(-32),
  ),
);

export const id = '01JQ0000000000000000000001';
export const capability = 'c'.repeat(43);
export const statusPath = `/slackwater/deferrals/${id}`;

const at = '2026-05-01T12:00:00.000Z';

export function entryOf(changes: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    v: 1,
    type: 'accepted',
    id,
    at,
    group: 'default',
    application: 'shop',
    method: 'POST',
    route: '/orders',
    workType: 'settle',
    partition: 'orders',
    requester: 'r-1',
    reasons: ['over-threshold'],
    payload: createHash('sha256').update('salt||payload').digest('base64'),
    ...changes,
  };
}

/** The receipt of an entry that is alone in its ledger. */
export function receiptFor(entry: LedgerEntry): string {
  const text = formatCheckpoint({ origin, size: 1, root: leafHash(encodeEntry(entry)) });
  const signature = new Uint8Array(sign(null, Buffer.from(text), privateKey));
  const note = formatNote(text, [{ name: origin, keyId: noteKeyId(origin, rawKey), signature }]);
  return formatReceipt({ index: 0, proof: [], checkpoint: note });
}

export function resource(changes: Partial<DeferralResource> = {}, entry = entryOf()): DeferralResource {
  return {
    id,
    status: 'NotStarted',
    phase: 'queued',
    application: 'shop',
    group: 'default',
    workType: 'settle',
    partition: 'orders',
    createdAt: at,
    updatedAt: at,
    attempts: 0,
    postponements: 0,
    portion: 'all',
    durable: 'fsync',
    resourceLocation: `${statusPath}/outcome?capability=${capability}`,
    receipt: receiptFor(entry),
    entry: Buffer.from(encodeEntry(entry)).toString('base64'),
    salt: Buffer.alloc(32).toString('base64'),
    ...changes,
  };
}

/** 202, as design and docs say it. */
export function defer(
  response: ServerResponse,
  body: unknown = resource(),
  headers: Record<string, string> = {},
): void {
  json(response, 202, body, {
    'operation-location': `${statusPath}?capability=${capability}`,
    location: `${statusPath}/outcome?capability=${capability}`,
    'retry-after': '1',
    vary: 'Prefer',
    'cache-control': 'no-store',
    'preference-applied': 'respond-async',
    ...headers,
  });
}

/** 503, nothing recorded. */
export function retryLater(
  response: ServerResponse,
  waitMs: number,
  changes: Record<string, unknown> = {},
): void {
  problem(response, 503, 'retry-later', {
    headers: {
      'retry-after': String(Math.ceil(waitMs / 1_000)),
      'slackwater-retry-after-ms': String(waitMs),
    },
    members: { recorded: false, retryable: true, retryAfterMs: waitMs, ...changes },
  });
}

export function problem(
  response: ServerResponse,
  status: number,
  code: string,
  {
    headers = {},
    members = {},
  }: { headers?: Record<string, string>; members?: Record<string, unknown> } = {},
): void {
  const body = {
    type: `urn:slackwater:problem:${code}`,
    title: code,
    status,
    detail: code,
    code,
    ...members,
  };
  json(response, status, body, { 'content-type': 'application/problem+json', ...headers });
}

/** The route's own answer, once it is there. */
export function outcome(response: ServerResponse, status: number, body: unknown): void {
  json(response, status, body, { 'slackwater-outcome': 'final' });
}
