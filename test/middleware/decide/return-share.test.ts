import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recoveredAt, returnAt } from '../../../packages/middleware/src/decide/retry-after.ts';
import {
  afterReturn,
  type Belief,
  faded,
  firstBelief,
  shareToGoBy,
} from '../../../packages/middleware/src/decide/return-share.ts';
import { ReturningCallers } from '../../../packages/middleware/src/decide/returning-callers.ts';

const facts = {
  now: 1_000,
  earliestAt: 1_200,
  overForMs: 8_000,
  lastReturnAt: 0,
  perSecond: 100,
  succeedShare: 1,
  capMs: 30_000,
  random: 0.5,
};

/** What is believed after returns that came 100 ms apart. */
function seen(...succeeded: readonly boolean[]): Belief {
  return succeeded.reduce((belief, one) => afterReturn(belief, one, 100), firstBelief);
}

const times = (count: number, succeeded: boolean): boolean[] =>
  Array.from({ length: count }, () => succeeded);

describe('the share of returning callers that succeed', () => {
  it('is believed to be whole while nothing is known', () => {
    expect(shareToGoBy(firstBelief, firstBelief)).toBe(1);
  });

  it('follows what is seen, within about as many returns as it rests on', () => {
    expect(seen(...times(40, false)).share).toBeLessThan(0.05);
    expect(seen(...times(40, false), ...times(40, true)).share).toBeGreaterThan(0.9);
  });

  it('rests on callers that were recognised where there are enough, else on all that arrive', () => {
    const good = seen(...times(20, true));
    const bad = seen(...times(20, false));
    expect(shareToGoBy(good, bad)).toBeGreaterThan(0.9);
    expect(shareToGoBy(firstBelief, bad)).toBeLessThan(0.1);
  });

  it('is forgotten in time', () => {
    expect(shareToGoBy(faded(seen(...times(20, false)), 60_000), firstBelief)).toBe(1);
  });

  it('stays a share, whatever comes in whatever order (property)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.double({ min: -1e6, max: 1e9, noNaN: true }))),
        (returns) => {
          let belief = firstBelief;
          for (const [succeeded, sinceMs] of returns) belief = afterReturn(belief, succeeded, sinceMs);
          expect(belief.share).toBeGreaterThanOrEqual(0);
          expect(belief.share).toBeLessThanOrEqual(1);
          expect(belief.weight).toBeLessThanOrEqual(16);
        },
      ),
    );
  });
});

describe('the time to return', () => {
  it('is spaced the more widely, the fewer succeed, and never without bound', () => {
    const spacingMs = (succeedShare: number): number =>
      returnAt({ ...facts, overForMs: 0, lastReturnAt: 2_000, succeedShare }) - 2_000;
    expect(spacingMs(1)).toBeCloseTo(10);
    expect(spacingMs(0.5)).toBeCloseTo(20);
    expect(spacingMs(0)).toBeCloseTo(80);
  });

  it('is the later, the longer the partition has been over: as long again by half', () => {
    expect(recoveredAt(facts)).toBe(5_000);
    expect(returnAt(facts)).toBeCloseTo(5_010);
    expect(returnAt({ ...facts, overForMs: 0 })).toBeCloseTo(1_210);
  });

  it('is never beyond the cap and never in the past (property)', () => {
    const number = (max: number): fc.Arbitrary<number> => fc.double({ min: 0, max, noNaN: true });
    fc.assert(
      fc.property(
        fc.record({
          ...{ now: number(1e9), earliestAt: number(1e9), overForMs: number(1e9), lastReturnAt: number(1e9) },
          ...{ perSecond: fc.double({ min: 0.001, max: 1e6, noNaN: true }), succeedShare: number(1) },
          ...{
            capMs: fc.integer({ min: 1_000, max: 86_400_000 }),
            random: fc.double({ min: 0, max: 0.999, noNaN: true }),
          },
        }),
        (any) => {
          const at = returnAt({ ...any, earliestAt: any.now + any.earliestAt });
          expect(at).toBeGreaterThan(any.now);
          expect(at).toBeLessThanOrEqual(any.now + any.capMs);
        },
      ),
    );
  });
});

describe('callers that were asked to come back', () => {
  it('are recognised once, by their name, and not before their time', () => {
    const callers = new ReturningCallers();
    callers.tell('POST /orders "a"', 'orders', 500);
    expect(callers.take('POST /orders "a"', 499)).toBeUndefined();
    expect(callers.take('POST /orders "b"', 500)).toBeUndefined();
    expect(callers.take(undefined, 500)).toBeUndefined();
    expect(callers.take('POST /orders "a"', 500)).toBe('orders');
    expect(callers.take('POST /orders "a"', 501)).toBeUndefined();
  });

  it('are expected until long after the last of them was due, and then no more', () => {
    const callers = new ReturningCallers();
    expect(callers.expects).toBe(false);
    callers.tell(undefined, 'orders', 500);
    expect(callers.expects).toBe(true);
    callers.take(undefined, 60_500);
    expect(callers.expects).toBe(true);
    callers.take(undefined, 60_501);
    expect(callers.expects).toBe(false);
  });

  it('are remembered up to a bound, whatever names they bring', () => {
    const callers = new ReturningCallers();
    for (let n = 0; n < 20_000; n++) callers.tell(`name ${n}`, 'orders', 500);
    callers.tell('x'.repeat(10_000), 'orders', 500);
    expect(callers.size).toBe(10_000);
    expect(callers.take('name 0', 500)).toBeUndefined();
    expect(callers.take('name 19999', 500)).toBe('orders');
  });
});
