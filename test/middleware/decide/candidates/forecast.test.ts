import { manualClock } from '@slackwater/test-support/manual-clock';
import { describe, expect, it } from 'vitest';
import { Forecasts } from '../../../../packages/middleware/src/decide/candidates/forecasts.ts';
import { judgeCandidate } from '../../../../packages/middleware/src/decide/candidates/judge.ts';
import {
  type Instruments,
  takeMeasurements,
} from '../../../../packages/middleware/src/decide/candidates/measurements.ts';
import type { Criterion } from '../../../../packages/middleware/src/options/candidates.ts';

const hourMs = 3_600_000;
const options = { periodMs: 24 * hourMs, bucketMs: hourMs, maxPartitions: 3 };

/** A recorded day: requests per hour of a shop, quiet at night, with a rush at noon. */
const recordedDay = [
  40, 30, 25, 20, 25, 60, 150, 300, 420, 500, 620, 1_900, 2_400, 1_700, 700, 560, 520, 610, 640, 480, 300,
  180, 110, 60,
];

/** Other days are like it, but not the same. */
function ofDay(day: number, hour: number): number {
  const wave = 1 + 0.08 * Math.sin(7 * day + 3 * hour);
  return Math.round((recordedDay[hour] ?? 0) * wave);
}

function shop() {
  const clock = manualClock();
  clock.jumpWall(Date.UTC(2026, 4, 4));
  const forecasts = new Forecasts(clock, options);
  const count = (times: number): void => {
    for (let n = 0; n < times; n++) forecasts.count('requests', 'shop');
  };
  return {
    clock,
    forecasts,
    count,
    day(day: number, upTo = 24): void {
      for (let hour = 0; hour < upTo; hour++) {
        count(ofDay(day, hour));
        clock.advance(hourMs);
      }
    },
    predict: (over: number, withinMs: number) => forecasts.predict('requests', 'shop', over, withinMs),
  };
}

describe('a forecast of the workload (B-13)', () => {
  it('turns the decision before the measured level does, on a recorded load that repeats itself', () => {
    const { clock, count, day, forecasts } = shop();
    for (let n = 0; n < 4; n++) day(n);
    const over = 1_000 / 3_600;
    let measured = 0;
    const instruments: Instruments = {
      latencyOf: () => Number.NaN,
      waitersOf: () => 0,
      metric: () => measured,
      unreachable: () => undefined,
      predict: (...asked) => forecasts.predict(...asked),
    };
    const isDeferredBy = (criterion: Criterion): boolean => {
      const { because, leftOut } = takeMeasurements(instruments, [criterion], ['shop'], 250);
      const policy = { mode: 'any', criteria: [criterion], neverDeferFor: [] } as const;
      return judgeCandidate(policy, { classUnknown: false, because, leftOut }, undefined).candidate;
    };
    const hoursDeferred: Record<'forecast' | 'metric', number[]> = { forecast: [], metric: [] };
    for (let hour = 0; hour < 24; hour++) {
      const byForecast = { forecast: 'requests', over, withinMs: hourMs, probability: 0.8 } as const;
      if (isDeferredBy(byForecast)) hoursDeferred.forecast.push(hour);
      const requests = ofDay(4, hour);
      measured = requests / 3_600;
      if (isDeferredBy({ metric: 'requestsPerSecond', over })) hoursDeferred.metric.push(hour);
      count(requests);
      clock.advance(hourMs);
    }
    expect(hoursDeferred).toEqual({ metric: [11, 12, 13], forecast: [10, 11, 12, 13] });
  });

  it('says the highest level that it expects, and how probable one over the figure is', () => {
    const { day, predict } = shop();
    for (let n = 0; n < 4; n++) day(n);
    day(4, 10);
    const soon = predict(1_000 / 3_600, hourMs);
    expect((soon?.value ?? 0) * 3_600).toBeGreaterThan(1_600);
    expect((soon?.value ?? 0) * 3_600).toBeLessThan(2_200);
    expect(predict(10_000 / 3_600, 24 * hourMs)?.probability).toBeLessThan(0.01);
    expect(predict(0, hourMs)?.probability).toBeGreaterThan(0.99);
  });

  it('says nothing before it has seen two periods, nor of what was never counted', () => {
    const { clock, day, predict, forecasts } = shop();
    day(0);
    day(1, 23);
    expect(predict(1, hourMs)).toBeUndefined();
    clock.advance(2 * hourMs);
    expect(predict(1, hourMs)).toBeDefined();
    expect(forecasts.predict('commits', 'shop', 1, hourMs)).toBeUndefined();
  });

  it('learns that a load has grown', () => {
    const { clock, count, day, predict } = shop();
    for (let n = 0; n < 3; n++) day(n);
    const before = predict(0, 24 * hourMs)?.value ?? 0;
    for (let hour = 0; hour < 72; hour++) {
      count(2 * (recordedDay[hour % 24] ?? 0));
      clock.advance(hourMs);
    }
    expect(predict(0, 24 * hourMs)?.value).toBeGreaterThan(1.3 * before);
  });

  it('begins anew after a jump of the clock by more than a period, and survives one back', () => {
    const { clock, count, day, predict } = shop();
    for (let n = 0; n < 3; n++) day(n);
    clock.jumpWall(clock.wallNow() - hourMs);
    count(5);
    expect(predict(1, hourMs)).toBeDefined();
    clock.jumpWall(clock.wallNow() + 30 * 24 * hourMs);
    expect(predict(1, hourMs)).toBeUndefined();
  });

  it('keeps no more partitions than it may, and forgets the one that was quiet for longest', () => {
    const { forecasts, clock, day } = shop();
    for (let n = 0; n < 3; n++) day(n);
    for (let n = 0; n < 6; n++) {
      forecasts.count('requests', `flood ${n}`);
      clock.advance(hourMs);
      if (n < 5) forecasts.count('requests', 'shop');
    }
    expect(forecasts.predict('requests', 'shop', 1, hourMs)).toBeDefined();
    for (let n = 6; n < 12; n++) forecasts.count('requests', `flood ${n}`);
    expect(forecasts.predict('requests', 'shop', 1, hourMs)).toBeUndefined();
  });
});
