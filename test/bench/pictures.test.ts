import { describe, expect, it } from 'vitest';
import type { Figure } from '../../bench/src/benchmark.ts';
import { drawBars } from '../../bench/src/pictures/draw-bars.ts';
import { drawSeries } from '../../bench/src/pictures/draw-series.ts';
import { between, linearFromZero } from '../../bench/src/pictures/scale.ts';
import type { SeriesPicture } from '../../bench/src/pictures/series-picture.ts';
import { once } from '../../bench/src/statistics.ts';

const picture: SeriesPicture = {
  ...{ kind: 'series', name: 'p', title: 'A & <b>', x: { label: 's' }, y: { label: 'n' } },
  bands: [{ from: 0, to: 1, label: 'slow' }],
  panels: [
    {
      ...{ title: 'one', x: [0, 1, 2] },
      series: [
        { label: 'below', as: 'area', tone: 'good', y: [10, 10, 10] },
        { label: 'above', as: 'area', tone: 'bad', y: [10, 0, 10] },
        { label: 'line', as: 'line', tone: 'plain', y: [5, null, 5] },
      ],
    },
  ],
};

describe('a picture of curves and areas', () => {
  it('stacks areas, breaks lines where nothing was, and names each series once', () => {
    const svg = drawSeries(picture);
    const [, above = ''] = /<path class="bad" d="M([^"]*)Z"/.exec(svg) ?? [];
    const heights = above.split('L').map((place) => Number(place.split(' ')[1]));
    // Forth along its upper edge, back along its lower one, where both meet in the middle.
    expect(heights).toEqual([44, 100, 44, 100, 100, 100]);
    expect(svg.match(/<path class="line plain" d="(M[^"]*)"/g)?.length).toBe(2);
    expect(svg.match(/>below</g)?.length).toBe(1);
  });

  it('gives the same bytes for the same data, and escapes what it says', () => {
    expect(drawSeries(picture)).toBe(drawSeries(structuredClone(picture)));
    expect(drawSeries(picture)).not.toMatch(/A & <b>/);
  });
});

describe('bars', () => {
  const figure = (who: string, median: number): Figure => ({
    ...{ who, what: 'speed', unit: 'per second', better: 'more', value: once(median) },
  });
  const widths = (svg: string, kind: string): readonly number[] =>
    [...svg.matchAll(new RegExp(`class="${kind}"[^>]* width="([\\d.]+)"`, 'g'))].map(([, width]) =>
      Number(width),
    );

  it('are as long as their figures, beside each other on one scale', () => {
    const svg = drawBars('Speed', [figure('ours', 10), figure('theirs', 5)], 'ours');
    expect(widths(svg, 'ours')[0]).toBeCloseTo(2 * (widths(svg, 'peer')[0] ?? 0), 0);
    expect(svg).toContain('speed (longer is better)');
  });

  it('stay within the picture under a title of any length', () => {
    const svg = drawBars('word '.repeat(60).trim(), [figure('ours', 10)], 'ours');
    const lines = [...svg.matchAll(/<text class="title"[^>]*>([^<]*)</g)].map(([, line = '']) => line);
    expect(lines.length).toBeGreaterThan(2);
    expect(lines.join(' ')).toBe('word '.repeat(60).trim());
  });
});

describe('scales', () => {
  it('begin at zero and end at a round number', () => {
    expect(linearFromZero(430, 0, 100).ticks).toEqual([0, 250, 500]);
    expect(linearFromZero(0, 0, 100).ticks).toEqual([0, 0.5, 1]);
  });

  it('have round steps between any two values, or powers of ten', () => {
    expect(between([0.5, 79.5], 0, 100, false).ticks).toEqual([20, 40, 60]);
    expect(between([1e4, 1e6], 0, 100, true).ticks).toEqual([1e4, 1e5, 1e6]);
    expect(between([3, 3], 0, 100, false)(3)).toBe(0);
  });
});
