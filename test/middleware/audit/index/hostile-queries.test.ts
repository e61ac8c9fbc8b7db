import { isSlackwaterError } from '@slackwater/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Parsed,
  parseCountQuery,
  parseListQuery,
} from '../../../../packages/middleware/src/answer/resources/list-query.ts';
import {
  checkCount,
  checkQuery,
  placeOf,
} from '../../../../packages/middleware/src/audit/index/check-query.ts';
import {
  type CountQuery,
  countDimensions,
  type IndexQuery,
} from '../../../../packages/middleware/src/audit/index/contract.ts';
import { cursorText, readCursor } from '../../../../packages/middleware/src/audit/index/list-cursor.ts';
import { anything, hostileValues } from '../../../shared/hostile.ts';

const home = { application: 'shop', groups: ['main'] };
const names = [
  ...['by', 'status', 'phase', 'corrupt', 'workType', 'partition', 'requester', 'method', 'route'],
  ...['createdFrom', 'createdBefore', 'application', 'group', 'limit', 'cursor'],
];
const foreign = ['__proto__', 'constructor', 'toString', 'worktype', ''];

/** Values that are nearly right, of any name. */
const value = fc.oneof(
  fc.constantFrom(
    'Failed',
    'parked',
    'true',
    'status,partition',
    'by',
    '__proto__',
    '1e3',
    '0',
    '-1',
    '1000',
  ),
  fc.constantFrom(
    '9007199254740993',
    '2026-11-02T09:00:00Z',
    '2026-13-41T99:99:99Z',
    '+275760-09-13T00:00:00Z',
  ),
  fc.constantFrom(
    '1-1-0123abcd',
    '999999999999999-999999999999999-ffffffff',
    '01-1-0123abcd',
    '1-1-0123ABCD',
  ),
  fc.string({ maxLength: 40 }),
  fc.string({ minLength: 1_000, maxLength: 1_010 }),
);

const params = fc
  .array(fc.tuple(fc.constantFrom(...names, ...foreign), value), { maxLength: 6 })
  .map((pairs) => new URLSearchParams(pairs));

function read(asked: URLSearchParams): readonly Parsed<IndexQuery | CountQuery>[] {
  return [parseListQuery(asked, 100, home), parseCountQuery(asked, home)];
}

/** How checking ended: well, or with a code. */
function endOf(check: () => unknown): string {
  try {
    check();
    return 'ok';
  } catch (error) {
    return isSlackwaterError(error) ? error.code : `threw ${String(error)}`;
  }
}

describe('filters and cursors that anybody may have made up', () => {
  it('are a query that the index takes, or a fault for people: never anything else', () => {
    fc.assert(
      fc.property(params, (asked) => {
        for (const parsed of read(asked)) {
          if (parsed.kind === 'fault') {
            expect(parsed.detail.length).toBeLessThan(500);
            continue;
          }
          const { query } = parsed;
          expect(Object.getPrototypeOf(query)).toBe(Object.prototype);
          expect(endOf(() => ('by' in query ? checkCount(query) : checkQuery(query)))).toBe('ok');
          // A cursor that nobody gave is that of another query.
          if (query.cursor !== undefined)
            expect(endOf(() => placeOf(query, 1_000))).toBe('parameter-invalid');
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['a filter that is not known', '__proto__=x'],
    ['a filter twice', 'status=Failed&status=Failed'],
    ['a number too large', 'limit=9007199254740993'],
    ['a number that is none', 'limit=0x10'],
    ['a day that is none', 'createdFrom=2026-02-31T25:00:00Z'],
    ['a text without end', `route=${'x'.repeat(100_000)}`],
    ['a cursor in other digits', 'cursor=٣-1-0123abcd'],
    ['a cursor without end', `cursor=${'1'.repeat(100_000)}-1-0123abcd`],
    ['many names', `${'a'.repeat(10)}=1&`.repeat(10_000)],
  ])('are refused with the reason: %s', (_, text) => {
    for (const parsed of read(new URLSearchParams(text))) expect(parsed.kind).toBe('fault');
  });

  it('go on only in the query that gave the cursor', () => {
    const place = fc.record({ begunAt: fc.nat(), behind: fc.nat() });
    const filter = fc.record({
      limit: fc.constant(10),
      route: fc.string(),
      status: fc.constantFrom('Failed', 'Running'),
    });
    fc.assert(
      fc.property(place, filter, filter, (at, asked, other) => {
        const text = cursorText(at, asked as IndexQuery);
        expect(readCursor(text, { ...asked, limit: 7 } as IndexQuery)).toEqual(at);
        const isSame = asked.route === other.route && asked.status === other.status;
        if (!isSame) expect(readCursor(text, other as IndexQuery)).toBeUndefined();
      }),
    );
  });

  it('of code that is not checked by types end with parameter-invalid, never deeper', () => {
    const wild = [...hostileValues, new Array(1), ...fc.sample(anything, 100)];
    for (const one of wild) {
      for (const name of [...names.filter((known) => !['application', 'group', 'by'].includes(known)), 'x']) {
        const query = { limit: 10, [name]: one } as unknown as IndexQuery;
        expect(['ok', 'parameter-invalid'], name).toContain(endOf(() => checkQuery(query)));
      }
      const isDimension = countDimensions.some((known) => known === one);
      const count = { limit: 10, by: one } as unknown as CountQuery;
      expect(endOf(() => checkCount(count))).toBe(isDimension ? 'ok' : 'parameter-invalid');
    }
    const misspelt = { limit: 10, worktype: 'settle' } as IndexQuery;
    expect(() => checkQuery(misspelt)).toThrow('"worktype" is no filter; there are workType');
  });
});
