import { setTimeout as sleep } from 'node:timers/promises';
import { manualClock } from '@slackwater/test-support/manual-clock';
import { describe, expect, it } from 'vitest';
import { MetricSampler } from '../../../packages/middleware/src/measure/metric-sampler.ts';
import { resourceMetrics } from '../../../packages/middleware/src/measure/resource-metrics.ts';

function sampling(readers: Readonly<Record<string, () => number | Promise<number>>>) {
  const clock = manualClock();
  const troubles: string[] = [];
  const sampler = new MetricSampler({
    clock,
    everyMs: 500,
    readers: new Map(Object.entries(readers)),
    onTrouble: (name) => troubles.push(name),
  });
  return { clock, troubles, sampler };
}

describe('a sampler of metrics', () => {
  it('samples on one timer, and has none where there is nothing to sample', () => {
    let value = 1;
    const { clock, sampler } = sampling({ a: () => value, b: () => 10 * value });
    expect([sampler.read('a'), sampler.read('b'), sampler.read('c')]).toEqual([1, 10, undefined]);
    value = 2;
    expect(sampler.read('a')).toBe(1);
    expect(clock.pending).toBe(1);
    clock.advance(500);
    expect([sampler.read('a'), sampler.read('b')]).toEqual([2, 20]);
    sampler.close();
    expect([clock.pending, sampling({}).clock.pending]).toEqual([0, 0]);
  });

  it('leaves out one that throws or gives no number, tells of it once, and takes it back', async () => {
    let bad: 'throws' | 'NaN' | 'rejects' | undefined = 'throws';
    const { clock, troubles, sampler } = sampling({
      shaky: () => {
        if (bad === 'throws') throw new Error('no');
        return bad === 'rejects' ? Promise.reject(new Error('no')) : bad === 'NaN' ? Number.NaN : 7;
      },
    });
    expect(sampler.read('shaky')).toBeUndefined();
    bad = 'NaN';
    clock.advance(500);
    bad = 'rejects';
    clock.advance(500);
    await sleep(1);
    expect([sampler.read('shaky'), troubles]).toEqual([undefined, ['shaky']]);
    bad = undefined;
    clock.advance(500);
    expect(sampler.read('shaky')).toBe(7);
    bad = 'throws';
    clock.advance(500);
    expect(troubles).toEqual(['shaky', 'shaky']);
  });

  it('asks one that hangs no second time, and believes its last value for three intervals', async () => {
    let asked = 0;
    const { clock, sampler } = sampling({
      slow: () => (++asked === 1 ? Promise.resolve(3) : new Promise(() => {})),
    });
    await sleep(1);
    expect(sampler.read('slow')).toBe(3);
    clock.advance(1_500);
    expect([sampler.read('slow'), asked]).toEqual([3, 2]);
    clock.advance(1);
    expect(sampler.read('slow')).toBeUndefined();
  });
});

describe('the metrics of this process', () => {
  it('are those that are asked for, in their units', async () => {
    const names = ['eventLoopUtilization', 'eventLoopDelayMs', 'rssBytes', 'rssShare', 'heapShare'];
    const { readers, close } = resourceMetrics(new Set([...names, 'of the application']));
    expect([...readers.keys()]).toEqual(names);
    await sleep(30);
    // The event loop is kept busy, so that it shows.
    for (const end = performance.now() + 150; performance.now() < end; );
    await sleep(30);
    const value = (name: string): number => readers.get(name)?.() ?? Number.NaN;
    expect(value('eventLoopUtilization')).toBeGreaterThan(0.2);
    expect(value('eventLoopDelayMs')).toBeGreaterThan(20);
    expect(value('rssBytes')).toBeGreaterThan(1e7);
    for (const share of ['rssShare', 'heapShare']) {
      expect(value(share)).toBeGreaterThan(0);
      expect(value(share)).toBeLessThan(1);
    }
    close();
    expect([...resourceMetrics(new Set()).readers]).toEqual([]);
  });
});
