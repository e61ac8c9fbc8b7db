import { describe, expect, it } from 'vitest';
import { questionable } from '../../../packages/middleware/src/options/questionable.ts';
import { resolveOptions } from '../../../packages/middleware/src/options/resolve-options.ts';
import { refusalOf } from './refused.ts';

/** Fig 5 of the document that the D rows are from, levels up to 7 for its "..., N". */
const figure5 = {
  1: { priority: 1, exempt: true },
  2: { priority: 2, thresholdMs: 175 },
  3: { priority: 3, thresholdMs: 200 },
  7: { priority: 7, thresholdMs: 600 },
};

describe('work types', () => {
  it("can be loaded from Fig 5's table as printed: 1 -> none, 2 -> 175, 3 -> 200, ..., N -> 600 (D-18)", () => {
    const { workTypes, defaultWorkType } = resolveOptions({ workTypes: figure5 });
    expect(workTypes.map(({ name, thresholdMs }) => [name, thresholdMs])).toEqual([
      ['1', undefined],
      ['2', 175],
      ['3', 200],
      ['7', 600],
    ]);
    expect(defaultWorkType).toBe('7');
  });

  it('of an exempt level have no threshold value: a number there is refused, null and nothing are not (D-22)', () => {
    expect(refusalOf({ workTypes: { pay: { priority: 1, exempt: true, thresholdMs: 175 } } })).toMatchObject({
      code: 'option-invalid',
      message: expect.stringMatching(/^workTypes\.pay\.thresholdMs: 175 .*exempt.*leave it out/),
    });
    for (const rest of [{}, { thresholdMs: undefined }, { thresholdMs: null }]) {
      const { workTypes } = resolveOptions({ workTypes: { pay: { priority: 1, exempt: true, ...rest } } });
      expect(workTypes).toMatchObject([{ exempt: true, thresholdMs: undefined }]);
    }
    expect(refusalOf({ workTypes: { pay: { priority: 1, thresholdMs: null } } }).message).toMatch(
      /^workTypes\.pay\.thresholdMs: null .*exempt: true/,
    );
  });

  it('may say for how long their deferrals are postponed, and what is done then (D-69)', () => {
    const settle = (more: object): object => ({ workTypes: { settle: { priority: 1, ...more } } });
    expect(resolveOptions(settle({})).workTypes).toMatchObject([
      { maxPostponeMs: undefined, whenPostponedTooLong: 'alert' },
    ]);
    const told = { maxPostponeMs: 60_000, whenPostponedTooLong: 'perform' };
    expect(resolveOptions(settle(told)).workTypes).toMatchObject([told]);
    expect(refusalOf(settle({ whenPostponedTooLong: 'fail' })).message).toContain(
      'workTypes.settle.maxPostponeMs: missing; whenPostponedTooLong is "fail"',
    );
    expect(refusalOf(settle({ maxPostponeMs: 999 })).code).toBe('option-invalid');
    expect(refusalOf(settle({ ...told, whenPostponedTooLong: 'park' })).code).toBe('option-invalid');
  });

  it('come with the most important first, and those of one priority as they were given', () => {
    const { workTypes, defaultWorkType } = resolveOptions({
      workTypes: {
        report: { priority: 3 },
        b: { priority: 2 },
        pay: { priority: 1, exempt: true },
        a: { priority: 2, thresholdMs: 90 },
      },
      thresholdMs: 300,
    });
    expect(workTypes.map(({ name, thresholdMs }) => [name, thresholdMs])).toEqual([
      ['pay', undefined],
      ['b', 300],
      ['a', 90],
      ['report', 300],
    ]);
    expect(defaultWorkType).toBe('report');
  });

  it('let the default work type be named', () => {
    const workTypes = { pay: { priority: 1 }, report: { priority: 2 } };
    expect(resolveOptions({ workTypes, defaultWorkType: 'pay' }).defaultWorkType).toBe('pay');
  });
});

describe('questionable set-ups', () => {
  it('are warned of where less important work tolerates more latency, as in Fig 5, with both names and values', () => {
    expect(questionable(resolveOptions({ workTypes: figure5 }))).toEqual([
      {
        code: 'threshold-order',
        message: expect.stringMatching(/^3 \(priority 3, 200 ms\) .*2 \(priority 2, 175 ms\)/),
      },
    ]);
  });

  it('are warned of where less important work is exempt and more important work is not', () => {
    const workTypes = { order: { priority: 1, thresholdMs: 200 }, health: { priority: 2, exempt: true } };
    expect(questionable(resolveOptions({ workTypes }))).toMatchObject([
      { code: 'threshold-order', message: expect.stringContaining('health (priority 2, exempt)') },
    ]);
  });

  it('do not include thresholds that fall with importance, or that are equal, or of equal priority', () => {
    const workTypes = {
      pay: { priority: 1, exempt: true },
      order: { priority: 2, thresholdMs: 200 },
      other: { priority: 2, thresholdMs: 100 },
      report: { priority: 3, thresholdMs: 100 },
    };
    expect(questionable(resolveOptions({ workTypes }))).toEqual([]);
    expect(questionable(resolveOptions({}))).toEqual([]);
  });

  it('are warned of where the ledger is not public and nobody can show a token', () => {
    expect(questionable(resolveOptions({ ledger: { public: false } }))).toMatchObject([
      { code: 'audit-without-auth', message: expect.stringContaining('ledger.public') },
    ]);
  });
});

describe('a threshold that is auto', () => {
  it('can be that of all work or of one work type', () => {
    expect(resolveOptions({ thresholdMs: 'auto' }).workTypes).toMatchObject([
      { name: 'default', thresholdMs: 'auto' },
    ]);
    const { workTypes } = resolveOptions({
      workTypes: { order: { priority: 1, thresholdMs: 'auto' }, report: { priority: 2 } },
    });
    expect(workTypes.map(({ thresholdMs }) => thresholdMs)).toEqual(['auto', 250]);
  });

  it('is warned of only where less important work tolerates more than its ceiling', () => {
    const warnings = (order: number | 'auto', report: number | 'auto'): readonly string[] =>
      questionable(
        resolveOptions({
          workTypes: {
            order: { priority: 1, thresholdMs: order },
            report: { priority: 2, thresholdMs: report },
          },
        }),
      ).map(({ message }) => message);
    expect(warnings('auto', 'auto')).toEqual([]);
    expect(warnings('auto', 250)).toEqual([]);
    expect(warnings(30, 'auto')).toEqual([]);
    expect(warnings('auto', 251)).toEqual([
      expect.stringMatching(/^report \(priority 2, 251 ms\) .* order \(priority 1, auto, at most/),
    ]);
  });
});
