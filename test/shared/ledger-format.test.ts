import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  blockHash,
  encodeBlock,
  encodeEntry,
  formatCheckpoint,
  formatReceipt,
  fromBase64,
  inclusionProof,
  leafHash,
  ledgerFaults,
  merkleRoot,
  parseBlock,
  parseEntry,
  parseReceipt,
  toBase64,
  verifyLedger,
  verifyReceipt,
} from '@slackwater/shared';
import { describe, expect, it } from 'vitest';
import { sealBlocks, signerOf } from './ledger-maker.ts';

const page = readFileSync(new URL('../../docs/ledger-format.md', import.meta.url), 'utf8');
const examples = new Map(
  [...page.matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm)].map(([, name = '', body = '']) => [name, body]),
);

/** A code block as it stands, with its last line break. */
function exact(name: string): string {
  const body = examples.get(name);
  if (body === undefined) throw new Error(`docs/ledger-format.md has no code block "${name}"`);
  return body;
}

const line = (name: string): string => exact(name).slice(0, -1);
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');

const origin = 'ledger.example/payments';
const signer = signerOf(origin, Buffer.from(line('private-key'), 'hex'));
const entries = [0, 1, 2].map((at) => new Uint8Array(Buffer.from(line(`entry-${at}`))));
const leaves = entries.map((entry) => leafHash(entry));
const blocks = [0, 1].map((height) => line(`block-${height}`));

describe('the worked example of docs/ledger-format.md', () => {
  it('has the verifier key of its private key', () => {
    expect(signer.verifierKey).toBe(line('verifier-key'));
  });

  it('has the digests of its salt, payload and outcome', () => {
    const digest = (text: string): string =>
      createHash('sha256')
        .update(fromBase64(line('salt')) ?? '')
        .update(text)
        .digest('base64');
    expect(digest(line('payload'))).toBe(line('payload-digest'));
    expect(parseEntry(entries[0] ?? leaves[0] ?? new Uint8Array()).payload).toBe(line('payload-digest'));
    expect(parseEntry(entries[2] ?? new Uint8Array()).outcome).toBe(digest(line('outcome')));
  });

  it.each([0, 1, 2])('has entry %d in the one form it can have, and its leaf hash', (at) => {
    const bytes = entries[at] ?? new Uint8Array();
    expect(encodeEntry(parseEntry(bytes))).toEqual(bytes);
    const prefixed = createHash('sha256').update(Uint8Array.of(0)).update(bytes).digest('hex');
    expect(line(`leaf-hash-${at}`)).toBe(prefixed);
    expect(hex(leaves[at])).toBe(prefixed);
  });

  it('has the roots that its formulas give', () => {
    const node = (left: string, right: string): string =>
      createHash('sha256')
        .update(Uint8Array.of(1))
        .update(Buffer.from(left + right, 'hex'))
        .digest('hex');
    expect(line('root-2')).toBe(node(line('leaf-hash-0'), line('leaf-hash-1')));
    expect(line('root-3')).toBe(node(line('root-2'), line('leaf-hash-2')));
    expect(hex(merkleRoot(leaves.slice(0, 2)))).toBe(line('root-2'));
    expect(hex(merkleRoot(leaves))).toBe(line('root-3'));
  });

  it('has the checkpoint that its key signs', () => {
    const text = formatCheckpoint({ origin, size: 3, root: merkleRoot(leaves) });
    expect(signer.signNote(text)).toBe(exact('checkpoint-3'));
  });

  it.each([0, 1])('has block %d and its hash', (height) => {
    const text = line(`block-${height}`);
    const block = parseBlock(text);
    expect(encodeBlock(block)).toBe(text);
    const { sealedAt, ...made } = sealBlocks(entries, [2, 1], signer)[height] ?? block;
    expect(block).toMatchObject(height === 0 ? made : { root: made.root, checkpoint: made.checkpoint });
    expect(toBase64(blockHash(block))).toBe(line(`block-hash-${height}`));
    const without = text.replace(/^\{"checkpoint":"(?:[^"\\]|\\.)*",/, '{');
    expect(createHash('sha256').update(without).digest('base64')).toBe(line(`block-hash-${height}`));
  });

  it('links block 1 to block 0', () => {
    expect(parseBlock(line('block-1')).previous).toBe(line('block-hash-0'));
  });

  it('has the receipt of entry 0, which verifies', () => {
    const text = exact('receipt-0');
    const checkpoint = exact('checkpoint-3');
    expect(formatReceipt({ index: 0, proof: inclusionProof(leaves, 0), checkpoint })).toBe(text);
    expect(parseReceipt(text).proof.map(hex)).toEqual([line('leaf-hash-1'), line('leaf-hash-2')]);
    const verifierKeys = [line('verifier-key')];
    const proven = verifyReceipt(text, { entry: entries[0] ?? new Uint8Array(), verifierKeys });
    expect(proven).toMatchObject({ index: 0, size: 3, origin });
    expect(hex(proven.root)).toBe(line('root-3'));
  });

  it('verifies as a ledger', () => {
    const report = verifyLedger({
      entries,
      blocks,
      verifierKeys: [line('verifier-key')],
      oldCheckpoint: exact('checkpoint-3'),
    });
    expect(report).toMatchObject({
      ok: true,
      size: 3,
      root: merkleRoot(leaves),
      blocks: 2,
      origin,
      lives: { accepted: 1, performed: 1, unsettled: 0, late: 0 },
    });
  });
});

describe('docs/reference/errors.md', () => {
  it('has a line for every fault of a ledger, and none for anything else', () => {
    const errors = readFileSync(new URL('../../docs/reference/errors.md', import.meta.url), 'utf8');
    const section = errors.slice(errors.indexOf('## Faults of a ledger'));
    const cells = [...section.matchAll(/^\| (`[^|]*) \|/gm)].map(([, cell = '']) => cell);
    const documented = cells.flatMap((cell) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, fault = '']) => fault),
    );
    expect(documented.toSorted()).toEqual([...ledgerFaults].toSorted());
  });
});
