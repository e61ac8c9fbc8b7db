import { describe, expect, it } from 'vitest';
import type { Figure } from '../../bench/src/benchmark.ts';
import { explained, regressionsOf } from '../../bench/src/check/compare.ts';
import { once } from '../../bench/src/statistics.ts';

const ratio = (what: string, value: number, better: 'more' | 'less' = 'less'): Figure => {
  return { what, unit: 'ratio', better, value: once(value) };
};

describe('comparing ratios with those that were kept', () => {
  it('complains of what is more than twice as bad, whichever way is better', () => {
    const kept = [ratio('time', 0.35), ratio('share', 0.9, 'more')];
    expect(regressionsOf([ratio('time', 0.7), ratio('share', 0.45, 'more')], kept)).toEqual([]);
    expect(regressionsOf([ratio('time', 0.1), ratio('share', 5, 'more')], kept)).toEqual([]);
    const worse = regressionsOf([ratio('time', 0.71), ratio('share', 0.44, 'more')], kept);
    expect(worse.map(({ what, bound }) => [what, bound])).toEqual([
      ['time', 0.7],
      ['share', 0.45],
    ]);
  });

  it('explains itself: what, how much, what was kept, what to do', () => {
    const [worse] = regressionsOf([ratio('time', 0.71)], [ratio('time', 0.35)]);
    expect(worse && explained('decision', worse)).toMatch(
      /^decision: time is 0\.710, was 0\.350 when docs\/benchmarks\/results\/decision\.json .* at most 0\.700\. .* npm run bench -- decision --save$/,
    );
  });

  it('refuses what would never be compared: a figure that was not kept, has no direction, or is no ratio', () => {
    const kept = [ratio('time', 1)];
    expect(() => regressionsOf([ratio('times', 1)], kept)).toThrow('"times"');
    expect(() => regressionsOf([{ what: 'time', unit: 'ratio', value: once(1) }], kept)).toThrow('"time"');
    expect(() => regressionsOf([{ ...ratio('time', 1), unit: 'ns' }], kept)).toThrow('"time"');
  });
});
