import { describe, expect, it } from 'vitest';
import type { Figure } from '../../bench/src/benchmark.ts';
import { figureTables } from '../../bench/src/pages/figure-tables.ts';
import { readPages, textAt } from '../../bench/src/pages/page-files.ts';
import { renderPages } from '../../bench/src/pages/pages.ts';
import { fillRegions, regionsOf } from '../../bench/src/pages/regions.ts';
import type { Result } from '../../bench/src/results/result.ts';
import { readResults, resultText } from '../../bench/src/results/result-files.ts';
import { once } from '../../bench/src/statistics.ts';

const makeAnew = 'npm run bench:pages makes them anew';

describe('pages of benchmarks', () => {
  const results = readResults();
  const pages = readPages();

  it('say what the results say, and so do the pictures and the README', () => {
    const differing = [...renderPages(results, pages)].filter(([path, text]) => textAt(path) !== text);
    expect(differing.map(([path]) => `${path} differs from the results: ${makeAnew}`)).toEqual([]);
  });

  it('show every result', () => {
    const shown = new Set([...pages.values()].flatMap(regionsOf));
    expect([...results.keys()].filter((name) => !shown.has(name))).toEqual([]);
  });

  it('have results whose files are written as they would be', () => {
    for (const [name, result] of results) {
      expect(textAt(`docs/benchmarks/results/${name}.json`)).toBe(resultText(result));
    }
  });

  it('are found to differ when a figure was altered', () => {
    const page = 'docs/benchmarks/some.md';
    const written = new Map([[page, '# Some\n\n<!-- bench: some -->\n<!-- /bench -->\n\nWhy.\n']]);
    const some = resultOf([{ what: 'speed', unit: 'per second', value: once(5) }]);
    const filled = renderPages(new Map([['some', some]]), written);
    expect(renderPages(new Map([['some', some]]), filled).get(page)).toBe(filled.get(page));
    const altered = resultOf([{ what: 'speed', unit: 'per second', value: once(6) }]);
    expect(renderPages(new Map([['some', altered]]), filled).get(page)).not.toBe(filled.get(page));
    expect(filled.get(page)).toMatch(/^# Some\n[\s\S]*\n\nWhy\.\n$/);
  });

  it('lose nothing to a region that nobody closed', () => {
    const text = '<!-- bench: one -->\nWritten.\n<!-- bench: two -->\nold\n<!-- /bench -->\n';
    expect(regionsOf(text)).toEqual(['two']);
    expect(fillRegions(text, (name) => `$& of ${name}`)).toBe(
      '<!-- bench: one -->\nWritten.\n<!-- bench: two -->\n\n$& of two\n\n<!-- /bench -->\n',
    );
  });

  it('keep what stands there of a benchmark without a result', () => {
    const written = new Map([
      ['docs/benchmarks/some.md', '<!-- bench: some -->\nOf before.\n<!-- /bench -->'],
    ]);
    expect([...renderPages(new Map(), written)]).toEqual([...written]);
  });
});

describe('the table of contenders', () => {
  const figure = (who: string, what: string, median: number, better?: 'more' | 'less'): Figure => ({
    ...{ who, what, unit: 'per second', value: once(median) },
    ...(better && { better }),
  });

  it('has a row for each, and the best of each column in bold, whoever it is', () => {
    const figures = [
      figure('ours', 'enqueued', 10, 'more'),
      figure('theirs', 'enqueued', 20, 'more'),
      figure('ours', 'waited', 1, 'less'),
      figure('theirs', 'waited', 2, 'less'),
      figure('theirs', 'rounds', 6),
    ];
    expect(figureTables(figures, 'ours').split('\n')).toEqual([
      '|  | enqueued | waited | rounds |',
      '| --- | --- | --- | --- |',
      '| **ours** | 10.0/s | **1.00/s** | - |',
      '| theirs | **20.0/s** | 2.00/s | 6.00/s |',
    ]);
  });
});

describe('a result as a file', () => {
  it('gives back what was put in, with lists of numbers on one line', () => {
    const result = resultOf([{ what: 'a [1,\n 2] b', unit: 'ratio', value: once(1) }], [1, null, -2.5e-7]);
    expect(JSON.parse(resultText(result))).toEqual(result);
    expect(resultText(result)).toContain('"y": [1, null, -2.5e-7]');
  });
});

function resultOf(figures: readonly Figure[], y: readonly (number | null)[] = []): Result {
  return {
    ...{ name: 'some', title: 'some', takenAt: '2026-01-02T03:04:05.000Z', quick: false, tookS: 1 },
    machine: { cores: 2, processor: 'p', memoryGiB: 1, node: 'v24', system: 'Linux 6', loadBefore: 0 },
    ...{ versions: {}, settings: {}, figures },
    pictures: [
      {
        ...{ kind: 'series', name: 'some-curve', title: 'Some', x: { label: 's' }, y: { label: 'n' } },
        panels: [
          { title: 'p', x: y.map((_, at) => at), series: [{ label: 'l', as: 'line', tone: 'good', y }] },
        ],
      },
    ],
  };
}
