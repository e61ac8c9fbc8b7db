import { formatRetryAfter, parseHttpDate, parseRetryAfter, parseRetryAfterMs } from '@slackwater/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anything, hostileValues } from './hostile.ts';

const nowMs = Date.UTC(1994, 10, 6, 8, 49, 0);

describe('parseRetryAfter', () => {
  it.each([
    ['0', 0],
    ['1', 1000],
    ['120', 120_000],
    ['  7  ', 7000],
    ['007', 7000],
    ['9999999', 9_999_999_000],
    ['9'.repeat(400), Number.MAX_SAFE_INTEGER],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 37_000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 37_000],
    ['Sun Nov  6 08:49:37 1994', 37_000],
    ['Sun, 06 Nov 1994 08:48:00 GMT', 0],
    ['Sat, 31 Dec 1994 23:59:60 GMT', Date.UTC(1995, 0, 1) - nowMs],
    ['Fri, 31 Dec 9999 23:59:59 GMT', Date.UTC(9999, 11, 31, 23, 59, 59) - nowMs],
    ['Thu, 01 Jan 0001 00:00:00 GMT', 0],
  ])('reads %j as %d ms', (value, waitMs) => {
    expect(parseRetryAfter(value, nowMs)).toBe(waitMs);
  });

  it.each([
    '',
    ' ',
    '-1',
    '+1',
    '1.5',
    '1e3',
    '0x10',
    '١٢',
    '1, 2',
    '1s',
    'soon',
    'NaN',
    'Infinity',
    '1994-11-06T08:49:37Z',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06 Nov 1994 08:49:37 UTC',
    'Sun, 06 Nov 1994 08:49:37 +0000',
    'sun, 06 nov 1994 08:49:37 gmt',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun, 31 Nov 1994 08:49:37 GMT',
    'Wed, 29 Feb 1995 08:49:37 GMT',
    'Sun, 00 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Nov 1994 08:60:00 GMT',
    'Sun, 06 Nov 1994 08:49:61 GMT',
    'Sun, 06-Nov-94 08:49:37 GMT',
    'Sunday, 06-Nov-1994 08:49:37 GMT',
    'Sun Nov 6 08:49:37 1994',
    'Xyz Nov  6 08:49:37 1994',
  ])('says undefined of %j', (value) => {
    expect(parseRetryAfter(value, nowMs)).toBeUndefined();
  });

  it('measures a date by the clock of the server that set it', () => {
    const serverDateMs = nowMs + 3_600_000;
    const value = 'Sun, 06 Nov 1994 09:49:10 GMT';
    expect(parseRetryAfter(value, nowMs)).toBe(3_610_000);
    expect(parseRetryAfter(value, nowMs, serverDateMs)).toBe(10_000);
    expect(parseRetryAfter(value, nowMs, Number.NaN)).toBe(3_610_000);
    expect(parseRetryAfter(value, Number.NaN, serverDateMs)).toBe(10_000);
    expect(parseRetryAfter(value, Number.NaN)).toBeUndefined();
    expect(parseRetryAfter('10', Number.NaN)).toBe(10_000);
  });

  it('answers with undefined or a safe integer that is not negative, whatever it is given', () => {
    const parse = parseRetryAfter as (value: unknown, now: unknown, server?: unknown) => unknown;
    const fine = (waitMs: unknown): boolean =>
      waitMs === undefined || (Number.isSafeInteger(waitMs) && Number(waitMs) >= 0);
    for (const value of hostileValues) {
      expect(fine(parse(value, nowMs))).toBe(true);
      if (typeof value !== 'number') continue;
      for (const date of ['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT']) {
        expect(fine(parse(date, value))).toBe(true);
        expect(fine(parse(date, nowMs, value))).toBe(true);
      }
    }
    const numbers = fc.double();
    fc.assert(
      fc.property(fc.oneof(fc.string(), anything), numbers, numbers, (value, now, server) =>
        fine(parse(value, now, server)),
      ),
    );
    fc.assert(
      fc.property(
        fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(253_402_300_799_000) }),
        numbers,
        (date, now) => fine(parse(date.toUTCString(), now)),
      ),
    );
  });

  it('reads back every date that HTTP can write', () => {
    fc.assert(
      fc.property(
        fc.date({ noInvalidDate: true, min: new Date(nowMs), max: new Date(253_402_300_799_000) }),
        (date) => {
          const wholeMs = Math.floor(date.getTime() / 1000) * 1000;
          expect(parseHttpDate(date.toUTCString(), nowMs)).toBe(wholeMs);
          expect(parseRetryAfter(date.toUTCString(), nowMs)).toBe(wholeMs - nowMs);
        },
      ),
    );
  });
});

describe('two-digit years', () => {
  const year = (short: string, now: number): number =>
    new Date(parseHttpDate(`Monday, 01-Jan-${short} 00:00:00 GMT`, now) ?? Number.NaN).getUTCFullYear();

  it.each([
    ['94', Date.UTC(1994, 5), 1994],
    ['00', Date.UTC(1994, 5), 2000],
    ['44', Date.UTC(1994, 5), 2044],
    ['45', Date.UTC(1994, 5), 1945],
    ['26', Date.UTC(2026, 5), 2026],
    ['76', Date.UTC(2026, 5), 2076],
    ['77', Date.UTC(2026, 5), 1977],
    ['99', Date.UTC(2026, 5), 1999],
    ['01', Date.UTC(2099, 5), 2101],
    ['99', Date.UTC(2101, 5), 2099],
  ])('%s is, seen from %d, the year %d: not more than 50 years ahead', (short, now, expected) => {
    expect(year(short, now)).toBe(expected);
  });

  it('counts the 50 years to the second', () => {
    const now = Date.UTC(2026, 0, 1);
    expect(parseHttpDate('Wednesday, 01-Jan-76 00:00:00 GMT', now)).toBe(Date.UTC(2076, 0, 1));
    expect(parseHttpDate('Wednesday, 01-Jan-76 00:00:01 GMT', now)).toBe(Date.UTC(1976, 0, 1, 0, 0, 1));
  });
});

describe('writing waits', () => {
  it.each([
    [0, '0'],
    [1, '1'],
    [1000, '1'],
    [1001, '2'],
    [-5, '0'],
    [Number.NaN, '0'],
    [Number.POSITIVE_INFINITY, '9007199254741'],
  ])('rounds %d ms up to %s seconds', (waitMs, seconds) => {
    expect(formatRetryAfter(waitMs)).toBe(seconds);
  });

  it('never tells a caller to come back early', () => {
    fc.assert(
      fc.property(fc.nat(), (waitMs) => (parseRetryAfter(formatRetryAfter(waitMs), nowMs) ?? -1) >= waitMs),
    );
  });

  it.each([
    ['250', 250],
    [' 0 ', 0],
    ['9'.repeat(30), Number.MAX_SAFE_INTEGER],
    ['1.5', undefined],
    ['-1', undefined],
    ['', undefined],
    [250, undefined],
    [undefined, undefined],
  ])('reads Slackwater-Retry-After-Ms %j as %s', (value, waitMs) => {
    expect(parseRetryAfterMs(value)).toBe(waitMs);
  });
});
