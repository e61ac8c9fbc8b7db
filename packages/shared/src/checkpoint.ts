/** C2SP tlog-checkpoint: the head of a ledger as a note's text. */
import { fromBase64, toBase64 } from './base64.ts';
import { copyOfBytes } from './bytes.ts';
import { splitNote } from './note.ts';
import { isCount } from './parameter-error.ts';
import { hasControlCharacter, isWellFormed } from './text.ts';
import { CheckpointMalformedError } from './verification-errors.ts';

const maxLength = 1_048_576;
const decimal = /^(?:0|[1-9][0-9]{0,15})$/;

/** A tree's head. */
export interface Checkpoint {
  /** Names the ledger. Also the name of the key that signs. */
  readonly origin: string;
  /** Number of entries. */
  readonly size: number;
  /** RFC 6962 root, 32 bytes. */
  readonly root: Uint8Array;
  /** Lines after the third; absent where there are none. */
  readonly extensions?: readonly string[];
}

/**
 * The checkpoint in a signed note, or in a note's text alone (no empty line in it). Nothing is verified: use
 * {@link openNote} first. Throws `checkpoint-malformed`.
 */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', decimalSize, encodedRoot, ...extensions] = bodyOf(text).slice(0, -1).split('\n');
  const size = parseDecimal(decimalSize);
  const root = copyOfBytes(fromBase64(encodedRoot), 32);
  if (origin === '') throw new CheckpointMalformedError('the origin is empty');
  if (size === undefined) throw new CheckpointMalformedError('the size is not a decimal integer below 2^53');
  if (root === undefined) throw new CheckpointMalformedError('the root is not base64 of 32 bytes');
  if (extensions.includes('')) throw new CheckpointMalformedError('an extension line is empty');
  return { origin, size, root, ...(extensions.length > 0 ? { extensions } : {}) };
}

/** The text to be signed: three lines. Throws `checkpoint-malformed` for an origin, size or root that fit no checkpoint. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  const bytes = copyOfBytes(root, 32);
  if (!isCount(size)) throw new CheckpointMalformedError(`a size can't be ${size}`);
  if (bytes === undefined) throw new CheckpointMalformedError('a root has 32 bytes');
  if (origin.includes('\n')) throw new CheckpointMalformedError('an origin is one line');
  const text = `${origin}\n${size}\n${toBase64(bytes)}\n`;
  parseCheckpoint(text);
  return text;
}

/** A number as the C2SP formats write it: decimal, no sign, no leading zeros, below 2^53. Undefined for anything else. */
export function parseDecimal(text: string | undefined): number | undefined {
  if (text === undefined || !decimal.test(text)) return undefined;
  const value = Number(text);
  return isCount(value) ? value : undefined;
}

function bodyOf(text: unknown): string {
  if (typeof text !== 'string') throw new CheckpointMalformedError(`a ${typeof text} instead of a string`);
  if (text.length > maxLength) throw new CheckpointMalformedError(`longer than ${maxLength} characters`);
  if (text.includes('\n\n')) return bodyOfNote(text);
  if (!text.endsWith('\n')) throw new CheckpointMalformedError('the last line does not end');
  if (!isWellFormed(text) || hasControlCharacter(text)) {
    throw new CheckpointMalformedError('it contains a lone surrogate or a control character');
  }
  return text;
}

function bodyOfNote(note: string): string {
  try {
    return splitNote(note).text;
  } catch (error) {
    throw new CheckpointMalformedError('it is not a signed note either', { cause: error });
  }
}
