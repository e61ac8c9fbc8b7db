import {
  consistencyProof,
  emptyRoot,
  formatCheckpoint,
  formatReceipt,
  inclusionProof,
  leafHash,
  merkleRoot,
  parseCheckpoint,
  parseReceipt,
  toBase64,
  verifyCheckpoint,
  verifyReceipt,
} from '@slackwater/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anything, hostileValues } from './hostile.ts';
import { checkpointOf, makeLedger, signerOf } from './ledger-maker.ts';

const signer = signerOf('ledger.example/a', 7);
const other = signerOf('ledger.example/b', 8);
const verifierKeys = [signer.verifierKey];
const { entries } = makeLedger([5], signer);
const leaves = entries.map((entry) => leafHash(entry));
const root = merkleRoot(leaves);
const checkpoint = checkpointOf(entries, 5, signer);
const receipts = entries.map((_, index) =>
  formatReceipt({ index, proof: inclusionProof(leaves, index), checkpoint }),
);
const entry = entries[2] ?? new Uint8Array();
const receipt = receipts[2] ?? '';

const code = (name: string): unknown => expect.objectContaining({ code: name });
const malformed = code('receipt-malformed');

describe('checkpoints', () => {
  const body = formatCheckpoint({ origin: 'ledger.example/a', size: 5, root });

  it('are read from a note and from its text alone', () => {
    expect(parseCheckpoint(body)).toEqual({ origin: 'ledger.example/a', size: 5, root });
    expect(parseCheckpoint(checkpoint)).toEqual({ origin: 'ledger.example/a', size: 5, root });
  });

  it('are read as the specification shows them', () => {
    const example =
      'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n';
    expect(parseCheckpoint(example)).toMatchObject({
      origin: 'example.com/behind-the-sofa',
      size: 20_852_163,
    });
  });

  it('keep their extension lines', () => {
    expect(parseCheckpoint(`${body}more\nlines\n`).extensions).toEqual(['more', 'lines']);
  });

  it('are written and read alike at every size', () => {
    const sizes = fc.oneof(fc.nat(), fc.maxSafeNat());
    fc.assert(
      fc.property(sizes, fc.uint8Array({ minLength: 32, maxLength: 32 }), (size, anyRoot) => {
        const written = formatCheckpoint({ origin: 'a b', size, root: anyRoot });
        expect(parseCheckpoint(written)).toEqual({ origin: 'a b', size, root: anyRoot });
      }),
    );
  });

  const hash = toBase64(root);
  it.each([
    ['nothing', ''],
    ['two lines', 'a\n5\n'],
    ['no last newline', `a\n5\n${hash}`],
    ['an empty origin', `\n5\n${hash}\n`],
    ['CRLF', `a\r\n5\r\n${hash}\r\n`],
    ['a leading zero', `a\n05\n${hash}\n`],
    ['a sign', `a\n+5\n${hash}\n`],
    ['a negative size', `a\n-5\n${hash}\n`],
    ['a size in hex', `a\n0x5\n${hash}\n`],
    ['an exponent', `a\n5e3\n${hash}\n`],
    ['a space', `a\n5 \n${hash}\n`],
    ['digits of another script', `a\n٥\n${hash}\n`],
    ['a size of 2^53', `a\n9007199254740992\n${hash}\n`],
    ['a size of 20 digits', `a\n18446744073709551615\n${hash}\n`],
    ['a root of 31 bytes', `a\n5\n${toBase64(root.slice(1))}\n`],
    ['a root with padding bits', `a\n5\n${hash.slice(0, -2)}${hash.at(-2) === 'B' ? 'C' : 'B'}=\n`],
    ['a root without padding', `a\n5\n${hash.slice(0, -1)}\n`],
    ['an empty line and no signature', `a\n5\n${hash}\n\n`],
    ['an empty line and junk', `a\n5\n${hash}\n\njunk\n`],
    ['a megabyte of junk', 'a\n'.repeat(600_000)],
  ])('are refused: %s', (_, text) => {
    expect(() => parseCheckpoint(text)).toThrow(code('checkpoint-malformed'));
  });

  it('are refused: anything else', () => {
    const parse = parseCheckpoint as (text: unknown) => unknown;
    for (const value of hostileValues) expect(() => parse(value)).toThrow(code('checkpoint-malformed'));
    fc.assert(
      fc.property(fc.oneof(fc.string(), anything), (value) => {
        expect(() => parse(value)).toThrow(code('checkpoint-malformed'));
      }),
    );
  });

  it.each([
    ['origin', { origin: 'a\nb', size: 5, root }],
    ['empty origin', { origin: '', size: 5, root }],
    ['size', { origin: 'a', size: 1.5, root }],
    ['huge size', { origin: 'a', size: 2 ** 53, root }],
    ['root', { origin: 'a', size: 5, root: root.slice(1) }],
  ])('are not written with a bad %s', (_, bad) => {
    expect(() => formatCheckpoint(bad)).toThrow(code('checkpoint-malformed'));
  });

  it('verify only by the key that is named as their origin', () => {
    expect(verifyCheckpoint(checkpoint, verifierKeys)).toMatchObject({
      size: 5,
      signatures: [{ name: signer.name }],
    });
    const misnamed = other.signNote(body);
    expect(() => verifyCheckpoint(misnamed, [...verifierKeys, other.verifierKey])).toThrow(
      code('note-unverified'),
    );
  });
});

describe('receipts', () => {
  it('are read as they are written, with and without extra data', () => {
    const proof = inclusionProof(leaves, 2);
    expect(parseReceipt(receipt)).toEqual({ index: 2, proof, checkpoint });
    const extra = Uint8Array.of(1, 2, 3, 4);
    const text = formatReceipt({ index: 2, proof, checkpoint, extra });
    expect(text.split('\n')[1]).toBe('extra AQIDBA==');
    expect(parseReceipt(text)).toEqual({ index: 2, proof, checkpoint, extra });
  });

  it('are read as they are written, whatever they say', () => {
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        fc.array(hash, { maxLength: 63 }),
        fc.option(fc.uint8Array({ minLength: 1 }), { nil: undefined }),
        (index, proof, extra) => {
          const said = { index, proof, checkpoint, ...(extra === undefined ? {} : { extra }) };
          const text = formatReceipt(said);
          expect(parseReceipt(text)).toEqual(said);
          expect(formatReceipt(parseReceipt(text))).toBe(text);
        },
      ),
    );
  });

  it('prove every entry of the ledger, and no other', () => {
    entries.forEach((bytes, index) => {
      const proven = verifyReceipt(receipts[index] ?? '', { entry: bytes, verifierKeys });
      expect(proven).toEqual({
        index,
        size: 5,
        root,
        origin: signer.name,
        signatures: [{ name: signer.name, keyId: signer.keyId }],
      });
      const next = entries[(index + 1) % 5] ?? bytes;
      expect(() => verifyReceipt(receipts[index] ?? '', { entry: next, verifierKeys })).toThrow(
        code('receipt-unverified'),
      );
    });
  });

  it('prove an entry that is the whole ledger, without a proof', () => {
    const only = entries.slice(0, 1);
    const text = formatReceipt({ index: 0, proof: [], checkpoint: checkpointOf(only, 1, signer) });
    expect(verifyReceipt(text, { entry: only[0] ?? entry, verifierKeys })).toMatchObject({
      index: 0,
      size: 1,
    });
  });

  it('do not prove an inner node as if it were an entry', () => {
    const [left = root, right = root] = leaves;
    const node = Uint8Array.from([...left, ...right]);
    const forged = formatReceipt({ index: 0, proof: consistencyProof(leaves, 2), checkpoint });
    expect(() => verifyReceipt(forged, { entry: node, verifierKeys })).toThrow(code('receipt-unverified'));
  });

  it('are refused where another key signed, or a key of another name', () => {
    expect(() => verifyReceipt(receipt, { entry, verifierKeys: [other.verifierKey] })).toThrow(
      code('note-unverified'),
    );
    const sameKeyOtherName = signerOf('ledger.example/z', 7);
    const misnamed = sameKeyOtherName.signNote(formatCheckpoint({ origin: signer.name, size: 5, root }));
    const text = formatReceipt({ index: 2, proof: inclusionProof(leaves, 2), checkpoint: misnamed });
    const keys = [signer.verifierKey, sameKeyOtherName.verifierKey];
    expect(() => verifyReceipt(text, { entry, verifierKeys: keys })).toThrow(code('note-unverified'));
  });

  it('are refused where the ledger has no such index', () => {
    const text = formatReceipt({ index: 5, proof: inclusionProof(leaves, 4), checkpoint });
    expect(() => verifyReceipt(text, { entry, verifierKeys })).toThrow(code('receipt-unverified'));
  });

  it('are refused where nobody signed', () => {
    const unsigned = formatCheckpoint({ origin: signer.name, size: 5, root });
    const text = formatReceipt({ index: 2, proof: inclusionProof(leaves, 2), checkpoint: unsigned });
    expect(() => verifyReceipt(text, { entry, verifierKeys })).toThrow(malformed);
  });

  it('are refused where one character was changed', () => {
    const typed = expect.objectContaining({ code: expect.stringMatching(/^(?:receipt-|note-unverified)/) });
    fc.assert(
      fc.property(
        fc.nat(receipt.length - 1),
        fc.constantFrom('A', 'b', '1', '0', ' ', '\n', '\r', '='),
        (at, by) => {
          const changed = receipt.slice(0, at) + by + receipt.slice(at + 1);
          fc.pre(changed !== receipt);
          expect(() => verifyReceipt(changed, { entry, verifierKeys })).toThrow(typed);
        },
      ),
      { numRuns: 200 },
    );
  });

  const [head = '', ...rest] = receipt.split('\n');
  const hash = toBase64(root);
  it.each([
    ['nothing', ''],
    ['only a checkpoint', checkpoint],
    ['another version', receipt.replace('@v1', '@v2')],
    ['a byte order mark', `\ufeff${receipt}`],
    ['CRLF', receipt.replaceAll('\n', '\r\n')],
    ['no index', receipt.replace('index 2\n', '')],
    ['an index with a leading zero', receipt.replace('index 2', 'index 02')],
    ['a negative index', receipt.replace('index 2', 'index -2')],
    ['an index of 2^53', receipt.replace('index 2', 'index 9007199254740992')],
    ['two indices', receipt.replace('index 2', 'index 2\nindex 2')],
    ['extra data after the index', receipt.replace('index 2\n', 'index 2\nextra AAAA\n')],
    ['extra data twice', receipt.replace('index 2\n', 'extra AAAA\nextra AAAA\nindex 2\n')],
    ['extra data of nothing', receipt.replace('index 2\n', 'extra \nindex 2\n')],
    ['extra data that is not base64', receipt.replace('index 2\n', 'extra A\nindex 2\n')],
    ['a hash of 31 bytes', receipt.replace('index 2\n', `index 2\n${toBase64(root.slice(1))}\n`)],
    ['a hash with a space', receipt.replace('index 2\n', `index 2\n${hash} \n`)],
    ['64 hashes', receipt.replace('index 2\n', `index 2\n${`${hash}\n`.repeat(64)}`)],
    ['no checkpoint', receipt.slice(0, receipt.indexOf('\n\n') + 2)],
    ['no empty line', receipt.replace('\n\n', '\n')],
    ['an empty line too many', [head, '', ...rest].join('\n')],
    ['junk for a checkpoint', `${receipt.slice(0, receipt.indexOf('\n\n') + 2)}junk\n`],
    ['a megabyte of junk', `${receipt}${'x'.repeat(1_048_576)}`],
    ['half a million lines', `${head}\nindex 2\n${'A\n'.repeat(500_000)}\n${checkpoint}`],
  ])('are refused: %s', (_, text) => {
    expect(() => parseReceipt(text)).toThrow(malformed);
    expect(() => verifyReceipt(text, { entry, verifierKeys })).toThrow(malformed);
  });

  it('are refused: anything else', () => {
    const verify = verifyReceipt as (text: unknown, against: unknown) => unknown;
    for (const value of hostileValues) {
      expect(() => verify(value, { entry, verifierKeys })).toThrow(malformed);
      const badEntry = expect.objectContaining({ code: 'receipt-unverified' });
      expect(() => verify(receipt, { entry: value, verifierKeys })).toThrow(badEntry);
      const typed = expect.objectContaining({
        code: expect.stringMatching(/^(?:verifier-key-malformed|note-unverified)$/),
      });
      expect(() => verify(receipt, { entry, verifierKeys: value })).toThrow(typed);
    }
    fc.assert(
      fc.property(fc.oneof(fc.string(), anything), (value) => {
        expect(() => verify(value, { entry, verifierKeys })).toThrow(malformed);
      }),
    );
  });

  it.each([
    ['an index that is none', { index: -1, proof: [], checkpoint }],
    ['a hash of another length', { index: 0, proof: [emptyRoot().slice(1)], checkpoint }],
    ['extra data of nothing', { index: 0, proof: [], checkpoint, extra: new Uint8Array() }],
    ['64 hashes', { index: 0, proof: Array.from({ length: 64 }, () => root), checkpoint }],
    ['a megabyte of extra data', { index: 0, proof: [], checkpoint, extra: new Uint8Array(1_048_576) }],
    ['junk for a checkpoint', { index: 0, proof: [], checkpoint: 'junk\n' }],
    ['no checkpoint', { index: 0, proof: [], checkpoint: 'x' }],
  ])('are not written with %s', (_, bad) => {
    expect(() => formatReceipt(bad)).toThrow(malformed);
  });
});
