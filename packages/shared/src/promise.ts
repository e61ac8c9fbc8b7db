/** What became of the promise in an `accepted` entry. `docs/ledger-format.md`, "Promises". */
import { copyOfBytes } from './bytes.ts';
import { verifyCheckpoint } from './checkpoint-verify.ts';
import type { VerifyOptions } from './ed25519.ts';
import type { LedgerEntry } from './entry.ts';
import { parseEntry } from './entry-codec.ts';
import { GrowingTree } from './growing-tree.ts';
import { leafHash } from './merkle-hash.ts';
import { verifyReceipt } from './receipt-verify.ts';
import { ReceiptUnverifiedError } from './verification-errors.ts';

/** An entry of the ledger and the receipt for it (C2SP tlog-proof). */
export interface ProvenEntry {
  readonly entry: Uint8Array;
  readonly receipt: string;
}

/** What is known of the ledger after the acceptance; the more is given, the more can be said. */
export interface PromiseEvidence {
  /** Later entries about the deferral, each with its receipt, in any order. */
  readonly later?: readonly ProvenEntry[];
  /** All entries of the ledger from its first, up to the size of `checkpoint`. */
  readonly whole?: { readonly entries: Iterable<Uint8Array>; readonly checkpoint: string };
}

/** What became of a promise. */
export type PromiseState =
  /** The entry promises nothing. */
  | { readonly state: 'none' }
  /** Settled, or reported as what can't be done by itself, in time. `by` is the entry that says so. */
  | { readonly state: 'kept'; readonly deadlineAt: string; readonly by: LedgerEntry }
  /** The ledger says so itself: `by` is the entry that came late, or by which it went past the deadline. */
  | { readonly state: 'broken'; readonly deadlineAt: string; readonly by: LedgerEntry }
  /** Nothing of what was given decides it. */
  | { readonly state: 'open'; readonly deadlineAt: string };

/**
 * Judges the promise that the operator signed with an acceptance: to perform the request, or to report what became of it, by
 * `deadlineAt`. Everything it goes by is verified: `accepted` and `later` by their receipts, `whole` by its checkpoint, all of the
 * ledger that one of the verifier keys is named after. Time is what the entries say; nobody's clock is asked.
 *
 * Throws as `verifyReceipt` does; `receipt-unverified` also for `later` or `whole` of another ledger or deferral, and for a `whole`
 * that is not what its checkpoint was signed for or lacks the acceptance; `entry-malformed` for what is no entry.
 */
export function judgePromise(
  accepted: ProvenEntry,
  verifierKeys: readonly string[],
  { later = [], whole }: PromiseEvidence = {},
  options?: VerifyOptions,
): PromiseState {
  const { origin, index } = verifyReceipt(accepted.receipt, { entry: accepted.entry, verifierKeys }, options);
  const { type, id, deadlineAt } = parseEntry(accepted.entry);
  if (type !== 'accepted') throw new ReceiptUnverifiedError(`the entry is ${type}, and no acceptance`);
  if (deadlineAt === undefined) return { state: 'none' };
  const steps = later.flatMap(({ entry, receipt }) => {
    const proven = verifyReceipt(receipt, { entry, verifierKeys }, options);
    const parsed = parseEntry(entry);
    const isOwn = proven.origin === origin && proven.index > index && parsed.id === id;
    if (!isOwn) throw new ReceiptUnverifiedError('an entry is of another ledger or deferral, or not later');
    return [parsed];
  });
  const deadline = Date.parse(deadlineAt);
  const sought = { ...accepted, index, origin, id, passedAt: deadline + toleranceMs };
  const log = whole && searched(whole, sought, verifierKeys, options);
  const inTime = (entry: LedgerEntry): boolean => Date.parse(entry.at) <= deadline;
  const own = [...steps, ...(log?.own ?? [])];
  const kept = own.find((entry) => isReport(entry) && inTime(entry));
  if (kept !== undefined) return { state: 'kept', deadlineAt, by: kept };
  const admitted = own.find((entry) => entry.type === 'overdue' || (isEnd(entry) && !inTime(entry)));
  const broken = admitted ?? log?.passed;
  return broken === undefined ? { state: 'open', deadlineAt } : { state: 'broken', deadlineAt, by: broken };
}

/**
 * Hosts append to one log by clocks of their own: that the ledger went on past a deadline is believed from an entry that is this
 * much later, ms.
 */
const toleranceMs = 60_000;

/** Whether it settles the deferral. */
function isEnd({ type, retryAt }: LedgerEntry): boolean {
  return type === 'performed' || type === 'canceled' || (type === 'failed' && retryAt === undefined);
}

/** Whether it says what became of the deferral: it is settled, or waits for somebody to look at it. */
function isReport(entry: LedgerEntry): boolean {
  return isEnd(entry) || entry.type === 'parked';
}

/** What of a whole ledger, once it is verified, bears upon a promise. */
interface Searched {
  /** Later entries about the deferral. */
  readonly own: readonly LedgerEntry[];
  /** The first entry from which the ledger went past the deadline. */
  readonly passed: LedgerEntry | undefined;
}

function searched(
  { entries, checkpoint }: NonNullable<PromiseEvidence['whole']>,
  accepted: {
    readonly entry: Uint8Array;
    readonly index: number;
    readonly origin: string;
    readonly id: string;
    readonly passedAt: number;
  },
  verifierKeys: readonly string[],
  options: VerifyOptions | undefined,
): Searched {
  const { origin, size, root } = verifyCheckpoint(checkpoint, verifierKeys, options);
  if (origin !== accepted.origin) throw new ReceiptUnverifiedError('the checkpoint is of another ledger');
  const tree = new GrowingTree(options);
  const own: LedgerEntry[] = [];
  let passed: LedgerEntry | undefined;
  for (const entry of entries) {
    const bytes = copyOfBytes(entry);
    if (bytes === undefined) throw new ReceiptUnverifiedError('an entry is not a Uint8Array');
    if (tree.size >= size) throw new ReceiptUnverifiedError('there are more entries than the checkpoint has');
    if (tree.size > accepted.index) {
      const parsed = parseEntry(bytes);
      if (parsed.id === accepted.id) own.push(parsed);
      if (Date.parse(parsed.at) > accepted.passedAt) passed ??= parsed;
    } else if (tree.size === accepted.index && !isSame(bytes, accepted.entry)) {
      throw new ReceiptUnverifiedError('the acceptance is not where its receipt says');
    }
    tree.append(leafHash(bytes, options));
  }
  if (tree.size !== size || size <= accepted.index || !isSame(tree.root(), root)) {
    throw new ReceiptUnverifiedError('the entries are not those that the checkpoint was signed for');
  }
  return { own, passed };
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
