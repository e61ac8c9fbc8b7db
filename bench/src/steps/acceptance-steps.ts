import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { formatCheckpoint, formatReceipt, leafHash, nodeHash } from '@slackwater/shared';
import { makeCapability } from '../../../packages/middleware/dist/ledger/capabilities.js';
import type { Acceptance } from '../../../packages/middleware/dist/ledger/deferral.js';
import { acceptedEntry, entryBytes } from '../../../packages/middleware/dist/ledger/make-entry.js';
import { makeSalt, payloadDigest } from '../../../packages/middleware/dist/ledger/payload-digest.js';
import { sealPayload } from '../../../packages/middleware/dist/ledger/payload-record.js';
import { cutRequest } from '../../../packages/middleware/dist/ledger/request-parameters.js';
import { sha256 } from '../../../packages/middleware/dist/ledger/sha256.js';
import { openVault } from '../../../packages/middleware/dist/ledger/vault.js';
import { orderText } from '../order.ts';
import type { Step } from './steps-process.ts';

const pseudonym = 'AAAAAAAAAAAAAAAAAAAAAA';
const id = '01KC0000000000000000000000';
/** Of a ledger of a hundred thousand entries. */
const proofHashes = 17;

const request = {
  method: 'POST',
  url: '/orders',
  headers: [['content-type', 'application/json']],
  body: Buffer.from(orderText),
  remoteAddress: '127.0.0.1',
  identity: undefined,
} as const;

const acceptance: Acceptance = {
  request,
  route: '/orders',
  workType: 'order',
  priority: 2,
  partition: 'orders',
  requester: 'somebody',
  reasons: ['over-threshold'],
};

/** What is done for each deferral that is accepted, on the thread that serves. */
export function acceptanceSteps(): Record<string, Step> {
  const vault = openVault({ id: 'abcdef01', key: randomBytes(32) });
  const facts = {
    ...makeSalt(request),
    ...{ method: 'POST', priority: 2, orderKey: undefined, completionKey: id },
    ...{ capability: makeCapability().hash, logSize: 5 },
  };
  let records = 0;
  const seal = (chosen: Parameters<typeof sealPayload>[3]): Step => {
    return () => sealPayload({ vault, pseudonym, id: `${id}${records++}` }, facts, request, chosen);
  };
  const entry = (): Uint8Array =>
    entryBytes(
      acceptedEntry({ application: 'bench', group: 'main' }, acceptance, {
        ...{ id, requester: pseudonym, payload: randomDigest, nowMs: 1.7e12, deadlineAt: undefined },
      }),
    );
  const bytes = entry();
  const proof = Array.from({ length: proofHashes }, () => randomBytes(32));
  const [left = bytes, right = bytes] = proof;
  const { privateKey } = generateKeyPairSync('ed25519');
  const checkpoint = formatCheckpoint({ origin: 'bench/main', size: 100_000, root: randomBytes(32) });
  const note = Buffer.from(checkpoint);
  return {
    'acceptance: the request cut into its parameters': () => cutRequest(request, 'all'),
    'acceptance: cut, and each parameter encrypted by itself': seal('all'),
    'acceptance: cut, and all encrypted together': seal(new Set()),
    'acceptance: salt and digest': () => payloadDigest(makeSalt(request).salt, request),
    'acceptance: a capability and its hash': makeCapability,
    'acceptance: the entry as canonical JSON': entry,
    'acceptance: the receipt as text': () => formatReceipt({ index: 5, proof, checkpoint }),
    'sealing: the hash of an entry': () => leafHash(bytes, { sha256 }),
    'sealing: the hash of two hashes': () => nodeHash(left, right, { sha256 }),
    'sealing: a signature, one for each batch': () => sign(null, note, privateKey),
  };
}

const randomDigest = randomBytes(32).toString('base64');
