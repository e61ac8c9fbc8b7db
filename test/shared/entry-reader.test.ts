import { canonicalJson, encodeEntry, type LedgerEntry, parseEntry } from '@slackwater/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EntryReader } from '../../packages/shared/src/entry-reader.ts';
import { entryOf } from './ledger-maker.ts';

const utf8 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'utf8'));
const bytesOf = (value: unknown): Uint8Array => utf8(canonicalJson(value));

/** What comes of the bytes: the entry, or why they are none. */
function outcome(read: (bytes: Uint8Array) => LedgerEntry, bytes: Uint8Array): unknown {
  try {
    return read(bytes);
  } catch (error) {
    return String(error);
  }
}

/** Reads all of them with one reader, and each by itself. */
function bothWays(entries: readonly Uint8Array[]): { readonly inTurn: unknown[]; readonly alone: unknown[] } {
  const reader = new EntryReader();
  return {
    inTurn: entries.map((bytes) => outcome((given) => reader.read(given), bytes)),
    alone: entries.map((bytes) => outcome(parseEntry, bytes)),
  };
}

const digest = (n: number): string => Buffer.alloc(32, n).toString('base64');
const because = (value: number): NonNullable<LedgerEntry['because']> => ({
  requesterClass: 'free',
  metrics: { commitLatencyMs: { value, over: 200 } },
});

/** Entries of a life, built alike and not, of values of every length. */
function lifeOf(n: number): readonly Uint8Array[] {
  const id = `01JTX${String(n).padStart(n % 7 === 0 ? 22 : 21, '0')}`;
  const requester = 'r'.repeat(1 + (n % 5));
  const plain = { ...entryOf(n, { id, requester }), payload: undefined };
  const { payload: _, ...said } = plain;
  const error = n % 3 === 0 ? 'route-refused' : 'zeitüberschreitung';
  return [
    encodeEntry(entryOf(n, { id, requester, because: because(n * 1.5), payload: digest(n % 256) })),
    encodeEntry({ ...said, type: 'performing', attempt: 1 + (n % 12) }),
    encodeEntry({ ...said, type: 'failed', attempt: 10 ** (n % 4), error, status: 400 + n }),
    encodeEntry({ ...said, type: 'performed', attempt: 2, outcomeKnown: n % 2 === 0 }),
    encodeEntry({
      ...said,
      reasons: Array.from({ length: n % 3 }, (_, i) => `because-${i}`),
      type: 'postponed',
    }),
  ];
}

describe('reading one entry after the other', () => {
  it('gives what reading each by itself gives', () => {
    const entries = Array.from({ length: 60 }, (_, n) => lifeOf(n)).flat();
    const { inTurn, alone } = bothWays(entries);
    expect(inTurn).toEqual(alone);
    expect(alone.some((each) => typeof each === 'string')).toBe(false);
  });

  it('gives what reading each by itself gives of bytes that were changed anywhere', () => {
    const pool = Array.from({ length: 3 }, (_, n) => lifeOf(n)).flat();
    const change = fc.record({
      of: fc.nat(pool.length - 1),
      at: fc.nat(),
      cut: fc.nat(3),
      put: fc.oneof(
        fc.constantFrom(
          '',
          '"',
          ',',
          '}',
          '{',
          ':',
          '\\',
          '0',
          '1',
          '-',
          '.',
          'e',
          '[',
          ']',
          ' ',
          'é',
          '\u0001',
        ),
        fc.constantFrom('"v":1,', ',"v":1', '1}', '""', 'null', '{"a":1}', '"zz":1}', '\ud83d\ude00'),
        fc.string({ maxLength: 3 }),
      ),
    });
    fc.assert(
      fc.property(fc.array(fc.oneof(change, fc.nat(pool.length - 1)), { maxLength: 40 }), (choices) => {
        const entries = choices.map((choice) => {
          if (typeof choice === 'number') return pool[choice] ?? utf8('');
          const text = Buffer.from(pool[choice.of] ?? []).toString('utf8');
          const at = choice.at % (text.length + 1);
          return utf8(text.slice(0, at) + choice.put + text.slice(at + choice.cut));
        });
        const { inTurn, alone } = bothWays(entries);
        expect(inTurn).toEqual(alone);
      }),
      { numRuns: 300 },
    );
  });

  it('gives what reading each by itself gives of values of every kind', () => {
    const name = fc.oneof(
      fc.constantFrom('a', 'b', '10', '9', '', ' ', '"', '\\', '.*', '__proto__', 'é', '\u007f'),
      fc.string({ maxLength: 2 }),
    );
    const text = fc.oneof(
      fc.constantFrom('', 'a', '"', '\n', 'é', '\ud83d\ude00', '","b":"'),
      fc.string({ maxLength: 3 }),
    );
    const number = fc.oneof(
      fc.constantFrom(0, 1, 1e21, 1e-7, 0.1, 2 ** 53, -1.5),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    );
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        text,
        number,
        fc.boolean(),
        fc.constant(null),
        fc.array(text, { maxLength: 3 }),
        fc.array(tie('value'), { maxLength: 2 }),
        fc.dictionary(name, tie('value'), { maxKeys: 3, noNullPrototype: true }),
      ),
    }));
    const because = fc.dictionary(name, value, { maxKeys: 3, noNullPrototype: true });
    fc.assert(
      fc.property(
        fc.array(fc.record({ because, zz: value, n: fc.nat(9) }), { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat(), { maxLength: 30 }),
        (made, choices) => {
          const pool = made.map(({ n, ...members }) => bytesOf({ ...entryOf(n), ...members }));
          const { inTurn, alone } = bothWays(choices.map((choice) => pool[choice % pool.length] ?? utf8('')));
          expect(inTurn).toEqual(alone);
          expect(inTurn.map((entry) => JSON.stringify(entry))).toEqual(
            alone.map((entry) => JSON.stringify(entry)),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each<[string, Partial<Record<string, unknown>>]>([
    ['a time that is none', { at: '2026-13-01T00:00:00.000Z' }],
    ['a digest that is too short', { payload: 'AAAA' }],
    ['another version', { v: 2 }],
    ['no text where one belongs', { requester: 7 }],
    ['an attempt that is no integer', { attempt: 1.5 }],
    ['a reason that is no text', { reasons: [1] }],
    ['a type that nobody knows', { type: 'vanished' }],
  ])('refuses %s although an entry with the same members came before', (_, changed) => {
    const reader = new EntryReader();
    const entry = { ...entryOf(1), attempt: 3 };
    expect(reader.read(bytesOf(entry))).toEqual(entry);
    expect(reader.read(bytesOf({ ...entry, ...entryOf(2) }))).toMatchObject({
      id: entryOf(2).id,
      attempt: 3,
    });
    expect(() => reader.read(bytesOf({ ...entry, ...changed }))).toThrow(/must be/);
    expect(reader.read(bytesOf(entry))).toEqual(entry);
  });

  it.each<[string, (text: string) => string]>([
    ['goes on behind its end', (text) => `${text} `],
    ['ends before its end', (text) => text.slice(0, -1)],
    ['ends within its last value', (text) => text.slice(0, -3)],
    ['is two of them', (text) => text + text],
    ['has a member twice', (text) => text.replace('"v":1', '"v":1,"v":1')],
    ['has a member too many', (text) => text.replace('"v":1', '"v":1,"w":1')],
    ['lacks one', (text) => text.replace('"v":1,', '')],
    ['has white space in it', (text) => text.replace('"v":1', '"v": 1')],
    ['has a number in another form', (text) => text.replace('"v":1', '"v":1.0')],
    ['is of another object', (text) => text.replace('"v":1', '"v":{"v":1}')],
  ])('reads one that %s as it reads it alone', (_, changed) => {
    const text = canonicalJson(entryOf(1));
    const { inTurn, alone } = bothWays([text, text, changed(text), text].map(utf8));
    expect(inTurn).toEqual(alone);
    expect(alone.filter((each) => typeof each === 'object')).toHaveLength(
      changed(text).includes('"w"') ? 4 : 3,
    );
  });

  it('takes those forms of a number that canonical JSON has, and no others', () => {
    const forms = [
      '1.50',
      '01',
      '1.0',
      '1e3',
      '1E3',
      '+1',
      '-0',
      '.5',
      '5.',
      '1e400',
      '-',
      '1-1',
      '0.0000001',
      '00.5',
      '0.10',
    ];
    const long = ['12345678901234567.5', '9007199254740993', '1234567890123456789', '0.12345678901234567'];
    const canonical = [
      '0',
      '-1.5',
      '0.00001',
      '0.000001',
      '1e-7',
      '1e+21',
      '123456789012345.6',
      '1234567890123456.5',
      '123456789012345',
      '9007199254740992',
    ];
    const textOf = (number: string): string =>
      canonicalJson({ ...entryOf(1), zz: 0.5 }).replace('0.5', number);
    const texts = [...canonical, ...forms, ...long].flatMap((number) => ['0.5', number]).map(textOf);
    const { inTurn, alone } = bothWays(texts.map(utf8));
    expect(inTurn).toEqual(alone);
    const isEntry = (each: unknown): boolean => typeof each === 'object';
    expect(alone.filter((_, n) => n % 2 === 1).map(isEntry)).toEqual([
      ...canonical.map(() => true),
      ...[...forms, ...long].map(() => false),
    ]);
  });

  it('gives each entry values of its own, whatever came after it', () => {
    const reader = new EntryReader();
    const entries = [1, 2, 3].map((n) => reader.read(encodeEntry(entryOf(n))));
    expect(entries.map(({ id }) => id)).toEqual([1, 2, 3].map((n) => entryOf(n).id));
  });

  it('keeps members that it does not know, one called __proto__ as well', () => {
    const texts = [1, 2].map((n) => {
      const rest = canonicalJson({ ...entryOf(n), zone: n }).slice(1);
      return utf8(`{"__proto__":{"v":${n}},${rest}`);
    });
    const { inTurn, alone } = bothWays([...texts, ...texts]);
    expect(inTurn).toEqual(alone);
    expect(inTurn.map((entry) => Object.keys(entry as object))).toEqual(
      alone.map((entry) => Object.keys(entry as object)),
    );
    expect(Object.keys(inTurn[1] as object)).toContain('__proto__');
  });

  it('knows the members of entries again after many that have ever others', () => {
    const strange = Array.from({ length: 300 }, (_, n) => bytesOf({ ...entryOf(n), [`more${n}`]: n }));
    const alike = Array.from({ length: 300 }, (_, n) =>
      bytesOf({ ...entryOf(n), because: { [`${n % 40}`]: n / 7 } }),
    );
    const { inTurn, alone } = bothWays([...alike, ...strange, ...alike, ...strange]);
    expect(inTurn).toEqual(alone);
  });

  it('goes on where entries have ever other members, and where they are long', () => {
    const entries = Array.from({ length: 120 }, (_, n) =>
      bytesOf({ ...entryOf(n), [`more${n % 50}`]: 'x'.repeat((n % 9) * 1_000) }),
    );
    const { inTurn, alone } = bothWays([...entries, ...entries]);
    expect(inTurn).toEqual(alone);
  });
});
