import {
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
  parseTilePath,
  payloadDigest,
  tileWidth,
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
  /** Appends any entry. Gives its position. */
  append(entry: LedgerEntry): number;
  /** A receipt for the entry at a position, under the head as it is now. */
  receipt(position: number): Promise<string>;
  /** The signed head, as it is now or was when the ledger had that size. */
  checkpoint(size?: number): Promise<string>;
  /** The proof that the ledger of `oldSize` entries is the beginning of this one. */
  consistency(oldSize: number): readonly Uint8Array[];
  /** The bytes of a hash tile by its path, `tile/0/000.p/3`, for as large as the ledger is now; undefined where there is none. */
  tile(path: string): Uint8Array | undefined;
  /** Replaces an entry that was promised to stay: what it signs from now on is a fork. */
  rewrite(position: number, entry: LedgerEntry): void;
}

const at = '2026-01-01T00:00:00.000Z';

/** Makes a {@link ProofForger}. `origin` is the name of its ledger. */
export async function proofForger(origin = 'ledger.example/test'): Promise<ProofForger> {
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
  if (!('privateKey' in pair)) throw new Error('this platform makes no Ed25519 keys');
  const rawKey = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  const leaves: Uint8Array[] = [];

  async function checkpoint(size = leaves.length): Promise<string> {
    const text = formatCheckpoint({ origin, size, root: merkleRoot(leaves.slice(0, size)) });
    const bytes = new TextEncoder().encode(text);
    const signature = new Uint8Array(await crypto.subtle.sign('Ed25519', pair.privateKey, bytes));
    return formatNote(text, [{ name: origin, keyId: noteKeyId(origin, rawKey), signature }]);
  }

  function append(entry: LedgerEntry): number {
    const bytes = encodeEntry(entry);
    return leaves.push(leafHash(bytes)) - 1;
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
    tile: (path) => tileBytes(path, leaves),
    append,
    receipt,
    checkpoint,
    consistency: (oldSize) => consistencyProof(leaves, oldSize),
    rewrite(position, entry) {
      const bytes = encodeEntry(entry);
      leaves[position] = leafHash(bytes);
    },
    async accept(request = {}, changes = {}) {
      const salt = toBase64(crypto.getRandomValues(new Uint8Array(48)));
      const entry = acceptedEntry(leaves.length, request, digestOf(salt, request), changes);
      const position = append(entry);
      return resourceOf(entry, toBase64(encodeEntry(entry)), salt, await receipt(position));
    },
  };
}

const tileHeight = 8;

function tileBytes(path: string, leaves: readonly Uint8Array[]): Uint8Array | undefined {
  const name = parseTilePath(path);
  if (name === undefined || name.level === 'entries') return undefined;
  const span = 2 ** (name.level * tileHeight);
  const bytes = new Uint8Array(name.width * 32);
  for (let i = 0; i < name.width; i++) {
    const first = (name.index * tileWidth + i) * span;
    if (first + span > leaves.length) return undefined;
    bytes.set(merkleRoot(leaves.slice(first, first + span)), i * 32);
  }
  return bytes;
}

function digestOf(salt: string, request: ForgedRequest): string {
  const { method = 'POST', url = '/orders', contentType, body = '' } = request;
  const recorded = { method, url, contentType, body: new TextEncoder().encode(body) };
  return payloadDigest(recorded, salt) ?? '';
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
