import { describe, expect, it } from 'vitest';
import type { Call } from '../../bench/src/brownout/callers-process.ts';
import { recoveryS } from '../../bench/src/brownout/recovery.ts';
import { arrivals, offered, quickPhases, workTypes } from '../../bench/src/brownout/scenario.ts';
import { quantile, secondsOf } from '../../bench/src/brownout/seconds.ts';

const call = (beganMs: number, tookMs: number, ending: Call['ending'] = 'answered'): Call => {
  return { workType: 'order', beganMs, endedMs: beganMs + tookMs, ending };
};

describe('the calls of the brown-out', () => {
  it('are the same each time, come as often as is said, and in order', () => {
    const calls = arrivals(quickPhases);
    expect(arrivals(quickPhases)).toEqual(calls);
    const seconds = 16;
    expect(calls.length / (offered * seconds)).toBeCloseTo(1, 1);
    expect(
      calls.filter(({ workType }) => workType === 'payment').length / seconds / workTypes.payment,
    ).toBeCloseTo(1, 0);
    expect(calls.map(({ atMs }) => atMs)).toEqual(calls.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
  });

  it('count in the second in which they begin, and in the one in which they end', () => {
    const calls = [
      call(100, 50),
      call(900, 200),
      call(1_500, 5_000),
      call(200, 1_000, 'failed'),
      call(0, 1, 'timed out'),
    ];
    expect(secondsOf(calls, 3_000)).toEqual({
      ...{ begun: [4, 1, 0], answered: [1, 1, 0], failed: [0, 1, 0], timedOut: [1, 0, 0] },
      ...{ p50Ms: [50, 200, null], p99Ms: [50, 200, null] },
    });
    expect(secondsOf(calls, 3_000, 'payment').begun).toEqual([0, 0, 0]);
  });

  it('have quantiles that are among them', () => {
    expect([0, 0.5, 0.99, 1].map((share) => quantile([4, 1, 3, 2], share))).toEqual([1, 2, 4, 4]);
    expect(quantile([], 0.5)).toBeNull();
  });
});

describe('being back to normal', () => {
  const everySecond = (from: number, to: number, tookMs: number): Call[] =>
    Array.from({ length: to - from }, (_, n) => call((from + n) * 1_000 + 10, tookMs));

  it('is from the first second on after which all are quick', () => {
    expect(recoveryS([...everySecond(0, 13, 900), ...everySecond(13, 20, 20)], 10_000, 20_000)).toBe(3);
    expect(recoveryS(everySecond(0, 20, 20), 10_000, 20_000)).toBe(0);
  });

  it('is not yet where it becomes bad again', () => {
    const relapsed = [...everySecond(0, 15, 20), call(15_010, 20, 'failed'), ...everySecond(16, 20, 20)];
    expect(recoveryS(relapsed, 10_000, 20_000)).toBe(6);
  });

  it('is never where the last second is bad', () => {
    expect(recoveryS(everySecond(0, 20, 900), 10_000, 20_000)).toBeNull();
  });
});
