import { describe, expect, it } from 'vitest';
import type { CommitSource } from '../../../packages/middleware/src/drivers/driver.ts';
import { exemptRank, type Host, hostOf, letGo, rank } from './host.ts';

const pay = exemptRank('pay');
const order = rank('order', 2, 200);
const report = rank('report', 3, 120);
const ranks = [pay, order, report];

function commits(host: Host, ms: number, count = 5, partition?: string): void {
  for (let i = 0; i < count; i++) host.commitOf(ms, partition);
}

/** Takes the probe that is due, so that nothing else stands in the way of being postponed. */
function takeProbe(host: Host, workType = 'order'): void {
  const probe = host.ask(workType);
  expect(probe).toMatchObject({ perform: true, reason: 'probe' });
}

describe('the judgement of one request', () => {
  it('performs at once when the value equals the threshold (D-20)', () => {
    const host = hostOf({ ranks });
    commits(host, 200);
    expect(host.table.valueOf('orders')).toBe(200);
    expect(host.ask('order')).toMatchObject({ perform: true, reason: 'clear' });
  });

  it('postpones when the value is over the threshold (D-19)', () => {
    const host = hostOf({ ranks });
    commits(host, 201);
    takeProbe(host);
    expect(host.ask('order')).toMatchObject({
      perform: false,
      reason: 'over-threshold',
      partition: 'orders',
    });
  });

  it('compares the value as it is, not rounded: a mean of 151.43 is over 151 (D-68)', () => {
    const samples = [171, 131, 155, 148, 162, 139, 154];
    expect(samples.reduce((sum, ms) => sum + ms, 0) / samples.length).toBeCloseTo(151.43, 2);
    for (const [thresholdMs, verdict] of [
      [151, 'probe'],
      [151.43, 'clear'],
    ] as const) {
      const host = hostOf({ ranks: [rank('work', 1, thresholdMs)], latency: { statistic: 'mean' } });
      for (const ms of samples) host.commitOf(ms);
      // Over the threshold the first one is the probe.
      expect(host.ask('work').reason).toBe(verdict);
    }
  });

  it('does not round up either: a mean of 180.71 is not over 180.9 (D-68)', () => {
    const samples = [200, 165, 190, 170, 181, 177, 182];
    expect(samples.reduce((sum, ms) => sum + ms, 0) / samples.length).toBeCloseTo(180.71, 2);
    const host = hostOf({ ranks: [rank('work', 1, 180.9)], latency: { statistic: 'mean' } });
    for (const ms of samples) host.commitOf(ms);
    expect(host.ask('work').reason).toBe('clear');
  });

  it('never postpones exempt work, with commits of 10 s (D-21)', () => {
    const host = hostOf({ ranks });
    commits(host, 10_000);
    for (let i = 0; i < 50; i++) expect(host.ask('pay')).toMatchObject({ perform: true, reason: 'exempt' });
  });

  it('lets more important work pass at the moment at which less important work is postponed (D-23)', () => {
    const host = hostOf({ ranks });
    commits(host, 150);
    takeProbe(host, 'report');
    expect(host.ask('report').perform).toBe(false);
    expect(host.ask('order')).toMatchObject({ perform: true, reason: 'clear' });
  });

  it('is over no threshold with fewer than minSamples commits (D-65)', () => {
    const host = hostOf({ ranks });
    commits(host, 900, 4);
    expect(host.ask('report').reason).toBe('clear');
    host.commitOf(900);
    expect(host.ask('report').reason).not.toBe('clear');
  });

  it('postpones at one partition and not at another (D-11)', () => {
    const host = hostOf({ ranks });
    commits(host, 500, 5, 'slow');
    commits(host, 5, 5, 'quick');
    letGo(host.ask('order', 'slow'));
    expect(host.ask('order', 'slow').perform).toBe(false);
    expect(host.ask('order', 'quick').perform).toBe(true);
  });

  it('postpones a request to several partitions where any of them is over (D-67)', () => {
    const host = hostOf({ ranks });
    commits(host, 500, 5, 'slow');
    commits(host, 5, 5, 'quick');
    host.ask('order', 'slow');
    expect(host.ask('order', ['quick', 'slow'])).toMatchObject({ perform: false, partition: 'slow' });
    expect(host.ask('pay', ['quick', 'slow']).perform).toBe(true);
  });

  it('takes no probe at one partition for a request that another postpones', () => {
    const host = hostOf({ ranks });
    commits(host, 500, 5, 'a');
    commits(host, 500, 5, 'b');
    host.ask('order', 'b');
    expect(host.ask('order', ['a', 'b']).perform).toBe(false);
    expect(host.ask('order', 'a').reason).toBe('probe');
  });

  it('performs where no partition is known', () => {
    expect(hostOf({ ranks }).ask('order', [])).toMatchObject({ perform: true, reason: 'partition-unknown' });
  });

  it('goes by thresholds that were changed while running (D-14)', () => {
    const changing = { ...order };
    const host = hostOf({ ranks: [changing] });
    commits(host, 150);
    expect(host.ask('order').reason).toBe('clear');
    changing.thresholdMs = 100;
    host.admissions.thresholdsChanged();
    expect(host.stateOf('order')).toBe('over');
  });
});

describe('a stall', () => {
  it('postpones before any commit has finished', () => {
    const host = hostOf({ ranks });
    for (let i = 0; i < 5; i++) host.begin();
    expect(host.ask('order').reason).toBe('clear');
    host.time.advance(201);
    takeProbe(host);
    expect(host.ask('order').perform).toBe(false);
  });

  it('with every request postponed and no commit at all, is seen to have ended within 2 probeEveryMs (D-64)', () => {
    const host = hostOf({ ranks: [order] });
    const hung = [host.begin(), host.begin(), host.begin(), host.begin(), host.begin()];
    host.time.advance(300);
    const probes = [];
    // Ten seconds in which whoever is let through hangs like the rest.
    for (let ms = 0; ms < 10_000; ms += 10) {
      host.time.advance(10);
      const admitted = host.ask('order');
      if (admitted.perform) probes.push({ entry: admitted.entry, commit: host.begin() });
    }
    expect(probes.length).toBeGreaterThanOrEqual(4);
    expect(probes.length).toBeLessThanOrEqual(6);
    const healedAt = host.time.now();
    for (const commit of hung) host.finish(commit);
    for (const { entry, commit } of probes) {
      host.finish(commit);
      entry.wrote('orders');
      entry.finished();
    }
    while (host.stateOf('order') === 'over' && host.time.now() < healedAt + 5_000) {
      host.time.advance(10);
      const admitted = host.ask('order');
      if (!admitted.perform) continue;
      admitted.entry.wrote('orders');
      host.commitOf(5);
      admitted.entry.finished();
    }
    expect(host.time.now() - healedAt).toBeLessThanOrEqual(400);
  });

  it('is not over because its samples have expired', () => {
    const host = hostOf({ ranks, latency: { maxSampleAgeMs: 5_000 } });
    commits(host, 500);
    takeProbe(host);
    host.time.advance(60_000);
    expect(host.table.read('orders').samples).toBe(0);
    expect(host.ask('order').reason).toBe('probe');
    expect(host.ask('order').reason).toBe('over-threshold');
  });
});

describe('probes', () => {
  it('are one at a time, each probeEveryMs', () => {
    const host = hostOf({ ranks: [order] });
    commits(host, 500);
    let probes = 0;
    for (let ms = 0; ms < 2_000; ms += 20) {
      const admitted = host.ask('order');
      if (admitted.perform) {
        probes += 1;
        admitted.entry.wrote('orders');
        admitted.entry.finished();
      }
      host.time.advance(20);
    }
    expect(probes).toBe(10);
  });

  it('leave their slot after probeTimeoutMs, however long they hang', () => {
    const host = hostOf({ ranks: [order] });
    commits(host, 500);
    takeProbe(host);
    host.time.advance(1_999);
    expect(host.ask('order').perform).toBe(false);
    host.time.advance(1);
    expect(host.ask('order').reason).toBe('probe');
  });

  it('go to the more important work that was postponed a moment ago', () => {
    const host = hostOf({ ranks });
    commits(host, 500);
    letGo(host.ask('order'));
    expect(host.ask('order').perform).toBe(false);
    host.time.advance(250);
    expect(host.ask('report')).toMatchObject({ perform: false });
    expect(host.ask('order').reason).toBe('probe');
  });

  it('of less important work do not keep more important work from probing', () => {
    const host = hostOf({ ranks });
    commits(host, 500);
    expect(host.ask('report').reason).toBe('probe');
    expect(host.ask('order').reason).toBe('probe');
    expect(host.ask('order').perform).toBe(false);
    expect(host.ask('report').perform).toBe(false);
  });

  it('prove nothing by commits that were begun before the state was entered', () => {
    const host = hostOf({ ranks: [order] });
    const before = host.begin();
    host.time.advance(150);
    commits(host, 500);
    takeProbe(host);
    host.finish(before);
    expect(host.stateOf('order')).toBe('over');
  });

  it('prove nothing by commits that failed quickly', () => {
    const host = hostOf({ ranks: [order] });
    commits(host, 500);
    takeProbe(host);
    for (let i = 0; i < 20; i++) {
      const failed = host.begin();
      host.time.advance(1);
      host.finish(failed, 'failed');
    }
    expect(host.stateOf('order')).toBe('over');
    host.commitOf(1);
    expect(host.stateOf('order')).toBe('recovering');
  });

  it('by the driver come where nobody else shows how the partition does, and count if they felt the trouble', async () => {
    let probeMs = 1_000;
    const host: Host = hostOf({ ranks: [order], sources: [sourceOf(() => wait(host, probeMs))] });
    commits(host, 500);
    letGo(host.ask('order'));
    await pass(host, 3_000);
    expect(host.stateOf('order')).toBe('over');
    probeMs = 3;
    const healedAt = host.time.now();
    await pass(host, 1_400, () => host.stateOf('order') === 'recovering');
    // The one that was under way had to end first.
    expect(host.time.now() - healedAt).toBeLessThanOrEqual(1_000 + 400);
    expect(host.openings).toEqual(['orders']);
    await pass(host, 3_000);
    expect(host.stateOf('order')).toBe('clear');
    expect(host.time.pending).toBe(0);
  });

  it('by the driver count for nothing where they never felt what makes commits slow', async () => {
    const host: Host = hostOf({ ranks: [order], sources: [sourceOf(() => wait(host, 3))] });
    commits(host, 500);
    letGo(host.ask('order'));
    await pass(host, 5_000);
    expect(host.stateOf('order')).toBe('over');
    // Whoever comes is let through to see.
    expect(host.ask('order').reason).toBe('probe');
  });
});

describe('recovery', () => {
  function recovering(sources: readonly CommitSource[] = []): Host {
    const host = hostOf({ ranks, sources });
    commits(host, 500);
    const probe = host.ask('order');
    host.commitOf(5);
    letGo(probe);
    expect(host.stateOf('order')).toBe('recovering');
    return host;
  }

  it('lets one request through, then more with each round of good commits', () => {
    const host = recovering();
    const admittedAtOnce = (): number => {
      const entries = [];
      for (let i = 0; i < 40; i++) {
        const admitted = host.ask('order');
        if (admitted.perform) entries.push(admitted.entry);
      }
      for (const entry of entries) {
        host.commitOf(5);
        entry.finished();
      }
      return entries.length;
    };
    const rounds = Array.from({ length: 6 }, admittedAtOnce);
    expect(rounds[0]).toBe(1);
    for (let i = 1; i < rounds.length; i++) {
      const grown = (rounds[i] ?? 0) - (rounds[i - 1] ?? 0);
      expect(grown).toBeGreaterThanOrEqual(0);
      expect(grown).toBeLessThanOrEqual(2);
    }
    expect(rounds.at(-1)).toBeGreaterThan(3);
  });

  it('halves what it lets through at a sign of trouble, and ends where nothing is left of it', () => {
    const host = recovering();
    for (let i = 0; i < 12; i++) {
      // Somebody is refused all along, so that the limit binds.
      const first = host.ask('order');
      while (host.ask('order').perform);
      host.commitOf(5);
      letGo(first);
    }
    expect(host.stateOf('order')).toBe('recovering');
    for (let i = 0; i < 10 && host.stateOf('order') === 'recovering'; i++) host.commitOf(400);
    expect(host.stateOf('order')).toBe('over');
  });

  it('is over when the limit is in nobody’s way, and what was before does not count against it', () => {
    const host = recovering();
    commits(host, 5, 6);
    // Who was told to return must have had the time to.
    expect(host.stateOf('order')).toBe('recovering');
    host.time.advance(1_000);
    commits(host, 5, 1);
    expect(host.stateOf('order')).toBe('clear');
    expect(host.table.valueOf('orders')).toBeLessThan(200);
    commits(host, 5, 64);
    expect(host.ask('order').reason).toBe('clear');
  });

  it('is over when the limit has come to all connections but one', () => {
    const host = recovering([sourceOf(undefined, 4)]);
    const entries = [];
    for (let i = 0; i < 30 && host.stateOf('order') === 'recovering'; i++) {
      const admitted = host.ask('order');
      if (admitted.perform) entries.push(admitted.entry);
      expect(host.ask('report').perform && host.stateOf('report') !== 'recovering').toBe(false);
      host.commitOf(5);
      entries.shift()?.finished();
    }
    expect(host.stateOf('order')).toBe('clear');
  });

  it('counts requests by their importance: less important ones leave room for more important ones', () => {
    const host = recovering();
    commits(host, 5, 1);
    host.commitOf(5);
    const less = host.ask('report');
    expect(less.perform).toBe(true);
    expect(host.ask('report').perform && host.ask('report').perform && host.ask('report').perform).toBe(
      false,
    );
    expect(host.ask('order').perform).toBe(true);
  });

  it('tells those who wait that a partition has opened', () => {
    const host = recovering();
    expect(host.openings).toContain('orders');
  });

  it('tells of each change of state, with the value at which it came', () => {
    const host = recovering();
    expect(host.changes.filter(({ workType }) => workType === 'order')).toEqual([
      { partition: 'orders', workType: 'order', from: 'clear', to: 'over', valueMs: 500 },
      { partition: 'orders', workType: 'order', from: 'over', to: 'recovering', valueMs: 5 },
    ]);
  });
});

describe('a closed gate', () => {
  it('lets everything through and leaves no timer behind', () => {
    const host = hostOf({ ranks });
    commits(host, 500);
    letGo(host.ask('order'));
    host.admissions.close();
    expect(host.ask('order').perform).toBe(true);
    expect(host.time.pending).toBe(0);
  });
});

function sourceOf(probe: (() => Promise<number>) | undefined, connections?: number): CommitSource {
  return { partition: 'orders', driver: 'test', connections, probe, completions: undefined };
}

/** A commit that ends when the clock has gone on so far. */
function wait({ time }: Host, ms: number): Promise<number> {
  return new Promise((resolve) => time.after(ms, () => resolve(ms)));
}

/** Lets time pass in small steps, with everything that is due, until it is over or `enough`. */
async function pass({ time }: Host, ms: number, enough = (): boolean => false): Promise<void> {
  for (let passed = 0; passed < ms && !enough(); passed += 10) {
    time.advance(10);
    for (let i = 0; i < 5; i++) await Promise.resolve();
  }
}
