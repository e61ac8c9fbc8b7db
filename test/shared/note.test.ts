import {
  formatNote,
  formatVerifierKey,
  noteKeyId,
  openNote,
  parseVerifierKey,
  toBase64,
} from '@slackwater/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anything, hostileValues } from './hostile.ts';
import { signerOf } from './ledger-maker.ts';

// The example of the specification.
const specKey = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const specText = 'This is an example message.\n';
const specSignature =
  '— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n';
const specNote = `${specText}\n${specSignature}`;

const anna = signerOf('anna.example', 1);
const bert = signerOf('bert.example', 2);
const text = 'one\n\ntwo ☃\n';
const line = (signer: typeof anna, signature = signer.signature(text)): string =>
  `— ${signer.name} ${toBase64(Uint8Array.from([...Buffer.from(signer.keyId, 'hex'), ...signature]))}\n`;
const note = `${text}\n${line(anna)}${line(bert)}`;

const malformed = expect.objectContaining({ code: 'note-malformed' });
const unverified = expect.objectContaining({ code: 'note-unverified' });

describe('openNote', () => {
  it('opens the example of the specification', () => {
    expect(openNote(specNote, [specKey])).toEqual({
      text: specText,
      signatures: [{ name: 'example.com/foo', keyId: '530d903a' }],
    });
  });

  it('gives the text before the last empty line, with its newline, and who signed it', () => {
    expect(openNote(note, [bert.verifierKey, anna.verifierKey])).toEqual({
      text,
      signatures: [
        { name: 'anna.example', keyId: anna.keyId },
        { name: 'bert.example', keyId: bert.keyId },
      ],
    });
  });

  it('ignores signatures by keys that it does not know', () => {
    expect(openNote(note, [bert.verifierKey]).signatures).toEqual([
      { name: 'bert.example', keyId: bert.keyId },
    ]);
    const unknownType = `— witness.example ${toBase64(new Uint8Array(2000))}\n`;
    expect(openNote(note + unknownType, [bert.verifierKey]).signatures).toHaveLength(1);
  });

  it('ignores a signature that shares only its name, or only its id, with a known key', () => {
    const namesake = signerOf('anna.example', 3);
    expect(() => openNote(`${text}\n${line(namesake)}`, [anna.verifierKey])).toThrow(unverified);
    const renamed = line(anna).replace('anna.example', 'else.example');
    expect(() => openNote(`${text}\n${renamed}`, [anna.verifierKey])).toThrow(unverified);
  });

  it('names each key once, however often it signed', () => {
    expect(openNote(`${text}\n${line(anna)}${line(anna)}`, [anna.verifierKey]).signatures).toHaveLength(1);
  });

  it('refuses a note of which one signature by a known key is wrong, though another one is right', () => {
    const wrong = line(bert, bert.signature('something else\n'));
    const keys = [anna.verifierKey, bert.verifierKey];
    expect(() => openNote(`${text}\n${line(anna)}${wrong}`, keys)).toThrow(unverified);
    expect(() => openNote(`${text}\n${line(anna)}${line(bert)}${wrong}`, keys)).toThrow(unverified);
    expect(openNote(`${text}\n${line(anna)}${wrong}`, [anna.verifierKey]).text).toBe(text);
  });

  it('refuses a note when it is given no keys', () => {
    expect(() => openNote(note, [])).toThrow(unverified);
  });

  it('refuses every note of which one character was changed', () => {
    const signed = `${text}\n${line(anna)}`;
    fc.assert(
      fc.property(
        fc.nat(signed.length - 1),
        fc.constantFrom('a', 'B', '0', ' ', '\n', '—', '=', '\r', '\u00a0'),
        (at, by) => {
          const changed = signed.slice(0, at) + by + signed.slice(at + 1);
          fc.pre(changed !== signed);
          expect(() => openNote(changed, [anna.verifierKey])).toThrow(
            expect.objectContaining({ code: expect.stringMatching(/^note-/) }),
          );
        },
      ),
      { numRuns: 150 },
    );
  });

  const signature = line(anna);
  it.each([
    ['nothing', ''],
    ['no empty line', `one\n${signature}`],
    ['no signature', 'one\n\n'],
    ['no text at all', signature],
    ['an unfinished last line', note.slice(0, -1)],
    ['an empty line at the end', `${note}\n`],
    ['CRLF', note.replaceAll('\n', '\r\n')],
    ['a tab', `a\tb\n\n${signature}`],
    ['a NUL', `a\0b\n\n${signature}`],
    ['a lone surrogate', `a\ud800b\n\n${signature}`],
    ['a hyphen for the dash', note.replace('— ', '- ')],
    ['two spaces after the dash', note.replace('— ', '—  ')],
    ['a no-break space', note.replace('— ', '—\u00a0')],
    ['a name with a plus', note.replace('anna.example', 'anna+example')],
    ['a name with a Unicode space', note.replace('anna.example', 'anna\u2003example')],
    ['a name with U+0085', note.replace('anna.example', 'anna\u0085example')],
    ['something after the signature', note.replace('=\n', '= x\n')],
    ['base64 without padding', note.replace('=\n', '\n')],
    ['base64 with padding bits', note.replace(/.=\n/, 'B=\n')],
    ['base64 of the URL alphabet', `a\n\n— b AAAAA_A=\n`],
    ['a signature of nothing but the key id', 'a\n\n— b AAAAAA==\n'],
    ['65 signatures', `${text}\n${signature.repeat(65)}`],
    ['a megabyte of junk', 'x'.repeat(1_048_577)],
    ['a megabyte of line breaks', '\n'.repeat(1_048_577)],
  ])('refuses a note with %s', (_, bad) => {
    expect(() => openNote(bad, [anna.verifierKey])).toThrow(malformed);
  });

  it('accepts 64 signatures', () => {
    const unknown = `— witness.example ${toBase64(new Uint8Array(68))}\n`;
    expect(openNote(`${text}\n${unknown.repeat(63)}${signature}`, [anna.verifierKey]).text).toBe(text);
  });

  it('gives typed errors only, whatever it is given', () => {
    const open = openNote as (note: unknown, keys: unknown) => unknown;
    const typed = expect.objectContaining({ code: expect.stringMatching(/^(?:note|verifier-key)-/) });
    for (const value of hostileValues) {
      expect(() => open(value, [anna.verifierKey])).toThrow(malformed);
      // The empty list is one: of no keys.
      expect(() => open(note, value)).toThrow(typed);
      expect(() => open(note, [value])).toThrow(expect.objectContaining({ code: 'verifier-key-malformed' }));
    }
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), anything), anything, (value, keys) => {
        expect(() => open(value, keys)).toThrow(typed);
      }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('\n', '\n\n', '— ', 'a', ' ', 'AAAAAAAA', '='), { maxLength: 20 }),
        (parts) => {
          expect(() => open(parts.join(''), [anna.verifierKey])).toThrow(typed);
        },
      ),
    );
  });

  it('checks signatures with the function that is given, and takes no other answer than true', () => {
    expect(openNote(note, [anna.verifierKey], { ed25519Verify: () => true }).text).toBe(text);
    expect(() => openNote(note, [anna.verifierKey], { ed25519Verify: () => false })).toThrow(unverified);
    const broken = (): never => {
      throw new Error('broken');
    };
    expect(() => openNote(note, [anna.verifierKey], { ed25519Verify: broken })).toThrow(unverified);
  });

  it('refuses the signature of a low-order key, which would fit any text', () => {
    const identity = Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 1 : 0));
    const forged = Uint8Array.from([...identity, ...new Uint8Array(32)]);
    const name = 'low.example';
    const keyId = noteKeyId(name, identity);
    const low = formatNote(text, [{ name, keyId, signature: forged }]);
    expect(() => openNote(low, [formatVerifierKey(name, identity)])).toThrow(unverified);
  });
});

describe('formatNote', () => {
  it('writes what openNote reads', () => {
    const signatures = [anna, bert].map(({ name, keyId, signature: signed }) => ({
      name,
      keyId,
      signature: signed(text),
    }));
    expect(formatNote(text, signatures)).toBe(note);
  });

  it.each([
    ['a text without a last newline', 'one', { keyId: anna.keyId, name: 'a', signature: new Uint8Array(64) }],
    ['a name with a space', 'one\n', { keyId: anna.keyId, name: 'a b', signature: new Uint8Array(64) }],
    ['a key id in capitals', 'one\n', { keyId: 'ABCDEF01', name: 'a', signature: new Uint8Array(64) }],
    ['a short signature', 'one\n', { keyId: anna.keyId, name: 'a', signature: new Uint8Array(63) }],
  ])('refuses %s', (_, body, signature) => {
    expect(() => formatNote(body, [signature])).toThrow(malformed);
  });

  it('refuses to write a note that nobody signed', () => {
    expect(() => formatNote(text, [])).toThrow(malformed);
  });
});

describe('verifier keys', () => {
  it('are read and written as in the specification', () => {
    const { name, keyId, publicKey } = parseVerifierKey(specKey);
    expect([name, keyId, publicKey.length]).toEqual(['example.com/foo', '530d903a', 32]);
    expect(formatVerifierKey(name, publicKey)).toBe(specKey);
    expect(noteKeyId(name, publicKey)).toBe('530d903a');
  });

  it.each([
    ['an empty one', ''],
    ['no pluses', 'example.com'],
    ['no key', 'example.com/foo+530d903a'],
    ['an empty name', specKey.replace('example.com/foo', '')],
    ['another name', specKey.replace('foo', 'bar')],
    ['another key id', specKey.replace('530d903a', '530d903b')],
    ['a key id in capitals', specKey.replace('530d903a', '530D903A')],
    ['a short key id', specKey.replace('530d903a', '30d903a')],
    ['another type of key', specKey.replace('+Ae', '+Be')],
    ['a shorter key', `${specKey.slice(0, -4)}`],
    ['a space at the end', `${specKey} `],
    ['a line break at the end', `${specKey}\n`],
    ['a megabyte of junk at the end', specKey + 'A'.repeat(1_000_000)],
  ])('are refused: %s', (_, key) => {
    expect(() => openNote(specNote, [key])).toThrow(
      expect.objectContaining({ code: 'verifier-key-malformed' }),
    );
  });
});
