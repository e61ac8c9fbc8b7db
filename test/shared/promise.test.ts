import {
  encodeEntry,
  formatReceipt,
  inclusionProof,
  judgePromise,
  type LedgerEntry,
  leafHash,
  type PromiseState,
  type ProvenEntry,
} from '@slackwater/shared';
import { describe, expect, it } from 'vitest';
import { checkpointOf, entryOf, signerOf } from './ledger-maker.ts';

const signer = signerOf('shop/ledger', 7);
const keys = [signer.verifierKey];
const id = entryOf(1).id;
/** A minute after the acceptance; entries' times are in ms after the first. */
const deadlineAt = entryOf(60_001).at;
const accepted: LedgerEntry = { ...entryOf(1), deadlineAt };
const { payload: _, ...other } = entryOf(0);
const at = (ms: number, more: Partial<LedgerEntry>): LedgerEntry => ({
  ...other,
  id,
  at: entryOf(ms).at,
  ...more,
});
const performed = (ms: number): LedgerEntry => at(ms, { type: 'performed', attempt: 1, status: 200 });
const overdue = (ms: number): LedgerEntry => at(ms, { type: 'overdue', deadlineAt });
const stranger = (ms: number): LedgerEntry => entryOf(ms);

/** The entries in a ledger behind the acceptance, each proven by its head. */
function ledgerOf(
  entries: readonly LedgerEntry[],
  by = signer,
): {
  readonly bytes: readonly Uint8Array[];
  readonly proven: readonly ProvenEntry[];
  readonly checkpoint: string;
} {
  const bytes = [stranger(0), accepted, ...entries].map(encodeEntry);
  const checkpoint = checkpointOf(bytes, bytes.length, by);
  const leaves = bytes.map((entry) => leafHash(entry));
  const proven = bytes.map((entry, index) => ({
    entry,
    receipt: formatReceipt({ index, proof: inclusionProof(leaves, index), checkpoint }),
  }));
  return { bytes, proven, checkpoint };
}

/** What is said of the promise from proofs of single entries, and from the whole ledger. */
function judged(entries: readonly LedgerEntry[]): readonly PromiseState['state'][] {
  const { bytes, proven, checkpoint } = ledgerOf(entries);
  const [, promise, ...later] = proven;
  if (promise === undefined) throw new Error('no acceptance');
  const own = later.filter((_entry, i) => entries[i]?.id === id);
  return [
    judgePromise(promise, keys, { later: own }).state,
    judgePromise(promise, keys, { whole: { entries: bytes, checkpoint } }).state,
  ];
}

describe('a promise in an acceptance is', () => {
  it.each([
    ['performed', performed(60_001)],
    ['failed for good', at(50_000, { type: 'failed', error: 'route-refused' })],
    ['canceled', at(50_000, { type: 'canceled', error: 'canceled-by-requester' })],
    ['parked, to be looked at', at(50_000, { type: 'parked', error: 'route-missing' })],
  ])('kept where the request was %s by the deadline', (_what, entry) => {
    expect(judged([stranger(20), entry, stranger(200_000)])).toEqual(['kept', 'kept']);
  });

  it('open while the ledger has nothing that decides it', () => {
    const retried = at(50_000, { type: 'failed', error: 'route-failed', retryAt: entryOf(70_000).at });
    for (const entries of [[], [stranger(50_000)], [at(2, { type: 'performing', attempt: 1 }), retried]]) {
      expect(judged(entries)).toEqual(['open', 'open']);
    }
    // Clocks of hosts differ: that the ledger is a moment past the deadline says nothing yet.
    expect(judged([stranger(61_000)])).toEqual(['open', 'open']);
  });

  it('broken where the ledger says that it was late, or overdue', () => {
    expect(judged([performed(60_002)])).toEqual(['broken', 'broken']);
    expect(judged([overdue(61_000)])).toEqual(['broken', 'broken']);
    expect(judged([overdue(61_000), performed(62_000)])).toEqual(['broken', 'broken']);
  });

  it('broken where the whole ledger went past the deadline in silence, which no single proof shows', () => {
    expect(judged([stranger(50_000), stranger(200_000)])).toEqual(['open', 'broken']);
  });

  it('none where nothing was promised', () => {
    const { proven } = ledgerOf([]);
    const [first] = proven;
    if (first === undefined) throw new Error('no entry');
    expect(judgePromise(first, keys)).toEqual({ state: 'none' });
  });
});

describe('evidence about a promise is refused', () => {
  const { bytes, proven, checkpoint } = ledgerOf([performed(500), stranger(600)]);
  const [before, promise, done, foreign] = proven as [ProvenEntry, ProvenEntry, ProvenEntry, ProvenEntry];
  const code = (judge: () => unknown): unknown => {
    try {
      return judge();
    } catch (error) {
      return (error as { code?: unknown }).code;
    }
  };

  it('where it is about another deferral, or comes before', () => {
    for (const later of [foreign, before]) {
      expect(code(() => judgePromise(promise, keys, { later: [later] }))).toBe('receipt-unverified');
    }
  });

  it('where an entry is another than was signed', () => {
    const late = { ...done, entry: encodeEntry(performed(90_000)) };
    expect(code(() => judgePromise(promise, keys, { later: [late] }))).toBe('receipt-unverified');
    const moved = { ...promise, entry: encodeEntry({ ...accepted, deadlineAt: entryOf(90_000_000).at }) };
    expect(code(() => judgePromise(moved, keys))).toBe('receipt-unverified');
    expect(code(() => judgePromise(done, keys))).toBe('receipt-unverified');
  });

  it('where the ledger is not whole: an entry left out, added, changed, or of another one', () => {
    const whole = (entries: readonly Uint8Array[], note = checkpoint): unknown =>
      code(() => judgePromise(promise, keys, { whole: { entries, checkpoint: note } }));
    expect(whole(bytes)).toMatchObject({ state: 'kept' });
    const without = bytes.filter((_entry, i) => i !== 2);
    const changed = bytes.with(2, encodeEntry(performed(90_000)));
    for (const entries of [
      without,
      [...bytes, ...bytes],
      changed,
      bytes.with(1, encodeEntry(entryOf(1))),
      [],
    ]) {
      expect(whole(entries)).toBe('receipt-unverified');
    }
    const stolen = signerOf('other/ledger', 8);
    expect(whole(bytes, ledgerOf([], stolen).checkpoint)).toBe('note-unverified');
    expect(whole(bytes.slice(0, 1), checkpointOf(bytes, 1, signer))).toBe('receipt-unverified');
    expect(whole([Buffer.from('{}')])).toBe('receipt-unverified');
  });
});
