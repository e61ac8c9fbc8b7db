import {
  type DeferralResource,
  decodeRotations,
  formatReceipt,
  fromBase64,
  judgePromise,
  type LedgerEntry,
  outcomeDigest,
  type PromiseState,
  type ProvenEntry,
  parseEntry,
  parseReceipt,
  toBase64,
  verifyCheckpoint,
  verifyReceipt,
  walkRotations,
} from '@slackwater/shared';
import { isAxiosError } from 'axios';
import type { AuditEntry } from '../audit/types.ts';
import { LedgerForkError } from '../errors/fork.ts';
import { ParameterRefusedError, ReceiptMismatchError } from '../errors/trust.ts';
import { proveConsistency } from './consistency.ts';
import { type Head, readHead } from './head.ts';
import type { KeptReceipt, ReceiptBook, SeenCheckpoint } from './receipt-book.ts';
import { type FetchTile, TileTree } from './tile-tree.ts';

/** What was proven of a deferral. Whatever does not hold is an error, so what is here holds. */
export interface Verification {
  readonly id: string;
  /** The ledger's name. */
  readonly origin: string;
  /** Where its `accepted` entry stands. */
  readonly index: number;
  /** That entry. */
  readonly entry: LedgerEntry;
  /**
   * Whether that is the very entry of the request that this client sent: its receipt was kept then, and its digest compared with the request.
   * False where the proof had to be asked for now.
   */
  readonly isOwn: boolean;
  /** The signed head that all of it was proven under. */
  readonly head: SeenCheckpoint;
  /** How many heads that were seen before were proven to be its beginnings. */
  readonly consistentWith: number;
  /** The later entries about it, each proven to be in the ledger; undefined where the caller may not read them. */
  readonly later: readonly LedgerEntry[] | undefined;
  /**
   * `matches`: the outcome that the server gives has the digest that is in the ledger. `none`: there is no outcome to compare. `unknown`:
   * the caller may not read the entries.
   */
  readonly outcome: 'matches' | 'none' | 'unknown';
  /** What became of the promise to perform it or report in time. */
  readonly promise: PromiseState;
}

/** What a deferral is verified by. */
export interface VerificationSources {
  readonly verifierKeys: readonly string[];
  readonly book: ReceiptBook;
  deferral(id: string): Promise<DeferralResource>;
  entries(id: string): Promise<readonly AuditEntry[]>;
  checkpoint(group: string): Promise<string>;
  rotations(group: string): Promise<readonly string[]>;
  tile(group: string): FetchTile;
  /** The bytes that the outcome's digest is taken over. */
  outcomeRecord(id: string): Promise<Uint8Array>;
}

/**
 * Proves what became of a deferral, as far as this caller can see: see {@link Verification}.
 *
 * @throws LedgerForkError, ReceiptMismatchError, AnswerMalformedError, ReceiptStoreError, ParameterRefusedError without verifier keys; SlackwaterErrors of signatures
 * that do not verify; AxiosErrors of answers.
 */
export async function verifyDeferral(id: string, sources: VerificationSources): Promise<Verification> {
  const { book, verifierKeys } = sources;
  if (verifierKeys.length === 0) {
    throw new ParameterRefusedError(
      'Nothing can be verified without verifierKeys: give the ledger\u2019s verifier key to the client.',
    );
  }
  const kept = await book.kept(id);
  const proof = kept ?? (await presentProof(id, sources));
  const bytes = bytesOf(id, proof.entry);
  const entry = parseEntry(bytes);
  if (entry.id !== id || entry.type !== 'accepted')
    throw new ReceiptMismatchError(id, 'its entry is another one');
  const accepted = verifyReceipt(proof.receipt, { entry: bytes, verifierKeys });
  await book.saw(accepted, parseReceipt(proof.receipt).checkpoint);
  const { head, tree, consistentWith } = await presentHead(entry.group, sources);
  if (head.origin !== accepted.origin)
    throw new ReceiptMismatchError(id, 'the head is that of another ledger');
  const prove = async (position: number, one: Uint8Array): Promise<ProvenEntry> => {
    const { extra } = head;
    const inclusion = await tree.inclusion(position);
    const receipt = formatReceipt({
      index: position,
      proof: inclusion,
      checkpoint: head.note,
      ...(extra === undefined ? {} : { extra }),
    });
    verifyReceipt(receipt, { entry: one, verifierKeys });
    return { entry: one, receipt };
  };
  await prove(accepted.index, bytes);
  const later = await laterEntries(id, accepted.index, tree.size, sources, prove);
  const { extra: _rotations, ...shown } = head;
  return {
    id,
    origin: head.origin,
    index: accepted.index,
    entry,
    isOwn: kept?.isOwn === true,
    head: shown,
    consistentWith,
    later: later?.map((one) => parseEntry(one.entry)),
    outcome: later === undefined ? 'unknown' : await compareOutcome(id, proof.salt, later, sources),
    promise: judgePromise({ entry: bytes, receipt: proof.receipt }, verifierKeys, { later: later ?? [] }),
  };
}

async function presentProof(id: string, sources: VerificationSources): Promise<Omit<KeptReceipt, 'isOwn'>> {
  const { receipt, entry, salt } = await sources.deferral(id);
  return { receipt, entry, salt };
}

function bytesOf(id: string, base64: string): Uint8Array {
  const bytes = fromBase64(base64);
  if (bytes === undefined) throw new ReceiptMismatchError(id, 'its entry is not base64');
  return bytes;
}

/** The head as it is now, or a later one that was seen: a host of several may be a little behind. */
async function presentHead(
  group: string,
  sources: VerificationSources,
): Promise<{ head: Head; tree: TileTree; consistentWith: number }> {
  const { book, verifierKeys } = sources;
  const present = await readHead({
    verifierKeys,
    checkpoint: () => sources.checkpoint(group),
    rotations: () => sources.rotations(group),
  });
  const seen = (await book.seen(present.origin)).filter(
    ({ size, root }) => size !== present.size || root !== present.root,
  );
  const known = seen.filter((one) => one.size <= present.size || isSigned(one, present, verifierKeys));
  const largest = known.reduce<SeenCheckpoint>((most, one) => (one.size > most.size ? one : most), present);
  const head: Head = largest === present ? present : { ...largest, extra: present.extra };
  const tree = new TileTree(head.size, sources.tile(group));
  const others = largest === present ? known : [present, ...known.filter((one) => one !== largest)];
  try {
    await proveConsistency(others, head, tree, (one) => isSigned(one, present, verifierKeys));
  } catch (error) {
    if (largest === present || !isForbidden(error)) throw error;
    const what = `it had ${largest.size} entries and now has ${present.size}`;
    throw new LedgerForkError(evidenceOf(largest), evidenceOf(present), what);
  }
  await book.proven(head.origin, others, evidenceOf(head));
  return { head, tree, consistentWith: others.length };
}

/** A store may be damaged: what it says of a head counts where a key of the ledger has signed that very head. */
function isSigned(
  { note, size, root }: SeenCheckpoint,
  { extra }: Head,
  verifierKeys: readonly string[],
): boolean {
  try {
    const { met } = walkRotations(verifierKeys, decodeRotations(extra));
    const signed = verifyCheckpoint(note, met);
    return signed.size === size && toBase64(signed.root) === root;
  } catch {
    return false;
  }
}

function evidenceOf({ origin, size, root, note }: SeenCheckpoint): SeenCheckpoint {
  return { origin, size, root, note };
}

async function laterEntries(
  id: string,
  index: number,
  size: number,
  sources: VerificationSources,
  prove: (position: number, entry: Uint8Array) => Promise<ProvenEntry>,
): Promise<readonly ProvenEntry[] | undefined> {
  const entries = await unlessForbidden(sources.entries(id));
  if (entries === undefined) return undefined;
  // What came after the head was read is for the next time.
  const later = entries.filter(({ position }) => position > index && position < size);
  return await Promise.all(
    later.map(({ position, entry }) => prove(position, new TextEncoder().encode(entry))),
  );
}

async function compareOutcome(
  id: string,
  salt: string,
  later: readonly ProvenEntry[],
  sources: VerificationSources,
): Promise<'matches' | 'none'> {
  const digest = later
    .map(({ entry }) => parseEntry(entry))
    .findLast(({ outcome, retryAt }) => outcome !== undefined && retryAt === undefined)?.outcome;
  if (digest === undefined) return 'none';
  const record = await unlessForbidden(sources.outcomeRecord(id));
  // Outcomes are kept for days, digests for good.
  if (record === undefined) return 'none';
  if (outcomeDigest(record, salt) === digest) return 'matches';
  throw new ReceiptMismatchError(
    id,
    'the outcome that the server gives is not the one whose digest is in the ledger',
  );
}

async function unlessForbidden<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}

function isForbidden(error: unknown): boolean {
  return isAxiosError(error) && [401, 403, 404, 410].includes(error.response?.status ?? 0);
}
