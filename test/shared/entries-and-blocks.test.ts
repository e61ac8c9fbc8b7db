import {
  blockHash,
  encodeBlock,
  encodeEntry,
  fromBase64,
  type LedgerBlock,
  maxEntryBytes,
  parseBlock,
  parseEntry,
  toBase64,
} from '@slackwater/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anything, hostileValues } from './hostile.ts';
import { entryOf, makeLedger, signerOf } from './ledger-maker.ts';

const entry = entryOf(0, { reasons: ['over-threshold', 'ärger ☃ 😀'] });
const json = Buffer.from(encodeEntry(entry)).toString();
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const notAnEntry = expect.objectContaining({ code: 'entry-malformed' });
const notABlock = expect.objectContaining({ code: 'block-malformed' });

const { sealed } = makeLedger([2, 1], signerOf('ledger.example/a', 7));
const block = sealed[1] as LedgerBlock;
const text = encodeBlock(block);

describe('entries', () => {
  it('are read as they were written', () => {
    expect(parseEntry(encodeEntry(entry))).toEqual(entry);
    expect(parseEntry(Buffer.from(json))).toEqual(entry);
  });

  it('keep members of a newer version, under the hash like all others', () => {
    const newer = json
      .replace('"at"', '"about":{"x":1},"at"')
      .replace('"application":"shop",', '')
      .replace('"about":{"x":1},', '"about":{"x":1},"application":"shop",');
    expect(parseEntry(bytesOf(newer))).toMatchObject({ about: { x: 1 } });
  });

  it.each([
    ['nothing', ''],
    ['a list', '[]'],
    ['null', 'null'],
    ['white space', json.replace('{', '{ ')],
    ['a byte order mark', `\ufeff${json}`],
    ['a line break at the end', `${json}\n`],
    ['an escape that is not needed', json.replace('shop', '\\u0073hop')],
    ['a number written otherwise', json.replace('"v":1', '"v":1.0')],
    ['a member twice', json.replace('"v":1', '"v":1,"v":1')],
    ['members in another order', JSON.stringify(entry)],
    ['a lone surrogate', json.replace('shop', '\\ud800')],
    ['20,000 levels', `${'['.repeat(20_000)}${']'.repeat(20_000)}`],
    ['another version', json.replace('"v":1', '"v":2')],
    ['an unknown type', json.replace('"accepted"', '"excepted"')],
    ['a member missing', json.replace('"application":"shop",', '')],
    ['a time without a zone', json.replace('Z"', '"')],
  ])('are refused: %s', (_, bad) => {
    expect(() => parseEntry(bytesOf(bad))).toThrow(notAnEntry);
  });

  it('are refused where they are no UTF-8', () => {
    for (const bad of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [...Buffer.from(json.slice(0, -1)), 0xc3]]) {
      expect(() => parseEntry(Uint8Array.from(bad))).toThrow(notAnEntry);
    }
  });

  it('are at most 65,535 bytes', () => {
    const fill = (length: number): ReturnType<typeof entryOf> => ({ ...entry, route: 'x'.repeat(length) });
    const free = maxEntryBytes - encodeEntry(fill(0)).length;
    expect(encodeEntry(fill(free)).length).toBe(65_535);
    expect(() => encodeEntry(fill(free + 1))).toThrow(notAnEntry);
    expect(() => parseEntry(new Uint8Array(65_536))).toThrow(notAnEntry);
  });

  it('are not written with a member that could not be read back', () => {
    expect(() => encodeEntry({ ...entry, at: 'now' })).toThrow(notAnEntry);
    expect(() => encodeEntry({ ...entry, payload: 'AAAA' })).toThrow(notAnEntry);
    expect(() => encodeEntry({ ...entry, attempt: 0 })).toThrow(notAnEntry);
  });

  it('are refused: anything else', () => {
    const parse = parseEntry as (bytes: unknown) => unknown;
    for (const value of hostileValues) expect(() => parse(value)).toThrow(notAnEntry);
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map(bytesOf), anything), (value) => {
        expect(() => parse(value)).toThrow(notAnEntry);
      }),
    );
  });
});

describe('blocks', () => {
  it('are read as they were written', () => {
    expect(parseBlock(text)).toEqual(block);
  });

  it('have a hash that covers everything but the checkpoint', () => {
    const hash = toBase64(blockHash(block));
    const { checkpoint: _, ...unsigned } = block;
    expect(toBase64(blockHash(unsigned))).toBe(hash);
    expect(toBase64(blockHash({ ...block, checkpoint: 'other' }))).toBe(hash);
    for (const [member, value] of Object.entries({
      height: 9,
      previous: block.root,
      first: 0,
      last: 9,
      size: 9,
      root: block.previous,
      sealedAt: 'x',
    })) {
      expect(toBase64(blockHash({ ...block, [member]: value }))).not.toBe(hash);
    }
  });

  it.each([
    ['nothing', ''],
    ['white space', text.replace('{', '{ ')],
    ['a member twice', text.replace('"v":1', '"v":1,"v":1')],
    ['another version', text.replace('"v":1', '"v":2')],
    [
      'a hash of 31 bytes',
      text.replace(`"root":"${block.root}"`, `"root":"${toBase64(new Uint8Array(31))}"`),
    ],
    ['a hash with padding bits', text.replace(/("root":"[^"]*).="/, '$1B="')],
    ['no checkpoint', text.replace(/"checkpoint":"(?:[^"\\]|\\.)*",/, '')],
    ['a negative height', text.replace('"height":1', '"height":-1')],
    ['a height beyond 2^53', text.replace('"height":1', '"height":9007199254740992')],
    ['a run of no entries', text.replace('"first":2', '"first":3')],
    ['a size that is not its last entry and one', text.replace('"size":3', '"size":4')],
    ['megabytes of junk', 'x'.repeat(3_000_000)],
  ])('are refused: %s', (_, bad) => {
    expect(bad).not.toBe(text);
    expect(() => parseBlock(bad)).toThrow(notABlock);
  });

  it('are not written where they could not be read back', () => {
    expect(() => encodeBlock({ ...block, first: 3 })).toThrow(notABlock);
    expect(() => encodeBlock({ ...block, root: '' })).toThrow(notABlock);
  });

  it('are refused: anything else', () => {
    const parse = parseBlock as (text: unknown) => unknown;
    for (const value of hostileValues) expect(() => parse(value)).toThrow(notABlock);
    fc.assert(
      fc.property(fc.oneof(fc.json(), anything), (value) => {
        expect(() => parse(value)).toThrow(notABlock);
      }),
    );
  });
});

describe('base64', () => {
  it('is what other implementations write, and read back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const written = toBase64(bytes);
        expect(written).toBe(Buffer.from(bytes).toString('base64'));
        expect(fromBase64(written)).toEqual(bytes);
      }),
    );
  });

  it('has one form for any bytes: no other text is read', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'AQgw+/-_= \n4é'), maxLength: 12 }), (any) => {
        const bytes = fromBase64(any);
        if (bytes !== undefined) expect(toBase64(bytes)).toBe(any);
      }),
      { numRuns: 2000 },
    );
    for (const bad of [
      'A',
      'AA',
      'AAA',
      'AB==',
      'AAB=',
      'A===',
      '====',
      'AA=A',
      'AA==AA==',
      'AAA\n',
      ' AAA',
      'A-_A',
    ]) {
      expect(fromBase64(bad)).toBeUndefined();
    }
  });
});
