/** A block as text: canonical JSON. `docs/ledger-format.md`, "Block". */
import { canonicalJson } from './canonical-json.ts';
import { parseCanonicalJson } from './canonical-text.ts';
import type { LedgerBlock } from './entry.ts';
import { type HashOptions, sha256 } from './hash.ts';
import {
  faultOf,
  filledText,
  hashInBase64,
  integerFrom,
  type MemberShape,
  oneOf,
  type Shape,
  utcTime,
} from './json-shape.ts';
import { utf8 } from './text.ts';
import { BlockMalformedError } from './verification-errors.ts';

/** The longest block, in characters: a checkpoint of the longest kind, and the rest. */
export const maxBlockLength = 2_097_152;

const shape: Shape = {
  v: oneOf([1]),
  height: integerFrom(0),
  previous: hashInBase64,
  first: integerFrom(0),
  last: integerFrom(0),
  size: integerFrom(1),
  root: hashInBase64,
  sealedAt: utcTime,
  checkpoint: filledText,
} satisfies Record<keyof LedgerBlock, MemberShape>;

/** The block's text. Throws `block-malformed` for what {@link parseBlock} would not take back. */
export function encodeBlock(block: LedgerBlock): string {
  const fault = faultOfBlock(block);
  if (fault !== undefined) throw new BlockMalformedError(fault);
  return canonicalJson(block);
}

/**
 * The block in this text. Throws `block-malformed` unless it is the canonical JSON of a block whose members fit each
 * other (`first <= last`, `size = last + 1`). Its root, links and checkpoint are not verified.
 */
export function parseBlock(text: string): LedgerBlock {
  if (typeof text !== 'string') throw new BlockMalformedError(`a ${typeof text} instead of a string`);
  if (text.length > maxBlockLength) throw new BlockMalformedError(`longer than ${maxBlockLength} characters`);
  const { value, fault = faultOfBlock(value) } = parseCanonicalJson(text);
  if (fault !== undefined) throw new BlockMalformedError(fault);
  return value as LedgerBlock;
}

/** SHA-256 over the block's canonical JSON without `checkpoint`: what the next block's `previous` holds. 32 bytes. */
export function blockHash(
  block: Omit<LedgerBlock, 'checkpoint'> & Partial<Pick<LedgerBlock, 'checkpoint'>>,
  options?: HashOptions,
): Uint8Array {
  const { checkpoint: _, ...sealed } = block;
  return sha256(utf8(canonicalJson(sealed)), options);
}

function faultOfBlock(value: unknown): string | undefined {
  const fault = faultOf(value, shape);
  if (fault !== undefined) return fault;
  const { first, last, size } = value as LedgerBlock;
  if (first > last) return `it ends at ${last} before it begins at ${first}`;
  return size === last + 1 ? undefined : `its size is ${size} although its last entry is ${last}`;
}
