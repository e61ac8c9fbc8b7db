/** C2SP tlog-proof: the proof that an entry is in a ledger, as text. */
import { fromBase64, toBase64 } from './base64.ts';
import { copyOfBytes, isBytes } from './bytes.ts';
import { parseCheckpoint, parseDecimal } from './checkpoint.ts';
import { isCount } from './parameter-error.ts';
import { ReceiptMalformedError } from './verification-errors.ts';

const header = 'c2sp.org/tlog-proof@v1';
const maxLength = 1_048_576;
const maxProofLength = 63;

/** What a receipt says; nothing of it is verified. */
export interface Receipt {
  /** Position of the entry. */
  readonly index: number;
  /** Inclusion proof, from the leaf's sibling upwards; 32 bytes each, at most 63. */
  readonly proof: readonly Uint8Array[];
  /** The signed note, verbatim. */
  readonly checkpoint: string;
  /** Opaque, covered by no signature. Absent where there is none. */
  readonly extra?: Uint8Array;
}

/**
 * The parts of a receipt. Throws `receipt-malformed`, also where the checkpoint in it is none.
 * Verifies nothing: that is {@link verifyReceipt}.
 */
export function parseReceipt(text: string): Receipt {
  if (typeof text !== 'string') throw new ReceiptMalformedError(`a ${typeof text} instead of a string`);
  if (text.length > maxLength) throw new ReceiptMalformedError(`longer than ${maxLength} characters`);
  const gap = text.indexOf('\n\n');
  if (gap < 0) throw new ReceiptMalformedError('no empty line before the checkpoint');
  const [first, ...lines] = text.slice(0, gap).split('\n', maxProofLength + 4);
  if (first !== header) throw new ReceiptMalformedError(`the first line is not ${header}`);
  const extra = lines[0]?.startsWith('extra ') ? parseExtra(lines.shift()) : undefined;
  const index = parseIndex(lines.shift());
  if (lines.length > maxProofLength) throw new ReceiptMalformedError(`more than ${maxProofLength} hashes`);
  const checkpoint = text.slice(gap + 2);
  checkCheckpoint(checkpoint);
  return { index, proof: lines.map(parseHash), checkpoint, ...(extra === undefined ? {} : { extra }) };
}

/** The receipt's text. `checkpoint` is the signed note. Throws `receipt-malformed` where the result would be none. */
export function formatReceipt({ index, proof, checkpoint, extra }: Receipt): string {
  if (!isCount(index)) throw new ReceiptMalformedError(`an index can't be ${index}`);
  if (proof.some((hash) => copyOfBytes(hash, 32) === undefined))
    throw new ReceiptMalformedError('a hash has 32 bytes');
  if (extra !== undefined && (!isBytes(extra) || extra.length === 0)) {
    throw new ReceiptMalformedError('extra data is bytes, at least one');
  }
  if (proof.length > maxProofLength) throw new ReceiptMalformedError(`more than ${maxProofLength} hashes`);
  checkCheckpoint(checkpoint);
  const lines = [header];
  if (extra !== undefined) lines.push(`extra ${toBase64(extra)}`);
  lines.push(`index ${index}`, ...proof.map(toBase64));
  const text = `${lines.join('\n')}\n\n${checkpoint}`;
  if (text.length > maxLength) throw new ReceiptMalformedError(`longer than ${maxLength} characters`);
  return text;
}

function parseExtra(line: string | undefined): Uint8Array {
  const extra = fromBase64(line?.slice('extra '.length));
  if (extra === undefined || extra.length === 0)
    throw new ReceiptMalformedError('the extra data is not base64');
  return extra;
}

function parseIndex(line: string | undefined): number {
  const index = line?.startsWith('index ') ? parseDecimal(line.slice('index '.length)) : undefined;
  if (index === undefined)
    throw new ReceiptMalformedError('no line "index" with a decimal integer below 2^53');
  return index;
}

function parseHash(line: string): Uint8Array {
  const hash = copyOfBytes(fromBase64(line), 32);
  if (hash === undefined) throw new ReceiptMalformedError('a line of the proof is not base64 of 32 bytes');
  return hash;
}

/** The last one that was found to be a checkpoint: as a rule that of the next receipt, too. */
let lastChecked: string | undefined;

function checkCheckpoint(checkpoint: string): void {
  if (checkpoint === lastChecked) return;
  try {
    parseCheckpoint(checkpoint);
    lastChecked = checkpoint;
  } catch (error) {
    throw new ReceiptMalformedError('what follows the empty line is not a checkpoint', { cause: error });
  }
}
