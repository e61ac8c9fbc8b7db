import {
  canonicalJson,
  consistencyProof,
  type DeferralResource,
  encodeEntry,
  formatCheckpoint,
  formatNote,
  formatReceipt,
  formatVerifierKey,
  inclusionProof,
  type LedgerEntry,
  leafHash,
  merkleRoot,
  noteKeyId,
  toBase64,
} from '@slackwater/shared';

/** A request as a ledger records it. */
export interface ForgedRequest {
  /** Upper case. Default `POST`. */
  readonly method?: string;
  /** Path and query. Default `/orders`. */
  readonly url?: string;
  readonly contentType?: string;
  /** Default none. */
  readonly body?: string;
}

/** A ledger in memory that signs whatever it is told to, with a key of its own. */
export interface ProofForger {
  /** The C2SP verifier key that its signatures verify under. */
  readonly verifierKey: string;
  /** How many entries it has. */
  readonly size: number;
  /** Appends an `accepted` entry for a request, and gives its deferral, queued, with a receipt that holds. */
  accept(request?: ForgedRequest, changes?: Partial<LedgerEntry>): Promise<DeferralResource>;
  /** Appends any entry. Resolves with its position. */
  append(entry: LedgerEntry): Promise<number>;
  /** A receipt for the entry at a position, under the head as it is now. */
  receipt(position: number): Promise<string>;
  /** The signed head, as it is now or was when the ledger had that size. */
  checkpoint(size?: number): Promise<string>;
  /** The proof that the ledger of `oldSize` entries is the beginning of this one. */
  consistency(oldSize: number): readonly Uint8Array[];
  /** Every leaf's hash. */
  readonly leaves: readonly Uint8Array[];
  /** Replaces an entry that was promised to stay: what it signs from now on is a fork. */
  rewrite(position: number, entry: LedgerEntry): void;
}

const at = '2026-01-01T00:00:00.000Z';

/** Makes a {@link ProofForger}. `origin` is the name of its ledger. */
export async function proofForger(origin = 'ledger.example/test'): Promise<ProofForger> {
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
  if (!('privateKey' in pair)) throw new Error('this platform makes no Ed25519 keys');
  const rawKey = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  const entries: Uint8Array[] = [];
  const leaves: Uint8Array[] = [];

  async function checkpoint(size = leaves.length): Promise<string> {
    const text = formatCheckpoint({ origin, size, root: merkleRoot(leaves.slice(0, size)) });
    const bytes = new TextEncoder().encode(text);
    const signature = new Uint8Array(await crypto.subtle.sign('Ed25519', pair.privateKey, bytes));
    return formatNote(text, [{ name: origin, keyId: noteKeyId(origin, rawKey), signature }]);
  }

  async function append(entry: LedgerEntry): Promise<number> {
    const bytes = encodeEntry(entry);
    leaves.push(leafHash(bytes));
    return entries.push(bytes) - 1;
  }

  async function receipt(position: number): Promise<string> {
    return formatReceipt({
      index: position,
      proof: inclusionProof(leaves, position),
      checkpoint: await checkpoint(),
    });
  }

  return {
    verifierKey: formatVerifierKey(origin, rawKey),
    get size() {
      return leaves.length;
    },
    leaves,
    append,
    receipt,
    checkpoint,
    consistency: (oldSize) => consistencyProof(leaves, oldSize),
    rewrite(position, entry) {
      const bytes = encodeEntry(entry);
      entries[position] = bytes;
      leaves[position] = leafHash(bytes);
    },
    async accept(request = {}, changes = {}) {
      const salt = crypto.getRandomValues(new Uint8Array(48));
      const entry = acceptedEntry(leaves.length, request, await digestOf(salt, request), changes);
      const position = await append(entry);
      return resourceOf(entry, toBase64(encodeEntry(entry)), toBase64(salt), await receipt(position));
    },
  };
}

async function digestOf(salt: Uint8Array, request: ForgedRequest): Promise<string> {
  const { method = 'POST', url = '/orders', contentType, body = '' } = request;
  const payload = canonicalJson({
    body: toBase64(new TextEncoder().encode(body)),
    ...(contentType === undefined ? {} : { contentType }),
    method,
    url,
  });
  const bytes = new TextEncoder().encode(payload);
  const salted = new Uint8Array([...salt, ...bytes]);
  return toBase64(new Uint8Array(await crypto.subtle.digest('SHA-256', salted)));
}

function acceptedEntry(
  nth: number,
  { method = 'POST', url = '/orders' }: ForgedRequest,
  payload: string,
  changes: Partial<LedgerEntry>,
): LedgerEntry {
  return {
    v: 1,
    type: 'accepted',
    id: `01JQ${String(nth).padStart(22, '0')}`,
    at,
    group: 'default',
    application: 'test',
    method,
    route: url.split('?', 1)[0] ?? url,
    workType: 'settle',
    partition: 'orders',
    requester: 'r-1',
    reasons: ['over-threshold'],
    payload,
    ...changes,
  };
}

function resourceOf(entry: LedgerEntry, bytes: string, salt: string, receipt: string): DeferralResource {
  const { id = '', application = '', group = '', workType = '', partition = '' } = entry;
  return {
    id,
    status: 'NotStarted',
    phase: 'queued',
    application,
    group,
    workType,
    partition,
    createdAt: at,
    updatedAt: at,
    attempts: 0,
    postponements: 0,
    portion: 'all',
    durable: 'fsync',
    resourceLocation: `/slackwater/deferrals/${id}/outcome?capability=${'c'.repeat(43)}`,
    receipt,
    entry: bytes,
    salt,
  };
}
