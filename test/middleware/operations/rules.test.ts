import { describe, expect, it } from 'vitest';
import {
  checkValue,
  equals,
  issuesOf,
  matches,
  type Rule,
} from '../../../packages/middleware/src/operations/rules.ts';
import type { StandardSchema } from '../../../packages/middleware/src/operations/standard-schema.ts';

const even: StandardSchema<string, number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      Number(value) % 2 === 0
        ? { value: Number(value) }
        : { issues: [{ message: 'is odd', path: ['count', { key: 0 }] }] },
  },
};

describe('a rule', () => {
  it.each<[string, Rule, unknown, unknown]>([
    ['the format of an account number', matches(/^\d{10}$/), '0123456789', '012345678'],
    ['the right code', equals('human'), 'human', 'machine'],
    ['content that is there', (content) => Array.isArray(content) && content.length > 0, ['a song'], []],
    [
      'the answer of a database',
      equals({ rows: 1, ids: [7] }),
      { ids: [7], rows: 1 },
      { rows: 1, ids: ['7'] },
    ],
    ['what a schema says', even, '4', '5'],
    ['what is found out later', async (value) => value === 1, 1, 2],
    ['a pattern that remembers where it stopped', matches(/a/g), 'a', 'b'],
  ])('tells good from bad: %s (T-26)', async (_, rule, good, bad) => {
    for (let i = 0; i < 2; i++) expect((await checkValue(rule, good)).issues).toBeUndefined();
    expect((await checkValue(rule, bad)).issues).toEqual([expect.any(String)]);
  });

  it('that is a schema gives the value as it goes on, and says where it is wrong', async () => {
    expect(await checkValue(even, '4')).toEqual({ value: 4 });
    expect(await checkValue(even, '5')).toEqual({ issues: ['count.0: is odd'] });
  });

  it('that throws is one that was broken, whatever it throws', async () => {
    const thrown = [new Error('no'), undefined, 'a text', Object.create(null), { toString: 5, toJSON: 5 }];
    for (const one of thrown) {
      const checked = await checkValue(() => {
        throw one;
      }, 1);
      expect(checked.issues).toEqual([expect.stringContaining('the check threw: ')]);
    }
  });

  it('says true or what is wrong, and nothing else counts as good', () => {
    expect(issuesOf(true)).toBeUndefined();
    expect(issuesOf([])).toBeUndefined();
    expect(issuesOf(['a', 'b'])).toEqual(['a', 'b']);
    expect(issuesOf('too few seats')).toEqual(['too few seats']);
    expect(issuesOf(false)).toEqual(['was refused by its check']);
    for (const odd of [undefined, null, 1, {}, [1]])
      expect(issuesOf(odd)).toEqual([expect.stringContaining('has to answer true')]);
  });
});
