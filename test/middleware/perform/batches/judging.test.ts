import { describe, expect, it } from 'vitest';
import {
  hasRoom,
  isOver,
  judgeBatch,
  type PartitionStanding,
} from '../../../../packages/middleware/src/perform/batches/judge-batch.ts';
import { rank } from '../../decide/host.ts';
import { batchBench } from './batch-bench.ts';

/** The samples of four partitions, as measured, in ms. */
const samples = {
  A: [100, 150, 155, 300, 240, 100, 220],
  B: [205, 150, 260, 120, 100, 115, 110],
  C: [75, 80, 75, 85, 100, 120, 105],
  N: [100, 160, 155, 200, 240, 100, 170],
};

const clear = (partition: string, valueMs: number | undefined, thresholdMs = 100): PartitionStanding => ({
  partition,
  valueMs,
  thresholdMs,
  state: 'clear',
});

/** What becomes of a batch with one item for each partition, by the very commits of the samples. */
async function outcomeOf(
  statistic: 'median' | 'mean',
  thresholdMs: number,
  direction: 'outbound' | 'inbound',
): Promise<{ readonly outcome: string; readonly excluded: string; readonly performed: string }> {
  // Before the last of them there is no value: states are not to remember those on the way.
  const bench = batchBench({
    ranks: [rank('settle', 1, thresholdMs)],
    latency: { statistic, minSamples: 7 },
  });
  for (const [partition, ms] of Object.entries(samples)) {
    for (const one of ms) bench.host.commitOf(one, partition);
  }
  const source = Object.keys(samples).map((partition) => ({ id: partition, partition }));
  const run = await bench.batch({ direction, source }).run();
  // What was not performed is still on the queue, and nothing else is.
  expect(
    source
      .map(({ id }) => id)
      .concat(bench.performed)
      .sort(),
  ).toEqual(Object.keys(samples));
  const excluded = run.excluded.map(({ partition }) => partition).join('');
  return { outcome: run.outcome, excluded, performed: bench.performed.sort().join('') };
}

describe('a batch is judged by the partitions that are over its threshold', () => {
  const all = { outcome: 'performed', excluded: '', performed: 'ABCN' };
  it.each([
    ['median', 175, '', 'all'],
    ['median', 160, '', 'all'],
    ['median', 155, 'N', 'some'],
    ['median', 150, 'AN', 'some'],
    ['median', 120, 'AN', 'some'],
    ['median', 119, 'ABN', 'none'],
    ['mean', 200, '', 'all'],
    ['mean', 175, 'A', 'some'],
    ['mean', 155, 'AN', 'some'],
    ['mean', 151, 'ABN', 'none'],
    ['mean', 90, 'ABCN', 'none'],
  ] as const)(
    'by the %s at %i ms over are "%s": outbound %s is performed (D-34, D-35, D-36, D-37, D-38), inbound all or nothing (D-39, D-40, D-41)',
    async (statistic, thresholdMs, over, performed) => {
      const rest = [...'ABCN'].filter((partition) => !over.includes(partition)).join('');
      const postponed = { outcome: 'postponed', excluded: over, performed: '' };
      expect(await outcomeOf(statistic, thresholdMs, 'outbound')).toEqual(
        {
          all,
          some: { outcome: 'partly-performed', excluded: over, performed: rest },
          none: postponed,
        }[performed],
      );
      expect(await outcomeOf(statistic, thresholdMs, 'inbound')).toEqual(over === '' ? all : postponed);
    },
  );

  it('where half of them is no majority and a value that equals the threshold is not over (D-35)', () => {
    const half = [clear('A', 101), clear('B', 100)];
    expect(judgeBatch('outbound', half)).toMatchObject({ act: 'exclude', reasons: ['over-threshold'] });
    expect(judgeBatch('outbound', [...half, clear('C', 100.001)])).toMatchObject({
      act: 'postpone',
      reasons: ['majority-over', 'over-threshold'],
    });
    expect(judgeBatch('inbound', half)).toMatchObject({
      act: 'postpone',
      reasons: ['one-over', 'over-threshold'],
    });
  });

  it('where the only one is over, or there is none', () => {
    expect(judgeBatch('outbound', [clear('A', 101)]).act).toBe('postpone');
    expect(judgeBatch('outbound', [])).toMatchObject({ act: 'perform', reasons: ['clear'] });
    expect(judgeBatch('inbound', []).act).toBe('perform');
  });

  it('where the state says more than the value, a gone database is over, and unknown or exempt is not', () => {
    const at = clear('A', 150);
    expect(isOver({ ...at, state: 'over', valueMs: 5 })).toBe(true);
    expect(isOver({ ...at, state: 'recovering' })).toBe(false);
    expect(isOver({ ...at, valueMs: undefined })).toBe(false);
    expect(isOver({ ...at, thresholdMs: undefined })).toBe(false);
    const gone = { ...clear('A', undefined), held: ['database-unreachable' as const] };
    expect(judgeBatch('inbound', [gone]).reasons).toEqual(['one-over', 'database-unreachable']);
  });

  it('by the unrounded value: 151.43 is over 151 (D-34)', () => {
    expect(isOver(clear('B', 1060 / 7, 151))).toBe(true);
  });
});

describe('extra work', () => {
  it('has room while every value is strictly below its threshold (D-44, D-45)', () => {
    expect(hasRoom(50, [clear('A', 49.9), clear('B', undefined)])).toBe(true);
    expect(hasRoom(50, [clear('A', 49.9), clear('B', 50)])).toBe(false);
    expect(hasRoom(50, [{ ...clear('A', 10), state: 'recovering' }])).toBe(false);
    expect(hasRoom(50, [{ ...clear('A', 10), held: ['database-unreachable'] }])).toBe(false);
  });
});
