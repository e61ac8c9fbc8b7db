import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Baseline, fallMs, learned, riseMs } from '../../../packages/middleware/src/decide/baseline.ts';

const warmUpMs = 10_000;

/** Learns a value each 100 ms for so long. */
function taught(before: Baseline | undefined, valueMs: number, forMs: number): Baseline {
  let baseline = before;
  let now = before?.at ?? 0;
  for (let passed = 0; passed < forMs; passed += 100) {
    now += 100;
    baseline = learned(baseline, valueMs, now, warmUpMs);
  }
  if (baseline === undefined) throw new Error('nothing was learned');
  return baseline;
}

describe('the baseline of a partition', () => {
  it('is the plain mean while it warms up: the first value does not stick', () => {
    const half = taught(taught(undefined, 200, 4_000), 10, 4_000);
    expect(half.valueMs).toBeGreaterThan(90);
    expect(half.valueMs).toBeLessThan(115);
  });

  it('falls by 63 % of the difference in fallMs, and rises so in riseMs', () => {
    const usual = taught(undefined, 100, warmUpMs + 1_000);
    expect(taught(usual, 0, fallMs).valueMs).toBeCloseTo(37, -0.5);
    expect(taught(usual, 200, riseMs).valueMs).toBeCloseTo(163, -0.5);
    expect(taught(usual, 200, fallMs).valueMs).toBeLessThan(102);
  });

  it('learns no more from many values than from few in the same time', () => {
    const usual = taught(undefined, 100, warmUpMs + 1_000);
    let many: Baseline | undefined = usual;
    for (let n = 1; n <= 5_000; n++) many = learned(many, 200, usual.at + n / 5, warmUpMs);
    const few = learned(usual, 200, usual.at + 1_000, warmUpMs);
    expect(many?.valueMs).toBeCloseTo(few?.valueMs ?? 0, 2);
  });

  it('learns from one value after a long pause no more than a second of it', () => {
    const usual = taught(undefined, 100, warmUpMs + 1_000);
    const later = learned(usual, 0, usual.at + 3_600_000, warmUpMs);
    expect(later?.valueMs).toBeCloseTo(90, 5);
  });

  it('takes nothing from what is no duration, nor from a clock that goes backwards', () => {
    const usual = taught(undefined, 100, warmUpMs + 1_000);
    for (const valueMs of [Number.NaN, -1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(learned(usual, valueMs, usual.at + 500, warmUpMs)).toBe(usual);
      expect(learned(undefined, valueMs, 0, warmUpMs)).toBeUndefined();
    }
    expect(learned(usual, 900, usual.at - 5_000, warmUpMs)?.valueMs).toBe(usual.valueMs);
  });

  it('stays between the lowest and the highest value it was shown', () => {
    const step = fc.record({
      valueMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
      waitMs: fc.double({ min: 0, max: 5_000, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
        let baseline: Baseline | undefined;
        let now = 0;
        for (const { valueMs, waitMs } of steps) {
          now += waitMs;
          baseline = learned(baseline, valueMs, now, warmUpMs);
        }
        const values = steps.map(({ valueMs }) => valueMs);
        const slack = 1e-6 * Math.max(1, ...values);
        expect(baseline?.valueMs).toBeGreaterThanOrEqual(Math.min(...values) - slack);
        expect(baseline?.valueMs).toBeLessThanOrEqual(Math.max(...values) + slack);
      }),
    );
  });
});
