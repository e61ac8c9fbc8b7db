import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { autoBounds, autoThreshold } from '../../../packages/middleware/src/decide/auto-threshold.ts';
import { riseMs } from '../../../packages/middleware/src/decide/baseline.ts';
import { ranksAhead, type WorkTypeRank } from '../../../packages/middleware/src/decide/work-type.ts';
import { exemptRank, type Host, hostOf, letGo, rank } from './host.ts';

const rules = { tolerance: 4, floorMs: 20, ceilingMs: 250, warmUpMs: 10_000 };
const order = rank('order', 2, 'auto');
const report = rank('report', 3, 'auto');

/** Commits of that duration, each 200 ms, for so long. */
function work(host: Host, ms: number, forMs: number, partition?: string): void {
  for (let passed = 0; passed < forMs; passed += 200) {
    const commit = host.begin(partition);
    host.time.advance(Math.min(ms, 200));
    if (ms > 200) host.time.advance(ms - 200);
    host.finish(commit);
    if (ms < 200) host.time.advance(200 - ms);
  }
}

/** The present threshold of a work type. */
function thresholdOf(host: Host, workType = 'order', partition = 'orders'): number {
  return host.admissions.learnedOf(partition)?.thresholdsMs[workType] ?? Number.NaN;
}

function warm(ms: number, ranks: readonly WorkTypeRank[] = [order]): Host {
  const host = hostOf({ ranks });
  work(host, ms, 20_000);
  return host;
}

describe('a threshold that is auto', () => {
  it('is the ceiling until the partition is warm, and then a multiple of what is usual there', () => {
    const host = hostOf({ ranks: [order] });
    work(host, 30, 8_000);
    expect(thresholdOf(host)).toBe(250);
    work(host, 30, 8_000);
    expect(thresholdOf(host)).toBeCloseTo(120, 0);
  });

  it('differs between a partition that is slow by nature and one that is quick', () => {
    const host = hostOf({ ranks: [order] });
    work(host, 50, 20_000, 'slow');
    work(host, 10, 20_000, 'quick');
    expect(thresholdOf(host, 'order', 'slow')).toBeCloseTo(200, 0);
    expect(thresholdOf(host, 'order', 'quick')).toBeCloseTo(40, 0);
    // The same latency is nothing on the one and an overload on the other.
    work(host, 60, 2_000, 'slow');
    work(host, 60, 2_000, 'quick');
    expect(host.ask('order', 'slow').reason).toBe('clear');
    work(host, 60, 8_000, 'quick');
    expect(host.ask('order', 'quick').reason).not.toBe('clear');
  });

  it('is never below the floor, however quick commits are', () => {
    expect(thresholdOf(warm(0.3))).toBe(20);
  });

  it('is not raised by an overload, however long it lasts', () => {
    const host = warm(30);
    const before = thresholdOf(host);
    work(host, 180, 8_000);
    letGo(host.ask('order'));
    const entered = thresholdOf(host);
    // While the window filled with it, the median was still that of before.
    expect(entered).toBeLessThanOrEqual(before * 1.01);
    expect(host.stateOf('order')).toBe('over');
    work(host, 180, riseMs);
    expect(thresholdOf(host)).toBe(entered);
    expect(host.stateOf('order')).toBe('over');
  });

  it('is not raised by a stall in which nothing finishes', () => {
    const host = warm(30);
    const before = thresholdOf(host);
    const hung = Array.from({ length: 8 }, () => host.begin());
    host.time.advance(60_000);
    letGo(host.ask('order'));
    for (const commit of hung) host.finish(commit);
    expect(thresholdOf(host)).toBe(before);
  });

  it('follows a slow leak up to the ceiling, and never beyond it', () => {
    const host = warm(30);
    let highest = 0;
    for (let ms = 30; ms < 400; ms *= 1.06) {
      work(host, ms, 60_000);
      letGo(host.ask('order'));
      highest = Math.max(highest, thresholdOf(host));
    }
    expect(highest).toBe(250);
    expect(host.stateOf('order')).toBe('over');
    work(host, 400, 120_000);
    expect(thresholdOf(host)).toBe(250);
    expect(host.stateOf('order')).toBe('over');
  });

  it('comes down within a minute where a restart fell into an overload', () => {
    const host = hostOf({ ranks: [order] });
    work(host, 200, 60_000);
    expect(thresholdOf(host)).toBe(250);
    work(host, 10, 60_000);
    expect(thresholdOf(host)).toBeLessThan(45);
  });

  it('recovers to what it was before the overload', () => {
    const host = warm(30);
    const before = thresholdOf(host);
    work(host, 400, 60_000);
    letGo(host.ask('order'));
    expect(host.stateOf('order')).toBe('over');
    work(host, 30, 60_000);
    expect(host.stateOf('order')).toBe('clear');
    expect(thresholdOf(host)).toBeCloseTo(before, -1);
  });

  it('counts as any other: a number in its place counts from the next decision on, and auto again later', () => {
    const changing: { -readonly [Key in keyof WorkTypeRank]: WorkTypeRank[Key] } = { ...order };
    const host = hostOf({ ranks: [changing] });
    work(host, 30, 20_000);
    changing.thresholdMs = 25;
    host.admissions.thresholdsChanged();
    expect(host.stateOf('order')).toBe('over');
    expect(host.admissions.learnedOf('orders')).toBeUndefined();
    changing.thresholdMs = 'auto';
    host.admissions.thresholdsChanged();
    expect(thresholdOf(host)).toBeCloseTo(120, 0);
  });

  it('can be read: baseline and thresholds, before anybody is judged', () => {
    const host = warm(30, [exemptRank('pay'), order, rank('import', 3, 50), rank('report', 4, 'auto')]);
    expect(host.admissions.learnedOf('orders')).toEqual({
      baselineMs: expect.closeTo(30, 1),
      thresholdsMs: { order: expect.closeTo(120, 0), report: 50 },
    });
    expect(host.admissions.learnedOf('elsewhere')).toBeUndefined();
    expect(host.admissions.thresholdsOf(1)).toEqual(new Map([['orders', expect.closeTo(120, 0)]]));
  });
});

describe('auto thresholds of several work types', () => {
  it('fall with importance in equal steps', () => {
    const host = warm(30, [order, report, rank('export', 4, 'auto')]);
    expect(['order', 'report', 'export'].map((name) => Math.round(thresholdOf(host, name)))).toEqual([
      120, 90, 60,
    ]);
  });

  it('let the more important work go on at a latency at which the less important is postponed', () => {
    const host = warm(30, [order, report]);
    work(host, 100, 10_000);
    letGo(host.ask('report'));
    expect(host.stateOf('report')).toBe('over');
    expect(host.ask('order').reason).toBe('clear');
  });

  it('never tolerate more than what is more important, in any table within the ceiling and at any baseline', () => {
    const workType = fc.record({
      priority: fc.integer({ min: 1, max: 6 }),
      thresholdMs: fc.oneof(fc.constant('auto' as const), fc.integer({ min: 1, max: 250 })),
    });
    const table = fc.record({
      types: fc.array(workType, { minLength: 1, maxLength: 8 }),
      baselineMs: fc.option(fc.double({ min: 0, max: 1_000, noNaN: true })),
    });
    fc.assert(
      fc.property(table, ({ types, baselineMs }) => {
        const ranks = types
          .map(({ priority, thresholdMs }, at) => ({ ...rank(`t${at}`, priority, 100), thresholdMs }))
          .sort((a, b) => a.priority - b.priority);
        const baseline = baselineMs === null ? undefined : { valueMs: baselineMs, observedMs: 10_000, at: 0 };
        const bounds = autoBounds(ranks, rules);
        const present = ranks.map(({ thresholdMs }, at) => {
          const own = bounds[at];
          return own === undefined ? Number(thresholdMs) : autoThreshold(own, baseline, rules);
        });
        ranks.forEach((lesser, at) => {
          ranks.forEach((greater, above) => {
            if (greater.priority >= lesser.priority) return;
            const bothFixed = greater.thresholdMs !== 'auto' && lesser.thresholdMs !== 'auto';
            // Two numbers are what they are, and warned of; what is wrong between them may reach an `auto` in the middle.
            const isOrdered = ranks.every((a) =>
              ranks.every(
                (b) => a.priority >= b.priority || !(Number(a.thresholdMs) < Number(b.thresholdMs)),
              ),
            );
            if (bothFixed || !isOrdered) return;
            expect(present[above]).toBeGreaterThanOrEqual(present[at] ?? 0);
            expect(ranksAhead(ranks, lesser, rules.ceilingMs)).toContain(greater);
          });
        });
      }),
      { numRuns: 500 },
    );
  });
});
