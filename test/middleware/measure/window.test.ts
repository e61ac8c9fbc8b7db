import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Statistic } from '../../../packages/middleware/src/measure/latency-value.ts';
import { statisticOf } from '../../../packages/middleware/src/measure/statistic.ts';
import { LatencyWindow } from '../../../packages/middleware/src/measure/window.ts';

const figures = [
  {
    partition: '118A',
    samples: [100, 150, 155, 300, 240, 100, 220],
    median: 155,
    mean: 181,
    exact: 1265 / 7,
  },
  {
    partition: '118B',
    samples: [205, 150, 260, 120, 100, 115, 110],
    median: 120,
    mean: 151,
    exact: 1060 / 7,
  },
  { partition: '118C', samples: [75, 80, 75, 85, 100, 120, 105], median: 85, mean: 91, exact: 640 / 7 },
  {
    partition: '118N',
    samples: [100, 160, 155, 200, 240, 100, 170],
    median: 160,
    mean: 161,
    exact: 1125 / 7,
  },
];

function windowOf(samples: readonly number[], statistic: Statistic, size = 7): LatencyWindow {
  const window = new LatencyWindow({ size, statistic });
  for (const [at, sample] of samples.entries()) window.add(at, sample, at + sample);
  return window;
}

describe('a window of commit latencies', () => {
  it.each(figures)('has the median that figure 2 prints for $partition: $median ms (D-05, D-08)', (row) => {
    expect(windowOf(row.samples, 'median').value()).toBe(row.median);
  });

  it.each(figures)(
    'has the mean that figure 3 prints for $partition: $mean ms when shown whole (D-06, D-09)',
    (row) => {
      const mean = windowOf(row.samples, 'mean').value();
      expect(mean).toBeCloseTo(row.exact, 10);
      expect(Math.round(mean)).toBe(row.mean);
    },
  );

  it('gives the unrounded mean: 151.43 is over 151, and 180.71 is not over 180.9 (D-68)', () => {
    expect(windowOf(figures[1]?.samples ?? [], 'mean').value()).toBeGreaterThan(151);
    expect(windowOf(figures[0]?.samples ?? [], 'mean').value()).toBeLessThan(180.9);
  });

  it('takes any statistic of several samples, oldest first (D-07)', () => {
    const seen: number[][] = [];
    const window = windowOf(
      [5, 1, 9, 2],
      (samples) => {
        seen.push([...samples]);
        return Math.max(...samples);
      },
      3,
    );
    expect(window.value()).toBe(9);
    expect(window.value()).toBe(9);
    expect(seen).toEqual([[1, 9, 2]]);
    window.add(10, 20, 30);
    expect(window.value()).toBe(20);
    expect(seen).toHaveLength(2);
  });

  it('counts only the n most recent samples: one more pushes out the oldest (D-04)', () => {
    const window = windowOf([1000, 10, 20], 'mean', 3);
    window.add(3, 30, 33);
    expect(window.count).toBe(3);
    expect(window.value()).toBe(20);
  });

  it('moves its mean by one huge sample, but hardly its median (D-10)', () => {
    const samples = [10, 11, 12, 13, 14, 15];
    expect(windowOf([...samples, 60_000], 'median').value()).toBe(13);
    expect(windowOf([...samples, 60_000], 'mean').value()).toBeGreaterThan(8_000);
  });

  it('has no drift in its mean after a huge sample has left it', () => {
    const window = windowOf([1e300, 0.1, 0.2], 'mean', 3);
    for (let round = 0; round < 1_000; round++) window.add(round, 0.1, round);
    expect(window.value()).toBe((0.1 + 0.1 + 0.1) / 3);
  });

  it('lets samples go by the age of their finish', () => {
    const window = new LatencyWindow({ size: 4, statistic: 'median' });
    window.add(0, 100, 100);
    window.add(150, 50, 200);
    window.dropFinishedBefore(200);
    expect(window.value()).toBe(50);
    window.dropFinishedBefore(201);
    expect(window.value()).toBeNaN();
    expect(window.count).toBe(0);
  });

  it('tells the samples apart that began at or after an instant', () => {
    const window = new LatencyWindow({ size: 8, statistic: 'median' });
    window.add(10, 900, 910);
    window.add(20, 5, 925);
    window.add(15, 920, 935);
    window.add(930, 7, 937);
    expect(window.valueSince(20)).toBe(6);
    expect(window.countSince(20)).toBe(2);
    expect(window.valueSince(931)).toBeNaN();
    expect(window.countSince(931)).toBe(0);
    expect(window.valueSince(10)).toBe(window.value());
  });

  it.each<Statistic>(['median', 'mean', { quantile: 0.9 }])(
    'of which nobody read the %j for long gives the right one when somebody does, and from then on',
    (statistic) => {
      const window = new LatencyWindow({ size: 8, statistic });
      const samples: number[] = [];
      const add = (ms: number): void => {
        samples.push(ms);
        window.add(samples.length, ms, samples.length);
      };
      for (let n = 0; n < 100; n++) add((n * 37) % 101);
      for (let n = 0; n < 12; n++) {
        expect(window.value()).toBeCloseTo(statisticOf(samples.slice(-8), statistic), 9);
        add((n * 53) % 97);
      }
      for (let n = 0; n < 17; n++) add(n);
      window.dropFinishedBefore(samples.length - 2);
      expect(window.value()).toBeCloseTo(statisticOf(samples.slice(-3), statistic), 9);
    },
  );

  it('agrees with sorting, for every statistic and every history', () => {
    const statistics = fc.constantFrom<Statistic>(
      'median',
      'mean',
      { quantile: 0 },
      { quantile: 0.95 },
      { quantile: 1 },
    );
    const step = fc.record({
      began: fc.nat(100),
      took: fc.double({ min: 0, max: 1e5, noNaN: true }),
      drops: fc.nat(9),
      reads: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        statistics,
        fc.array(step, { maxLength: 60 }),
        (size, statistic, steps) => {
          const window = new LatencyWindow({ size, statistic });
          let model: { began: number; took: number; ended: number }[] = [];
          for (const [at, { began, took, drops, reads }] of steps.entries()) {
            window.add(began, took, at);
            model = [...model, { began, took, ended: at }].slice(-size);
            if (drops === 0) {
              window.dropFinishedBefore(at - 1);
              model = model.filter(({ ended }) => ended >= at - 1);
            }
            if (!reads) continue;
            const since = began - 20;
            const fresh = model.filter((sample) => sample.began >= since).map((sample) => sample.took);
            expect(window.value()).toBeCloseTo(
              statisticOf(
                model.map((sample) => sample.took),
                statistic,
              ),
              6,
            );
            expect(window.valueSince(since)).toBeCloseTo(statisticOf(fresh, statistic), 6);
            expect(window.countSince(since)).toBe(fresh.length);
          }
        },
      ),
    );
  });
});
