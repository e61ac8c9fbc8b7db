/** C2SP signed-note: texts with signature lines. */
import { fromBase64, toBase64 } from './base64.ts';
import { concatBytes, copyOfBytes } from './bytes.ts';
import { signatureIsValid, type VerifyOptions } from './ed25519.ts';
import { hasControlCharacter, isWellFormed, utf8 } from './text.ts';
import { NoteMalformedError, NoteUnverifiedError } from './verification-errors.ts';
import { isKeyName, parseVerifierKeys } from './verifier-key.ts';

const maxNoteLength = 1_048_576;
const maxSignatures = 64;
const signaturePrefix = '\u2014 ';
const keyIdShape = /^[0-9a-f]{8}$/;

/** A signature that has been verified. */
export interface NoteSignature {
  /** The key's name. */
  readonly name: string;
  /** Eight lower-case hex digits, as in the verifier key. */
  readonly keyId: string;
}

/** A note whose signatures were verified. */
export interface OpenedNote {
  /** The text that was signed, with its final newline. */
  readonly text: string;
  /** Who signed it, known keys only, each once, in the note's order; at least one. */
  readonly signatures: readonly NoteSignature[];
}

/** A signature to put under a note. */
export interface NewNoteSignature extends NoteSignature {
  /** Of the text's UTF-8 bytes; 64 bytes, without the key id. */
  readonly signature: Uint8Array;
}

/**
 * The parts of a note, nothing verified. Throws `note-malformed`. At most 1 MiB and 64 signatures.
 * Signatures come without their key id.
 */
export function splitNote(note: unknown): { text: string; signatures: NewNoteSignature[] } {
  if (typeof note !== 'string') throw new NoteMalformedError(`a ${typeof note} instead of a string`);
  if (note.length > maxNoteLength) throw new NoteMalformedError(`longer than ${maxNoteLength} characters`);
  if (!isWellFormed(note)) throw new NoteMalformedError('it contains a lone surrogate');
  if (hasControlCharacter(note)) throw new NoteMalformedError('it contains a control character');
  const end = note.lastIndexOf('\n\n');
  if (end < 0) throw new NoteMalformedError('no empty line separates text and signatures');
  if (!note.endsWith('\n')) throw new NoteMalformedError('the last line does not end');
  const lines = note.slice(end + 2, -1).split('\n', maxSignatures + 1);
  if (lines.length > maxSignatures) throw new NoteMalformedError(`more than ${maxSignatures} signatures`);
  return { text: note.slice(0, end + 1), signatures: lines.map(parseSignatureLine) };
}

/**
 * Verifies a signed note under the given keys (C2SP verifier keys) and gives its text. Signatures by other keys are
 * ignored; a signature by a known key that does not verify refuses the note.
 *
 * Throws `note-malformed`, `note-unverified`, or `verifier-key-malformed`.
 */
export function openNote(note: string, verifierKeys: readonly string[], options?: VerifyOptions): OpenedNote {
  const keys = parseVerifierKeys(verifierKeys, options);
  const { text, signatures } = splitNote(note);
  const message = utf8(text);
  const verified = new Map<string, NoteSignature>();
  for (const { name, keyId, signature } of signatures) {
    const slot = `${name}+${keyId}`;
    const key = keys.get(slot);
    if (key === undefined) continue;
    if (!signatureIsValid(signature, message, key.publicKey, options)) {
      throw new NoteUnverifiedError(`the signature by ${slot} is wrong`);
    }
    verified.set(slot, { name, keyId });
  }
  if (verified.size === 0) throw new NoteUnverifiedError('no known key signed it');
  return { text, signatures: [...verified.values()] };
}

/**
 * The note with its signatures, in the order given. The caller signs `text`'s UTF-8 bytes with Ed25519; this package
 * holds no private keys. Throws `note-malformed` where the result would be no note.
 */
export function formatNote(text: string, signatures: readonly NewNoteSignature[]): string {
  if (!text.endsWith('\n')) throw new NoteMalformedError('the text does not end with a newline');
  const note = `${text}\n${signatures.map(formatSignatureLine).join('')}`;
  splitNote(note);
  return note;
}

function parseSignatureLine(line: string): NewNoteSignature {
  const [name = '', encoded = '', ...more] = line.slice(signaturePrefix.length).split(' ', 3);
  const bytes = fromBase64(encoded);
  if (
    !line.startsWith(signaturePrefix) ||
    !isKeyName(name) ||
    more.length > 0 ||
    bytes === undefined ||
    bytes.length < 5
  ) {
    throw new NoteMalformedError('a signature line is not: em dash, space, name, space, base64');
  }
  const keyId = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return { name, keyId, signature: bytes.slice(4) };
}

function formatSignatureLine({ name, keyId, signature }: NewNoteSignature): string {
  const bytes = copyOfBytes(signature, 64);
  if (!isKeyName(name) || !keyIdShape.test(keyId) || bytes === undefined) {
    throw new NoteMalformedError(
      'a signature needs a name, a key id of 8 lower-case hex digits, and 64 bytes',
    );
  }
  const id = Uint8Array.from([0, 2, 4, 6], (at) => Number.parseInt(keyId.slice(at, at + 2), 16));
  return `${signaturePrefix}${name} ${toBase64(concatBytes(id, bytes))}\n`;
}
