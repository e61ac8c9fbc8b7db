import { readFileSync } from 'node:fs';
import {
  encodeEntry,
  formatEntryBundle,
  formatTilePath,
  isSlackwaterError,
  openNote,
  parseBlock,
  parseCheckpoint,
  parseEntry,
  parseEntryBundle,
  parseHashTile,
  parseReceipt,
  parseTilePath,
  parseVerifierKey,
  tilesOf,
  verifyCheckpoint,
  verifyConsistency,
  verifyInclusion,
  verifyLedger,
  verifyReceipt,
} from '@slackwater/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anything, hostileValues } from './hostile.ts';
import { entryOf } from './ledger-maker.ts';

/** What somebody sent, and how it has to end: a code, `undefined`, `false`, or `ok` for what only looks bad. */
interface Case {
  readonly kind: string;
  readonly what: string;
  readonly ends: string;
  readonly input?: string;
  readonly width?: number;
  readonly claim?: Readonly<Record<string, unknown>>;
}

const corpus = JSON.parse(readFileSync(new URL('hostile-corpus.json', import.meta.url), 'utf8')) as {
  readonly about: { readonly verifierKey: string; readonly entry: string };
  readonly cases: readonly Case[];
};
const verifierKeys = [corpus.about.verifierKey];
const entry = Buffer.from(corpus.about.entry, 'base64');

const readers: Readonly<Record<string, (given: Case) => unknown>> = {
  note: ({ input = '' }) => openNote(input, verifierKeys),
  checkpoint: ({ input = '' }) => verifyCheckpoint(input, verifierKeys),
  receipt: ({ input = '' }) => verifyReceipt(input, { entry, verifierKeys }),
  'verifier-key': ({ input = '' }) => parseVerifierKey(input),
  entry: ({ input = '' }) => parseEntry(Buffer.from(input, 'base64')),
  block: ({ input = '' }) => parseBlock(input),
  'tile-path': ({ input = '' }) => parseTilePath(input),
  bundle: ({ input = '', width = 0 }) => parseEntryBundle(Buffer.from(input, 'base64'), width),
  'hash-tile': ({ input = '', width = 0 }) => parseHashTile(Buffer.from(input, 'base64'), width),
  inclusion: ({ claim = {} }) => verifyInclusion(claimOf(claim) as never),
  consistency: ({ claim = {} }) => verifyConsistency(claimOf(claim) as never),
};

/** How reading ended: with a code, or with what it gave where that says no. */
function endOf(read: () => unknown): string {
  try {
    const given = read();
    return given === undefined || given === false ? String(given) : 'ok';
  } catch (error) {
    return isSlackwaterError(error) ? error.code : `threw ${String(error)}`;
  }
}

function claimOf({ proof, ...claim }: Readonly<Record<string, unknown>>): object {
  const hashes = ['leafHash', 'root', 'oldRoot'].filter((name) => typeof claim[name] === 'string');
  const decoded = Object.fromEntries(hashes.map((name) => [name, bytesOf(claim[name])]));
  return { ...claim, ...decoded, proof: (proof as readonly string[]).map(bytesOf) };
}

function bytesOf(base64: unknown): Uint8Array {
  return new Uint8Array(Buffer.from(String(base64), 'base64'));
}

describe.each(Object.keys(readers))('the corpus of malformed ones: %s', (kind) => {
  const cases = corpus.cases.filter((one) => one.kind === kind);

  it('has some', () => {
    expect(cases.length).toBeGreaterThan(5);
  });

  it.each(cases.map((one) => [one.what, one] as const))('%s', (_, one) => {
    expect(endOf(() => readers[kind]?.(one))).toBe(one.ends);
  });
});

describe('tiles and bundles', () => {
  const bytes = fc.uint8Array({ maxLength: 2_000 });
  const typed = ['ok', 'tile-malformed'];

  it('are what was written, whatever is in them', () => {
    const entries = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 256 });
    fc.assert(
      fc.property(entries, (all) => {
        expect(parseEntryBundle(formatEntryBundle(all), all.length)).toEqual(all);
      }),
      { numRuns: 50 },
    );
    const longest = [new Uint8Array(65_535).fill(1), new Uint8Array(0)];
    expect(parseEntryBundle(formatEntryBundle(longest), 2)).toEqual(longest);
    const tooLong = [new Uint8Array(65_536)];
    expect(endOf(() => formatEntryBundle(tooLong))).toBe('tile-malformed');
    expect(endOf(() => formatEntryBundle([]))).toBe('tile-malformed');
  });

  it('end well or with their code, for any bytes and any width', () => {
    fc.assert(
      fc.property(bytes, fc.oneof(fc.integer({ min: -2, max: 300 }), fc.double()), (given, width) => {
        expect(typed).toContain(endOf(() => parseEntryBundle(given, width)));
        expect(typed).toContain(endOf(() => parseHashTile(given, width)));
      }),
    );
    for (const value of [...hostileValues, ...fc.sample(anything, 50)]) {
      expect(typed).toContain(endOf(() => parseEntryBundle(value as Uint8Array, 1)));
      expect(endOf(() => parseHashTile(new Uint8Array(32), value as number))).toBe('tile-malformed');
      expect(endOf(() => parseTilePath(value))).toBe('undefined');
    }
  });

  it('of which a byte was changed, taken away or added are never taken for the same', () => {
    const bundle = formatEntryBundle([0, 1, 2].map((at) => encodeEntry(entryOf(at))));
    const whole = Buffer.from(bundle);
    fc.assert(
      fc.property(fc.nat(bundle.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const changed = Buffer.from(whole);
        changed[at] = (changed[at] ?? 0) ^ by;
        for (const other of [
          changed,
          whole.subarray(0, at),
          Buffer.concat([whole, changed.subarray(0, at + 1)]),
        ]) {
          const read = (): Uint8Array => formatEntryBundle(parseEntryBundle(other, 3));
          if (endOf(read) === 'ok') expect(Buffer.from(read()).equals(other)).toBe(true);
          else expect(endOf(read)).toBe('tile-malformed');
        }
      }),
    );
  });

  it('have one path each, and no other text is one', () => {
    const name = fc.record({
      level: fc.oneof(fc.constant('entries' as const), fc.integer({ min: 0, max: 63 })),
      index: fc.oneof(fc.nat(3_000), fc.maxSafeNat()),
      width: fc.integer({ min: 1, max: 256 }),
    });
    fc.assert(
      fc.property(name, (tile) => {
        expect(parseTilePath(formatTilePath(tile))).toEqual(tile);
      }),
    );
    const text = fc.oneof(
      fc.string(),
      fc.stringMatching(/^tile\/[0-9e]{1,3}\/(x\d{3}\/){0,6}\d{3}(\.p\/\d{1,4})?$/),
    );
    fc.assert(
      fc.property(text, (path) => {
        const tile = parseTilePath(path);
        if (tile !== undefined) expect(formatTilePath(tile)).toBe(path);
      }),
    );
  });

  it('of a tree are those of the example in C2SP tlog-tiles', () => {
    const names = [...tilesOf(70_000, 'hashes')];
    const ofLevel = (level: number): readonly number[] =>
      names.filter((tile) => tile.level === level).map(({ width }) => width);
    expect(ofLevel(0)).toEqual([...Array.from({ length: 273 }, () => 256), 112]);
    expect([ofLevel(1), ofLevel(2), ofLevel(3)]).toEqual([[256, 17], [1], []]);
    expect([...tilesOf(256, 'hashes')]).toEqual([
      { level: 0, index: 0, width: 256 },
      { level: 1, index: 0, width: 1 },
    ]);
    expect([...tilesOf(257, 'entries')].map(formatTilePath)).toEqual([
      'tile/entries/000',
      'tile/entries/001.p/1',
    ]);
    expect([...tilesOf(0, 'hashes')]).toEqual([]);
    expect(formatTilePath({ level: 0, index: 1_234_067, width: 256 })).toBe('tile/0/x001/x234/067');
  });
});

// Were any of them read in more than linear time, this would not end before the test is given up.
describe('what is as long as it may be', () => {
  const megabyte = 1_048_576;
  const limits: readonly [string, () => unknown][] = [
    ['a note of nothing but empty lines', () => openNote('\n'.repeat(megabyte), verifierKeys)],
    [
      'a note of nothing but signatures',
      () => openNote(`a\n\n${'— a AAAA\n'.repeat(100_000)}`, verifierKeys),
    ],
    ['a note of one signature', () => openNote(`a\n\n— a ${'A'.repeat(megabyte - 100)}!\n`, verifierKeys)],
    ['a checkpoint of nothing but lines', () => parseCheckpoint(`a\n1\n${'A\n'.repeat(500_000)}`)],
    [
      'a receipt of nothing but lines',
      () => parseReceipt(`c2sp.org/tlog-proof@v1\nindex 1\n${'A\n'.repeat(500_000)}\n`),
    ],
    ['a verifier key of nothing but plus signs', () => parseVerifierKey('+'.repeat(megabyte))],
    ['a path of nothing but groups', () => parseTilePath(`tile/0/${'x000/'.repeat(200_000)}000`)],
    ['a block of nothing but lists', () => parseBlock('['.repeat(megabyte))],
    ['a block of nothing but digits', () => parseBlock('1'.repeat(megabyte))],
    ['a block of names in the wrong order', () => parseBlock(namesDownFrom(100_000))],
    ['an entry of nothing but lists', () => parseEntry(Buffer.from('['.repeat(65_535)))],
    [
      'an entry of lists and their ends',
      () => parseEntry(Buffer.from('['.repeat(32_767) + ']'.repeat(32_767))),
    ],
    ['an entry of nothing but escapes', () => parseEntry(Buffer.from(`"${'\\u0041'.repeat(10_000)}"`))],
    ['an entry of nothing but minus signs', () => parseEntry(Buffer.from('-'.repeat(65_535)))],
    ['a bundle of entries of the greatest length', () => parseEntryBundle(new Uint8Array(256 * 65_537), 1)],
    ['a bundle of lengths alone', () => parseEntryBundle(new Uint8Array(16_777_216), 256)],
  ];

  it.each(limits)('ends soon, and with its code: %s', (_, read) => {
    expect(endOf(read)).toMatch(/-malformed$|^undefined$/);
  });

  it('ends soon for a ledger of one block that is claimed to have every entry there can be', () => {
    const endless = { verifierKeys, blocks: ['{'.repeat(megabyte)], entries: [] };
    expect(verifyLedger(endless)).toMatchObject({ ok: false, fault: 'block-malformed' });
  });

  function namesDownFrom(count: number): string {
    const names = Array.from({ length: count }, (_, i) => `"${String(count - i).padStart(8, '0')}":1`);
    return `{${names.join(',')}}`;
  }
});
