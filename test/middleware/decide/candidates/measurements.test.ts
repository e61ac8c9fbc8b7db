import { describe, expect, it } from 'vitest';
import {
  type Instruments,
  type Measured,
  takeMeasurements,
} from '../../../../packages/middleware/src/decide/candidates/measurements.ts';
import type { Criterion } from '../../../../packages/middleware/src/options/candidates.ts';

const nothing: Instruments = {
  latencyOf: () => Number.NaN,
  waitersOf: () => undefined,
  metric: () => undefined,
  unreachable: () => undefined,
  predict: () => undefined,
};

function measured(
  criteria: readonly Criterion[],
  partitions: readonly string[],
  instruments: Partial<Instruments>,
): Measured {
  return takeMeasurements({ ...nothing, ...instruments }, criteria, partitions, 250);
}

const byName =
  (values: Readonly<Record<string, number>>) =>
  (partition: string): number =>
    values[partition] ?? Number.NaN;

describe('what is measured for a request', () => {
  it('is what its criteria name, and nothing else is asked', () => {
    const refuse = (): never => {
      throw new Error('nobody asked for that');
    };
    const instruments: Instruments = {
      ...nothing,
      latencyOf: refuse,
      waitersOf: refuse,
      predict: refuse,
      unreachable: refuse,
      metric: () => 7,
    };
    expect(
      takeMeasurements(
        instruments,
        [{ metric: 'jobs', over: 5 }, { requesterClass: ['free'] }, { scorer: 'x' }],
        ['shop'],
        250,
      ),
    ).toEqual({
      because: { metrics: { jobs: { value: 7, over: 5 } } },
      leftOut: [],
    });
  });

  it('is the worst of its partitions', () => {
    const criteria: readonly Criterion[] = [
      { metric: 'commitLatencyMs' },
      { metric: 'poolWaiters', over: 2 },
      { unavailable: true },
      { forecast: 'commits', over: 10, withinMs: 1_000 },
    ];
    const { because } = measured(criteria, ['a', 'b', 'c'], {
      latencyOf: byName({ a: 10, b: 400 }),
      waitersOf: byName({ a: 1, b: 0, c: 4 }),
      unreachable: (partition) => (partition === 'c' ? 'refused' : undefined),
      predict: (_, partition) =>
        partition === 'b' ? { value: 12, probability: 0.7 } : { value: 50, probability: 0.1 },
    });
    expect(because).toEqual({
      metrics: { commitLatencyMs: { value: 400, over: 250 }, poolWaiters: { value: 4, over: 2 } },
      unreachable: 'refused',
      forecasts: [{ forecast: 'commits', withinMs: 1_000, over: 10, perSecond: 12, probability: 0.7 }],
    });
  });

  it('lacks what is not known yet, and says what could not be measured', () => {
    const criteria: readonly Criterion[] = [
      { metric: 'commitLatencyMs', over: 1 },
      { metric: 'jobs', over: 1 },
      { metric: 'poolWaiters', over: 1 },
      { forecast: 'requests', over: 1, withinMs: 1 },
    ];
    expect(measured(criteria, ['shop'], {})).toEqual({ because: {}, leftOut: ['metric-unavailable'] });
    expect(measured([{ metric: 'commitLatencyMs' }], [], {})).toEqual({ because: {}, leftOut: [] });
  });
});
