import {
  emptyRoot,
  encodeBlock,
  encodeEntry,
  formatCheckpoint,
  type LedgerBlock,
  type LedgerReport,
  LedgerVerifier,
  leafHash,
  merkleRoot,
  verifyLedger,
} from '@slackwater/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anything, hostileValues, unreadable } from './hostile.ts';
import { checkpointOf, entryOf, makeLedger, sealBlocks, signerOf } from './ledger-maker.ts';

const signer = signerOf('ledger.example/a', 7);
const stranger = signerOf('ledger.example/a', 8);
const verifierKeys = [signer.verifierKey];
const lengths = [3, 1, 4, 2];
const nobody = { accepted: 0, performed: 0, failed: 0, canceled: 0, unsettled: 0, late: 0, unjudged: 0 };
const { entries, blocks, sealed } = makeLedger(lengths, signer);

function verify(changed: {
  entries?: readonly Uint8Array[];
  blocks?: readonly string[];
  oldCheckpoint?: string;
}): LedgerReport {
  return verifyLedger({ entries, blocks, verifierKeys, ...changed });
}

const heightOfEntry = (index: number): number => sealed.findIndex(({ last }) => index <= last);

function reseal(height: number, change: Partial<LedgerBlock>): readonly string[] {
  return sealed.map((block) => encodeBlock(block.height === height ? { ...block, ...change } : block));
}

describe('verifying a whole ledger', () => {
  it('reports size, root, blocks and origin of one that is as it was sealed', () => {
    const root = merkleRoot(entries.map((entry) => leafHash(entry)));
    expect(verify({})).toEqual({
      ok: true,
      size: 10,
      root,
      blocks: 4,
      origin: 'ledger.example/a',
      verifierKeys,
      lives: { ...nobody, accepted: 10, unsettled: 10 },
    });
  });

  it('accepts the ledger in which nothing has happened yet', () => {
    const report = { ok: true, size: 0, root: emptyRoot(), blocks: 0, verifierKeys, lives: nobody };
    expect(verify({ entries: [], blocks: [] })).toEqual(report);
    const oldCheckpoint = checkpointOf([], 0, signer);
    expect(verify({ entries: [], blocks: [], oldCheckpoint })).toEqual(report);
    expect(verify({ oldCheckpoint })).toMatchObject({ ok: true });
  });

  it.each(Array.from({ length: 11 }, (_, size) => size))(
    'accepts its own checkpoint of %d entries as the old one',
    (size) => {
      expect(verify({ oldCheckpoint: checkpointOf(entries, size, signer) })).toMatchObject({
        ok: true,
        size: 10,
      });
    },
  );

  it('fails from the block on of which one bit of an entry was changed, and names it (B-04)', () => {
    entries.forEach((entry, index) => {
      const changed = Uint8Array.from(entry);
      changed[entry.length >> 1] = (changed[entry.length >> 1] ?? 0) ^ 1;
      const height = heightOfEntry(index);
      const report = verify({ entries: entries.with(index, changed) });
      expect(report).toMatchObject({ ok: false, fault: 'root-differs', height });
    });
  });

  it('names the very entry where the change left no entry behind', () => {
    const report = verify({ entries: entries.with(6, new Uint8Array([1, 2, 3])) });
    expect(report).toMatchObject({ ok: false, fault: 'root-differs', height: 2, index: 6 });
  });

  it('names it, too, where another entry of the block was changed to what can not be', () => {
    const { payload, ...never } = entryOf(99, { type: 'performing', attempt: 1 });
    const changed = entries.with(4, encodeEntry(never)).with(6, new Uint8Array([1, 2, 3]));
    expect(verify({ entries: changed })).toMatchObject({ fault: 'root-differs', height: 2, index: 6 });
  });

  it('names the block of every entry that is missing, doubled, or moved', () => {
    entries.forEach((entry, index) => {
      const height = heightOfEntry(index);
      const [missing, doubled] = [entries.toSpliced(index, 1), entries.toSpliced(index, 0, entry)];
      expect(verify({ entries: missing })).toMatchObject({ ok: false, height });
      const firstBad = heightOfEntry(index + 1);
      expect(verify({ entries: doubled })).toMatchObject(
        firstBad < 0 ? { ok: false, fault: 'entry-unsealed', index: 10 } : { ok: false, height: firstBad },
      );
      const next = entries[index + 1];
      if (next === undefined) return;
      const swapped = entries.with(index, next).with(index + 1, entry);
      expect(verify({ entries: swapped })).toMatchObject({ ok: false, fault: 'root-differs', height });
    });
  });

  it('names the first entry that was cut off while its block is still there', () => {
    const report = verify({ entries: entries.slice(0, 9) });
    expect(report).toMatchObject({ ok: false, fault: 'entry-missing', height: 3, index: 9 });
  });

  it('names an entry that no block seals', () => {
    expect(verify({ blocks: blocks.slice(0, 3) })).toMatchObject({
      ok: false,
      fault: 'entry-unsealed',
      index: 8,
    });
  });

  it('finds a cut of blocks and entries together by an old checkpoint, and says that it can not without', () => {
    const cut = { entries: entries.slice(0, 8), blocks: blocks.slice(0, 3) };
    expect(verify(cut)).toMatchObject({ ok: true, size: 8 });
    const oldCheckpoint = checkpointOf(entries, 10, signer);
    expect(verify({ ...cut, oldCheckpoint })).toMatchObject({
      ok: false,
      fault: 'truncated',
      index: 8,
      height: 3,
    });
  });

  it('finds a history that its own signer wrote anew by an old checkpoint', () => {
    const forged = entries.with(1, encodeEntry(entryOf(1, { requester: 'r-other' })));
    const anew = { entries: forged, blocks: sealBlocks(forged, lengths, signer).map(encodeBlock) };
    expect(verify(anew)).toMatchObject({ ok: true });
    for (const [size, height] of [
      [2, 0],
      [3, 0],
      [5, 2],
      [10, 3],
    ] as const) {
      const oldCheckpoint = checkpointOf(entries, size, signer);
      expect(verify({ ...anew, oldCheckpoint })).toMatchObject({
        ok: false,
        fault: 'old-checkpoint-differs',
        height,
      });
    }
    expect(verify({ ...anew, oldCheckpoint: checkpointOf(entries, 1, signer) })).toMatchObject({ ok: true });
  });

  it('finds every missing, doubled or moved block', () => {
    blocks.forEach((block, height) => {
      const missing = blocks.toSpliced(height, 1);
      expect(verify({ blocks: missing })).toMatchObject(
        height === 3
          ? { ok: false, fault: 'entry-unsealed' }
          : { ok: false, fault: 'height-differs', height },
      );
      const doubled = blocks.toSpliced(height, 0, block);
      expect(verify({ blocks: doubled })).toMatchObject({
        ok: false,
        fault: 'height-differs',
        height: height + 1,
      });
    });
    expect(verify({ blocks: blocks.toReversed() })).toMatchObject({ fault: 'height-differs', height: 0 });
  });

  it.each<[string, Partial<LedgerBlock>, string, number]>([
    ['time', { sealedAt: '2030-01-01T00:00:00.000Z' }, 'previous-differs', 2],
    ['link', { previous: sealed[0]?.previous ?? '' }, 'previous-differs', 1],
    ['first entry', { first: 2 }, 'range-differs', 1],
    ['root', { root: sealed[0]?.root ?? '' }, 'checkpoint-differs', 1],
    ['checkpoint', { checkpoint: sealed[0]?.checkpoint ?? '' }, 'checkpoint-differs', 1],
    [
      'checkpoint, by a stranger with the same name',
      { checkpoint: checkpointOf(entries, 4, stranger) },
      'checkpoint-unverified',
      1,
    ],
    [
      'checkpoint, without signatures',
      { checkpoint: formatCheckpoint({ origin: signer.name, size: 4, root: emptyRoot() }) },
      'checkpoint-malformed',
      1,
    ],
    [
      'checkpoint, by its key under another origin',
      {
        checkpoint: signer.signNote(
          formatCheckpoint({ origin: 'ledger.example/b', size: 4, root: emptyRoot() }),
        ),
      },
      'checkpoint-unverified',
      1,
    ],
    ['height', { height: 7 }, 'height-differs', 1],
  ])('finds a block with another %s', (_, change, fault, height) => {
    expect(verify({ blocks: reseal(1, change) })).toMatchObject({ ok: false, fault, height });
  });

  it('finds a block that hides a fork behind a later one of its own', () => {
    const other = makeLedger([3, 1, 4, 2], stranger);
    expect(verify({ entries: other.entries, blocks: other.blocks })).toMatchObject({
      fault: 'checkpoint-unverified',
      height: 0,
    });
  });

  it('finds a block whose text was written differently', () => {
    const spaced = JSON.stringify(JSON.parse(blocks[1] ?? ''), undefined, 1);
    expect(verify({ blocks: blocks.with(1, spaced) })).toMatchObject({ fault: 'block-malformed', height: 1 });
    const doubled = (blocks[1] ?? '').replace('"v":1', '"v":1,"v":1');
    expect(verify({ blocks: blocks.with(1, doubled) })).toMatchObject({
      fault: 'block-malformed',
      height: 1,
    });
  });

  it('refuses to verify against keys or an old checkpoint that are none', () => {
    expect(verifyLedger({ entries, blocks, verifierKeys: ['x'] })).toMatchObject({
      fault: 'verifier-key-malformed',
    });
    expect(verifyLedger({ entries, blocks, verifierKeys: [] })).toMatchObject({
      fault: 'checkpoint-unverified',
    });
    expect(verify({ oldCheckpoint: 'x' })).toMatchObject({ fault: 'old-checkpoint-malformed' });
    expect(verify({ oldCheckpoint: checkpointOf(entries, 3, stranger) })).toMatchObject({
      fault: 'old-checkpoint-unverified',
    });
    const nothing = signer.signNote(
      formatCheckpoint({ origin: signer.name, size: 0, root: leafHash(new Uint8Array()) }),
    );
    expect(verify({ oldCheckpoint: nothing })).toMatchObject({ fault: 'old-checkpoint-differs' });
  });

  it('follows the ledger to a new origin whose key is known', () => {
    const successor = signerOf('ledger.example/a2', 9);
    const later = sealBlocks(entries, lengths, successor).map(encodeBlock);
    const first = sealBlocks(entries, lengths, signer);
    const second = { ...first[1], checkpoint: checkpointOf(entries, 4, successor) } as LedgerBlock;
    const mixed = [encodeBlock(first[0] as LedgerBlock), encodeBlock(second), ...later.slice(2)];
    const keys = [signer.verifierKey, successor.verifierKey];
    expect(verifyLedger({ entries, blocks: mixed, verifierKeys: keys })).toMatchObject({
      ok: true,
      origin: 'ledger.example/a2',
    });
    expect(verify({ blocks: mixed })).toMatchObject({ fault: 'checkpoint-unverified', height: 1 });
  });

  it('reads no further than the first fault, and closes what it reads', () => {
    let [read, closed] = [0, 0];
    function* endless(): Generator<Uint8Array> {
      try {
        for (;;) {
          read += 1;
          yield Uint8Array.of(1);
        }
      } finally {
        closed += 1;
      }
    }
    expect(verifyLedger({ entries: endless(), blocks, verifierKeys })).toMatchObject({
      fault: 'root-differs',
      height: 0,
    });
    expect([read, closed]).toEqual([3, 1]);
  });

  it('verifies step by step, for readers that are asynchronous', () => {
    const verifier = new LedgerVerifier({ verifierKeys });
    expect(verifier.block(blocks[0])).toBeUndefined();
    expect(verifier.pending).toBe(3);
    expect(verifier.block(blocks[1])).toMatchObject({ fault: 'entry-missing', index: 0 });
    expect(verifier.entry(entries[0])).toMatchObject({ fault: 'entry-missing', index: 0 });
    expect(verifier.finish()).toMatchObject({ fault: 'entry-missing', index: 0 });
  });
});

describe('verifying a ledger of hostile bytes', () => {
  const run = verifyLedger as (ledger: unknown) => LedgerReport;

  it('reports, and does not throw, for any nonsense as a part', () => {
    for (const value of hostileValues) {
      for (const part of ['entries', 'blocks', 'verifierKeys', 'oldCheckpoint']) {
        if (part === 'oldCheckpoint' && value === undefined) continue;
        expect(run({ entries, blocks, verifierKeys, [part]: value })).toMatchObject({ ok: false });
      }
      expect(run({ entries: [value], blocks, verifierKeys })).toMatchObject({
        ok: false,
        height: expect.any(Number),
      });
      expect(run({ entries, blocks: [value], verifierKeys })).toMatchObject({
        ok: false,
        fault: 'block-malformed',
        height: 0,
      });
      expect(run(value)).toMatchObject({ ok: false });
    }
    expect(run(unreadable({}))).toMatchObject({ ok: false, fault: 'input-unreadable' });
  });

  it('reports, and does not throw, for blocks with any nonsense as a member', () => {
    const members = Object.keys(sealed[0] ?? {});
    fc.assert(
      fc.property(fc.constantFrom(...members), fc.jsonValue(), (member, value) => {
        const block = JSON.stringify({ ...sealed[0], [member]: value });
        const { ok } = verifyLedger({ entries, blocks: [block], verifierKeys });
        return !ok;
      }),
      { numRuns: 300 },
    );
  });

  it('reports, and does not throw, for random entries and texts', () => {
    fc.assert(
      fc.property(fc.array(anything), fc.array(fc.oneof(fc.string(), anything)), (anyEntries, anyBlocks) => {
        const { ok } = run({ entries: anyEntries, blocks: anyBlocks, verifierKeys });
        return ok === (anyEntries.length === 0 && anyBlocks.length === 0);
      }),
    );
  });

  it('is not held up by a block that claims all the entries there can be', () => {
    const last = Number.MAX_SAFE_INTEGER - 1;
    const root = leafHash(new Uint8Array());
    const checkpoint = signer.signNote(formatCheckpoint({ origin: signer.name, size: last + 1, root }));
    const block = encodeBlock({
      ...(sealed[0] as LedgerBlock),
      last,
      size: last + 1,
      checkpoint,
      root: Buffer.from(root).toString('base64'),
    });
    expect(verify({ blocks: [block] })).toMatchObject({ fault: 'entry-missing', index: 10, height: 0 });
  });
});
