import {
  exposedHeaderNames,
  formatDecisionHeader,
  formatDeferredHeader,
  formatIdempotencyKey,
  formatPrefer,
  headerNames,
  parseDeferredHeader,
  parseIdempotencyKey,
  parseOutcomeState,
  parsePrefer,
} from '@slackwater/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anything, hostileValues } from './hostile.ts';

const printable = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 255 });

describe('header names', () => {
  it('are valid, and exposed only if they exist', () => {
    for (const name of Object.values(headerNames)) expect(() => new Headers({ [name]: 'x' })).not.toThrow();
    expect(Object.values(headerNames)).toEqual(expect.arrayContaining([...exposedHeaderNames]));
  });
});

describe('Slackwater-Decision', () => {
  const least = { decision: 'perform', reasons: ['clear'], workType: 'settle' } as const;

  it('says how a request was decided, as a structured dictionary', () => {
    expect(formatDecisionHeader(least)).toBe('decision=perform, reasons=(clear), work-type="settle"');
    const all = formatDecisionHeader({
      ...least,
      decision: 'retry-later',
      reasons: ['over-threshold', 'not-asked'],
      partition: 'a"b',
      state: 'over',
      valueMs: 312.5004,
      thresholdMs: 200,
      ahead: ['pay', 'a.b'],
    });
    expect(all).toBe(
      'decision=retry-later, reasons=(over-threshold not-asked), work-type="settle", ' +
        String.raw`partition="a\"b", state=over, value=312.5, threshold=200, ahead=("pay" "a.b")`,
    );
  });

  it.each([
    [0, '0'],
    [0.0001, '0'],
    [100, '100'],
    [0.1, '0.1'],
    [999_999_999_999, '999999999999'],
  ])('spells %d ms as %s', (valueMs, spelled) => {
    expect(formatDecisionHeader({ ...least, valueMs })).toContain(`value=${spelled}`);
  });

  it.each([
    { ...least, reasons: ['not a token'] },
    { ...least, reasons: [''] },
    { ...least, workType: 'line\nbreak' },
    { ...least, partition: 'caf\u00e9' },
    { ...least, valueMs: Number.NaN },
    { ...least, valueMs: Number.POSITIVE_INFINITY },
    { ...least, thresholdMs: 1e300 },
  ])('refuses what it has no spelling for', (said) => {
    expect(() => formatDecisionHeader(said)).toThrow(expect.objectContaining({ code: 'parameter-invalid' }));
  });
});

describe('Idempotency-Key', () => {
  it.each([
    ['"8e03978e-40d5-43dd-bc93-6894a57f9324"', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
    ['"a b, c"', 'a b, c'],
    [String.raw`"a\"b\\c"`, String.raw`a"b\c`],
    ['  "key"  ', 'key'],
    ['" key "', ' key '],
    [`"${'k'.repeat(255)}"`, 'k'.repeat(255)],
    [`"${'\\"'.repeat(255)}"`, '"'.repeat(255)],
    ['8e03978e-40d5-43dd-bc93-6894a57f9324', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
    [' bare;key=1 ', 'bare;key=1'],
    ['k'.repeat(255), 'k'.repeat(255)],
  ])('%j is the key %j', (value, key) => {
    expect(parseIdempotencyKey(value)).toBe(key);
  });

  it.each([
    '',
    ' ',
    '""',
    '"',
    '"a',
    'a"',
    '"a"b"',
    '"a" "b"',
    '"a", "b"',
    'a, b',
    'a,b',
    'a b',
    '"a";p=1',
    String.raw`"a\b"`,
    String.raw`"a\"`,
    '"a\tb"',
    '"a\nb"',
    '"\u00e9"',
    'cl\u00e9',
    '"\u{1f600}"',
    'a\0b',
    `"${'k'.repeat(256)}"`,
    'k'.repeat(256),
    'k'.repeat(1_000_000),
    `"${'\\"'.repeat(500_000)}`,
  ])('%.20j is no key', (value) => {
    expect(parseIdempotencyKey(value)).toBeUndefined();
  });

  it('is read as it was written', () => {
    fc.assert(fc.property(printable, (key) => parseIdempotencyKey(formatIdempotencyKey(key)) === key));
  });

  it('has a quoted and a bare form that are the same key', () => {
    expect(parseIdempotencyKey('abc')).toBe(parseIdempotencyKey('"abc"'));
  });

  it.each(['', 'k'.repeat(256), 'é', 'a\nb', 'a\0', '\u007f'])('is not written for %.20j', (key) => {
    expect(() => formatIdempotencyKey(key)).toThrow(
      expect.objectContaining({ code: 'idempotency-key-invalid' }),
    );
  });

  it('is undefined for anything else', () => {
    for (const value of hostileValues.filter((value) => typeof value !== 'string')) {
      expect(parseIdempotencyKey(value)).toBeUndefined();
    }
  });
});

describe('Prefer', () => {
  it.each<[unknown, boolean, number | undefined]>([
    [undefined, false, undefined],
    ['', false, undefined],
    ['respond-async', true, undefined],
    ['Respond-Async', true, undefined],
    ['respond-async, wait=10', true, 10],
    ['wait=10,respond-async', true, 10],
    [['respond-async', 'wait=10'], true, 10],
    ['respond-async; foo="a, wait=3"; bar, wait=5', true, 5],
    ['wait = 10', false, 10],
    ['wait="10"', false, 10],
    ['wait=0', false, 0],
    ['wait=10; x, wait=20', false, 10],
    ['respond-async=""', true, undefined],
    ['respond-async="no"', false, undefined],
    ['respond-async=0', false, undefined],
    ['not-respond-async', false, undefined],
    ['"respond-async"', false, undefined],
    ['foo="respond-async, wait=1", wait=2', false, 2],
    [String.raw`foo="\", respond-async", wait=2`, false, 2],
    ['foo="unterminated, respond-async', false, undefined],
    [', ,, respond-async ,', true, undefined],
    ['respond async', false, undefined],
    ['@@@, respond-async', true, undefined],
    ['wait', false, undefined],
    ['wait=', false, undefined],
    ['wait=-1', false, undefined],
    ['wait=1.5', false, undefined],
    ['wait=1e3', false, undefined],
    ['wait=9999999999999999999', false, undefined],
    ['wait=ten, wait=10', false, undefined],
    ['handling=lenient, return=minimal', false, undefined],
    [`respond-async${' '.repeat(10_000)}`, false, undefined],
  ])('%.60j asks for async: %s, wait: %s', (value, respondAsync, waitSeconds) => {
    expect(parsePrefer(value)).toEqual(
      waitSeconds === undefined ? { respondAsync } : { respondAsync, waitSeconds },
    );
  });

  it('never throws and never asks for a wait that is no whole number', () => {
    const value = fc.oneof(
      fc.string(),
      fc
        .array(fc.constantFrom('respond-async', 'wait', '=', '"', '\\', ';', ',', ' ', '1', 'x'))
        .map((parts) => parts.join('')),
      anything,
    );
    fc.assert(
      fc.property(value, (header) => {
        const { respondAsync, waitSeconds } = parsePrefer(header);
        return (
          typeof respondAsync === 'boolean' &&
          (waitSeconds === undefined || (Number.isSafeInteger(waitSeconds) && waitSeconds >= 0))
        );
      }),
    );
  });

  it('is read in bounded time', () => {
    for (const part of [' ', '\t', 'a', '"', '\\', ',', ';', '=', 'a=', 'a="', 'a ="\\']) {
      expect(parsePrefer(part.repeat(8192)).waitSeconds).toBeUndefined();
    }
  });

  it('is read as it was written', () => {
    expect(formatPrefer({ respondAsync: true, waitSeconds: 10.9 })).toBe('respond-async, wait=10');
    expect(formatPrefer({ respondAsync: false })).toBeUndefined();
    expect(formatPrefer({ respondAsync: false, waitSeconds: -1 })).toBeUndefined();
    const waits = fc.record({ respondAsync: fc.constant(true), waitSeconds: fc.nat() });
    fc.assert(
      fc.property(waits, (preferences) => {
        expect(parsePrefer(formatPrefer(preferences))).toEqual(preferences);
      }),
    );
  });
});

describe('Slackwater-Deferred', () => {
  it('is a structured dictionary of id and portion (B-07)', () => {
    const header = formatDeferredHeader({ id: '01JTX0000000000000000000E7', portion: 'all' });
    expect(header).toBe('id="01JTX0000000000000000000E7", portion=all');
    expect(parseDeferredHeader(header)).toEqual({ id: '01JTX0000000000000000000E7', portion: 'all' });
  });

  it.each([
    ['portion=all,id="a"', 'a'],
    ['  id="a"  ,\tportion=all', 'a'],
    ['id="a";x=1;y, portion=all;z=?0, more=5, flag, also="x, y"', 'a'],
    ['id="a", id="b", portion=all', 'b'],
    [String.raw`id="a\"\\b", portion=all`, String.raw`a"\b`],
  ])('%j has the id %j', (value, id) => {
    expect(parseDeferredHeader(value)).toEqual({ id, portion: 'all' });
  });

  it.each([
    '',
    'id="a"',
    'portion=all',
    'id=a, portion=all',
    'id="a", portion="all"',
    'id="a", portion=some',
    'id="", portion=all',
    'id="a" portion=all',
    'id="a, portion=all',
    'ID="a", portion=all',
    'id="é", portion=all',
    'id="a", id, portion=all',
    `id="${'a'.repeat(2000)}", portion=all`,
  ])('%.40j says nothing', (value) => {
    expect(parseDeferredHeader(value)).toBeUndefined();
  });

  it('is read as it was written, and nothing else is', () => {
    fc.assert(
      fc.property(printable, (id) => {
        expect(parseDeferredHeader(formatDeferredHeader({ id, portion: 'all' }))).toEqual({
          id,
          portion: 'all',
        });
      }),
    );
    for (const value of hostileValues) expect(parseDeferredHeader(value)).toBeUndefined();
    fc.assert(
      fc.property(fc.oneof(fc.string(), anything), (value) => parseDeferredHeader(value) === undefined),
    );
  });

  it('names the parts that wait, with their ids, and those that are done (B-27, B-28)', () => {
    const header = {
      id: '01A',
      portion: 'part',
      deferred: [
        { part: 'email', id: '01A' },
        { part: 'sms', id: '01B' },
      ],
      done: ['booking'],
    } as const;
    const text = formatDeferredHeader(header);
    expect(text).toBe('id="01A", portion=part, deferred=("email";id="01A" "sms";id="01B"), done=("booking")');
    expect(parseDeferredHeader(text)).toEqual(header);
    expect(formatDeferredHeader({ ...header, done: [] })).not.toContain('done');
  });

  it.each([
    ['portion=part, id="a"', []],
    ['id="a", portion=part, deferred=( )', []],
    ['id="a", x=("y" (, portion=part', undefined],
    ['id="a", portion=part, deferred=("b";id="c";z=1;y="(,")  , more=(1 2)', [{ part: 'b', id: 'c' }]],
    ['id="a", portion=part, deferred=("without" "with";id="c")', [{ part: 'with', id: 'c' }]],
    ['id="a", portion=part, deferred=(token)', undefined],
    ['id="a", portion=part, deferred=("b";id="c"', undefined],
    ['id="a", portion=part, deferred=("b";id="c""d")', undefined],
  ])('%j has the parts %j', (value, deferred) => {
    expect(parseDeferredHeader(value)).toEqual(deferred && { id: 'a', portion: 'part', deferred, done: [] });
  });

  it('with parts is read as it was written, whatever they are called', () => {
    const portion = fc.record({ part: printable, id: printable });
    fc.assert(
      fc.property(
        fc.array(portion, { maxLength: 8 }),
        fc.array(printable, { maxLength: 8 }),
        (deferred, done) => {
          const header = { id: 'a', portion: 'part', deferred, done } as const;
          expect(parseDeferredHeader(formatDeferredHeader(header))).toEqual(header);
        },
      ),
    );
  });

  it('is not written for an id that it can not carry', () => {
    expect(() => formatDeferredHeader({ id: 'é', portion: 'all' })).toThrow(
      expect.objectContaining({ code: 'parameter-invalid' }),
    );
  });
});

describe('Slackwater-Outcome', () => {
  it.each([
    ['pending', 'pending'],
    ['final', 'final'],
    ['Final', undefined],
    ['', undefined],
    [undefined, undefined],
    [['final'], undefined],
  ])('%j is %s', (value, state) => {
    expect(parseOutcomeState(value)).toBe(state);
  });
});
