import v8 from 'node:v8';
import vm from 'node:vm';
import { manualClock } from '@slackwater/test-support/manual-clock';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../packages/middleware/src/clock.ts';
import {
  type Commit,
  type CommitOutcome,
  commitFinished,
  commitStarted,
} from '../../../packages/middleware/src/drivers/driver.ts';
import {
  LatencyTable,
  type LatencyTableOptions,
} from '../../../packages/middleware/src/measure/latency-table.ts';
import { type RequestContext, requestContext } from '../../../packages/middleware/src/request-context.ts';

function tableOf(options: Partial<LatencyTableOptions> = {}) {
  const time = manualClock();
  const clock: Clock = time;
  const table = new LatencyTable({ clock, ...options });
  const begin = (partition = 'orders', kind: Commit['kind'] = 'explicit'): Commit => {
    const commit: Commit = {
      partition,
      kind,
      startedAt: time.now(),
      context: undefined,
      durationMs: 0,
      outcome: undefined,
    };
    table.begin(commit);
    return commit;
  };
  const finish = (commit: Commit, outcome: CommitOutcome = 'committed'): void => {
    commit.durationMs = time.now() - commit.startedAt;
    commit.outcome = outcome;
    table.finish(commit);
  };
  const commitOf = (ms: number, partition = 'orders', kind: Commit['kind'] = 'explicit'): void => {
    const commit = begin(partition, kind);
    time.advance(ms);
    finish(commit);
  };
  return { time, table, begin, finish, commitOf };
}

describe('the latency table', () => {
  it('has no value before minSamples commits are known (D-65)', () => {
    const { table, commitOf } = tableOf();
    for (let count = 0; count < 4; count++) commitOf(400);
    expect(table.valueOf('orders')).toBeNaN();
    expect(table.read('orders')).toEqual({ valueMs: undefined, samples: 4, unfinished: 0 });
    commitOf(400);
    expect(table.valueOf('orders')).toBe(400);
  });

  it("leaves a partition's value unchanged by commits to another (D-11)", () => {
    const { table, commitOf } = tableOf();
    for (let count = 0; count < 5; count++) commitOf(10, 'orders');
    for (let count = 0; count < 64; count++) commitOf(200, 'archive');
    expect(table.valueOf('orders')).toBe(10);
    expect(table.valueOf('archive')).toBe(200);
    expect(table.valueOf('never seen')).toBeNaN();
    expect([...table.partitions()].map(({ partition }) => partition)).toEqual(['orders', 'archive']);
  });

  it('measures each commit from its beginning to its answer, by time stamps (D-01)', () => {
    const { time, table, begin, finish } = tableOf({ minSamples: 1 });
    const one = begin();
    time.advance(100);
    const other = begin('archive');
    time.advance(200);
    finish(one);
    time.advance(50);
    finish(other);
    expect(table.valueOf('orders')).toBe(300);
    expect(table.valueOf('archive')).toBe(250);
  });

  it('takes databases, groups of tables, parts of several databases and shards alike: each name is a partition (D-03)', () => {
    const { table, commitOf } = tableOf({ minSamples: 1 });
    const names = [
      'orders',
      'orders: invoices',
      'orders: customers',
      'billing across databases',
      'shard 1',
      'shard 2',
    ];
    for (const [n, name] of names.entries()) commitOf(10 * (n + 1), name);
    expect(names.map((name) => table.valueOf(name))).toEqual([10, 20, 30, 40, 50, 60]);
    expect([...table.partitions()].map(({ partition }) => partition)).toEqual(names);
  });

  it('is refreshed by each commit, and by the time that goes by between them (D-13)', () => {
    const { time, table, begin, finish, commitOf } = tableOf({ minSamples: 1, maxSampleAgeMs: 1_000 });
    commitOf(10);
    expect([...table.partitions()][0]).toMatchObject({ valueMs: 10, samples: 1 });
    commitOf(30);
    expect([...table.partitions()][0]).toMatchObject({ valueMs: 20, samples: 2 });
    const under = begin();
    time.advance(500);
    expect([...table.partitions()][0]).toMatchObject({ valueMs: 500, unfinished: 1 });
    finish(under, 'rolledBack');
    time.advance(501);
    expect([...table.partitions()][0]).toMatchObject({ valueMs: undefined, samples: 0 });
  });

  it('keeps independent values in independent tables (D-02)', () => {
    const one = tableOf({ minSamples: 1 });
    const other = tableOf({ minSamples: 1 });
    one.commitOf(10);
    other.commitOf(90);
    expect([one.table.valueOf('orders'), other.table.valueOf('orders')]).toEqual([10, 90]);
  });

  it('shows a stall before anything finishes: the median age of unfinished commits', () => {
    const { time, table, begin, commitOf } = tableOf();
    for (let count = 0; count < 5; count++) commitOf(2);
    begin();
    time.advance(100);
    begin();
    time.advance(100);
    begin();
    time.advance(300);
    expect(table.valueOf('orders')).toBe(400);
    expect(table.read('orders').unfinished).toBe(3);
  });

  it('does not take a lone slow commit for a stall once a later one has overtaken it', () => {
    const { time, table, begin, finish, commitOf } = tableOf();
    for (let count = 0; count < 5; count++) commitOf(2);
    const slow = begin();
    time.advance(1_000);
    expect(table.valueOf('orders')).toBe(1_000);
    commitOf(3);
    expect(table.valueOf('orders')).toBe(2);
    time.advance(1_000);
    finish(slow);
    expect(table.read('orders').samples).toBe(7);
  });

  it.each<CommitOutcome>(['rolledBack', 'failed', 'unknown'])(
    'is not told that a stall is over by a commit that ended as %s',
    (outcome) => {
      const { time, table, begin, finish } = tableOf({ minSamples: 1 });
      begin();
      time.advance(500);
      const refused = begin();
      time.advance(1);
      finish(refused, outcome);
      begin();
      time.advance(400);
      expect(table.read('orders', { since: 0 }).unfinished).toBe(2);
      // (901 + 400) / 2, whatever the refused one left in the window
      expect(table.valueOf('orders')).toBeGreaterThanOrEqual(650.5);
    },
  );

  it('counts failed and lost commits with their time, and those rolled back not at all (D-66)', () => {
    const { time, table, begin, finish } = tableOf({ minSamples: 1 });
    const rolledBack = begin();
    time.advance(1);
    finish(rolledBack, 'rolledBack');
    expect(table.read('orders').samples).toBe(0);
    const failed = begin();
    time.advance(700);
    finish(failed, 'failed');
    expect(table.valueOf('orders')).toBe(700);
    const lost = begin();
    finish(lost, 'unknown');
    expect(table.valueOf('orders')).toBe((700 + 30_000) / 2);
  });

  it('counts a commit without an answer once, after commitTimeoutMs', () => {
    const { time, table, begin, finish } = tableOf({ minSamples: 1, commitTimeoutMs: 1_000 });
    const commit = begin();
    time.advance(1_001);
    expect(table.read('orders')).toEqual({ valueMs: 1_000, samples: 1, unfinished: 0 });
    finish(commit);
    expect(table.read('orders').samples).toBe(1);
  });

  it('forgets samples that are older than maxSampleAgeMs', () => {
    const { time, table, commitOf } = tableOf({ minSamples: 1 });
    commitOf(800);
    time.advance(30_000);
    expect(table.valueOf('orders')).toBe(800);
    time.advance(1);
    expect(table.valueOf('orders')).toBeNaN();
  });

  it('gives fresh evidence from commits that began since, one of which is enough', () => {
    const { time, table, begin, finish, commitOf } = tableOf();
    for (let count = 0; count < 64; count++) commitOf(900);
    const early = begin();
    time.advance(10);
    const since = time.now();
    finish(early);
    expect(table.read('orders', { since })).toEqual({ valueMs: undefined, samples: 0, unfinished: 0 });
    expect(table.valueSince('orders', since)).toBeNaN();
    commitOf(4);
    expect(table.read('orders', { since })).toEqual({ valueMs: 4, samples: 1, unfinished: 0 });
    expect(table.valueSince('orders', since)).toBe(4);
    expect(table.valueOf('orders')).toBe(900);
  });

  it('measures autocommit writes apart, and goes by them only where there are no explicit commits to go by', () => {
    const { table, commitOf } = tableOf();
    for (let count = 0; count < 64; count++) commitOf(300, 'orders', 'autocommit');
    expect(table.valueOf('orders')).toBe(300);
    expect([...table.partitions()][0]?.kind).toBe('autocommit');
    commitOf(5);
    expect(table.valueOf('orders')).toBe(300);
    for (let count = 0; count < 4; count++) commitOf(5);
    expect(table.valueOf('orders')).toBe(5);
    expect([...table.partitions()][0]?.kind).toBe('explicit');
  });

  it('is fed by what drivers publish, and tells who listens (D-12)', () => {
    const { table, time } = tableOf({ minSamples: 1 });
    const heard: Commit[] = [];
    table.subscribe();
    table.subscribe();
    table.onFinished((commit) => heard.push(commit));
    const commit: Commit = {
      partition: 'p',
      kind: 'explicit',
      startedAt: time.now(),
      context: undefined,
      durationMs: 0,
      outcome: undefined,
    };
    commitStarted.publish(commit);
    time.advance(20);
    commit.durationMs = 20;
    commit.outcome = 'committed';
    commitFinished.publish(commit);
    expect(table.read('p')).toEqual({ valueMs: 20, samples: 1, unfinished: 0 });
    expect(heard).toEqual([commit]);
    table.close();
    commitFinished.publish({ ...commit });
    expect(table.read('p').samples).toBe(1);
  });

  it('measures work that no driver sees, and tells its request that it wrote', async () => {
    const { table, time } = tableOf({ minSamples: 1 });
    const wrote: string[] = [];
    const context: RequestContext = {
      postponable: true,
      completion: undefined,
      wrote: (partition) => wrote.push(partition),
    };
    const result = await requestContext.run(context, () =>
      table.commit('files', async () => {
        time.advance(42);
        return 'done';
      }),
    );
    expect(result).toBe('done');
    expect(wrote).toEqual(['files']);
    expect(table.valueOf('files')).toBe(42);
    await expect(table.commit('files', () => Promise.reject(new Error('disk')))).rejects.toThrow('disk');
    expect(table.read('files').samples).toBe(2);
  });

  it('takes the median where a statistic function fails, and tells', () => {
    const failures: unknown[] = [];
    const { table, commitOf } = tableOf({
      minSamples: 1,
      statistic: (samples) => (samples.length > 1 ? Number.NaN : Number(samples.at(0)) * 2),
      onStatisticFailed: (error) => failures.push(error),
    });
    commitOf(10);
    expect(table.valueOf('orders')).toBe(20);
    commitOf(30);
    expect(table.valueOf('orders')).toBe(20);
    expect(failures).toHaveLength(1);
  });

  it('forgets the partition quiet for longest when there are too many, not one with a commit under way', () => {
    const { table, begin, commitOf } = tableOf({ maxPartitions: 3, minSamples: 1 });
    begin('under way');
    commitOf(1, 'old');
    commitOf(1, 'young');
    commitOf(1, 'new');
    expect([...table.partitions()].map(({ partition }) => partition)).toEqual(['under way', 'young', 'new']);
  });

  it('needs less than 8 kB for a partition with two full windows', () => {
    v8.setFlagsFromString('--expose-gc');
    const collect = vm.runInNewContext('gc') as () => void;
    const used = (): number => {
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const { table, commitOf } = tableOf();
    const before = used();
    const partitions = 500;
    for (let partition = 0; partition < partitions; partition++) {
      for (let count = 0; count < 70; count++) {
        commitOf(1.5, `partition ${partition}`);
        commitOf(1.5, `partition ${partition}`, 'autocommit');
      }
    }
    expect((used() - before) / partitions).toBeLessThan(8_192);
    expect(table.valueOf('partition 1')).toBeNaN();
  });
});
