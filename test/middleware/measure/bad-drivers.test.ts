import { manualClock } from '@slackwater/test-support/manual-clock';
import { describe, expect, it } from 'vitest';
import {
  type Commit,
  commitFinished,
  commitStarted,
} from '../../../packages/middleware/src/drivers/driver.ts';
import {
  LatencyTable,
  type LatencyTableOptions,
} from '../../../packages/middleware/src/measure/latency-table.ts';
import { hostOf, letGo, rank } from '../decide/host.ts';

function tableOf(options: Partial<LatencyTableOptions> = {}) {
  const time = manualClock();
  time.advance(5_000_000);
  const faults: string[] = [];
  const table = new LatencyTable({
    clock: time,
    minSamples: 1,
    onFault: ({ message }) => faults.push(message),
    ...options,
  });
  const heard: Commit[] = [];
  table.onFinished((commit) => heard.push(commit));
  const commitOf = (told: Partial<Commit> = {}): Commit => ({
    partition: 'orders',
    kind: 'explicit',
    startedAt: time.now(),
    context: undefined,
    durationMs: 0,
    outcome: undefined,
    ...told,
  });
  const whole = (durationMs = 10, partition = 'orders'): void => {
    const commit = commitOf({ partition });
    table.begin(commit);
    time.advance(durationMs);
    Object.assign(commit, { durationMs, outcome: 'committed' });
    table.finish(commit);
  };
  return { time, table, faults, heard, commitOf, whole };
}

describe('a driver or a source that breaks the law', () => {
  it.each([
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Date.parse('2026-11-21'),
    -1e300,
    6_000_000,
    undefined,
    'now',
    null,
    {},
  ])('and lets a commit begin at %j is not counted, and what others tell is', (startedAt) => {
    const { table, time, faults, heard, commitOf, whole } = tableOf();
    const commit = commitOf({ startedAt: startedAt as number });
    table.begin(commit);
    time.advance(400);
    expect(table.read('orders')).toEqual({ valueMs: undefined, samples: 0, unfinished: 0 });
    table.finish(Object.assign(commit, { durationMs: 400, outcome: 'committed' }));
    expect(heard).toEqual([]);
    whole(10);
    const under = commitOf();
    table.begin(under);
    time.advance(50);
    expect(table.read('orders')).toEqual({ valueMs: 50, samples: 1, unfinished: 1 });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(/^A commit was told of that is not counted: it began at .*; that is no time/);
  });

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, undefined, '10', null])(
    'and finishes with a duration of %j leaves no sample, and nothing unfinished',
    (durationMs) => {
      const { table, faults, heard, commitOf, whole } = tableOf();
      whole(10);
      const commit = commitOf();
      table.begin(commit);
      table.finish(Object.assign(commit, { durationMs, outcome: 'committed' }));
      expect(table.read('orders')).toEqual({ valueMs: 10, samples: 1, unfinished: 0 });
      expect(heard).toHaveLength(1);
      expect(faults).toEqual([expect.stringContaining('its durationMs is')]);
    },
  );

  it('and finishes with an enormous duration counts as commitTimeoutMs', () => {
    const { table, commitOf } = tableOf({ commitTimeoutMs: 2_000 });
    const commit = commitOf();
    table.begin(commit);
    table.finish(Object.assign(commit, { durationMs: 1e300, outcome: 'committed' }));
    expect(table.valueOf('orders')).toBe(2_000);
  });

  it('and tells of beginnings in no order is measured by when it told of them', () => {
    const { table, time, commitOf } = tableOf();
    table.begin(commitOf());
    time.advance(100);
    table.begin(commitOf({ startedAt: time.now() - 1_000 }));
    time.advance(100);
    expect(table.valueOf('orders')).toBe(200);
  });

  it.each(['done', undefined, null, 7])('and finishes with the outcome %j leaves no sample', (outcome) => {
    const { table, faults, commitOf } = tableOf();
    const commit = commitOf();
    table.begin(commit);
    table.finish(Object.assign(commit, { durationMs: 4, outcome }));
    expect(table.read('orders')).toEqual({ valueMs: undefined, samples: 0, unfinished: 0 });
    expect(faults).toEqual([expect.stringContaining('it finished with the outcome')]);
  });

  it('and finishes a commit twice has it counted once', () => {
    const { table, faults, heard, commitOf, whole } = tableOf();
    const commit = commitOf();
    table.begin(commit);
    table.begin(commit);
    Object.assign(commit, { durationMs: 90, outcome: 'committed' });
    table.finish(commit);
    for (let count = 0; count < 5; count++) whole(1);
    table.finish(commit);
    table.finish(commit);
    expect(table.read('orders')).toMatchObject({ samples: 6, unfinished: 0 });
    expect(heard).toHaveLength(6);
    expect(faults).toEqual([expect.stringContaining('one finish to each start')]);
  });

  it('and freezes what it then finishes twice has it counted once', () => {
    const { table, faults, commitOf } = tableOf();
    const commit = Object.freeze(commitOf({ durationMs: 70, outcome: 'committed' }));
    table.finish(commit);
    table.finish(commit);
    expect(table.read('orders')).toMatchObject({ samples: 1, unfinished: 0 });
    expect(faults).toEqual([expect.stringContaining('one finish to each start')]);
  });

  it('and finishes what it did not begin has it counted once', () => {
    const { table, commitOf } = tableOf();
    const commit = commitOf({ durationMs: 70, outcome: 'committed' });
    table.finish(commit);
    table.finish(commit);
    expect(table.read('orders')).toEqual({ valueMs: 70, samples: 1, unfinished: 0 });
  });

  it('and never finishes what it begins is bounded, whether anybody reads or not', () => {
    const { table, time, faults, commitOf } = tableOf({ commitTimeoutMs: 1_000 });
    for (let count = 0; count < 25_000; count++) table.begin(commitOf());
    expect(table.read('orders').unfinished).toBe(10_000);
    expect(faults).toEqual([expect.stringContaining('forgotten to finish')]);
    time.advance(1_001);
    expect(table.read('orders')).toMatchObject({ valueMs: 1_000, unfinished: 0 });
    const late = commitOf();
    table.begin(late);
    expect(table.read('orders').unfinished).toBe(1);
  });

  it.each([undefined, null, 7, '', {}, 'x'.repeat(201), 'x'.repeat(1_000_000)])(
    'and names its partition %j is not counted',
    (partition) => {
      const { table, faults, commitOf } = tableOf();
      const commit = commitOf({ partition: partition as string });
      table.begin(commit);
      table.finish(Object.assign(commit, { durationMs: 4, outcome: 'committed' }));
      expect([...table.partitions()]).toEqual([]);
      expect(faults).toHaveLength(1);
      expect(faults[0]?.length).toBeLessThan(200);
    },
  );

  it('and tells of a kind that nobody knows is not counted', () => {
    const { table, faults, commitOf } = tableOf();
    table.begin(commitOf({ kind: 'probe' as never }));
    expect([...table.partitions()]).toEqual([]);
    expect(faults).toEqual([expect.stringContaining('its kind is "probe"')]);
  });

  it('is told once for each kind of fault, however often it is at fault', () => {
    const { table, faults, commitOf } = tableOf();
    for (let count = 0; count < 100; count++) {
      table.begin(commitOf({ startedAt: Number.NaN }));
      table.begin(commitOf({ partition: '' }));
    }
    expect(faults).toHaveLength(2);
  });

  it('breaks nothing for whoever publishes behind it', async () => {
    const { table, faults } = tableOf();
    table.subscribe();
    const own = { partition: Symbol('p'), startedAt: 1n, durationMs: {}, outcome: [] };
    expect(() => commitStarted.publish(own)).not.toThrow();
    expect(() => commitFinished.publish(own)).not.toThrow();
    for (const nothing of [undefined, null, 7, 'commit']) commitFinished.publish(nothing);
    // What a subscriber throws becomes an uncaught exception in the next turn.
    await new Promise((resolve) => setImmediate(resolve));
    expect(faults).toHaveLength(2);
    table.close();
  });
});

describe('a flood of partitions', () => {
  it('is bounded, and does not make the table forget those in trouble, however quiet they are (D-11)', () => {
    const { table, whole } = tableOf({ maxPartitions: 100, maxSampleAgeMs: 60_000 });
    const troubled = Array.from({ length: 40 }, (_, n) => `troubled ${n}`);
    table.keepWhile((partition) => partition.startsWith('troubled'));
    for (const partition of troubled) whole(900, partition);
    for (let n = 0; n < 5_000; n++) whole(1, `made up ${n}`);
    expect([...table.partitions()].length).toBeLessThanOrEqual(107);
    for (const partition of troubled) expect(table.valueOf(partition)).toBe(900);
  });

  it('is bounded also where all are in trouble', () => {
    const { table, whole } = tableOf({ maxPartitions: 100 });
    table.keepWhile(() => true);
    for (let n = 0; n < 5_000; n++) whole(1, `partition ${n}`);
    expect([...table.partitions()].length).toBeLessThanOrEqual(107);
  });

  it('opens nothing that is over: neither who asks for names that are made up nor who commits to them', () => {
    const host = hostOf({ ranks: [rank('order', 1, 200)], admissions: { maxPartitions: 50 } });
    for (let n = 0; n < 20; n++) {
      for (let count = 0; count < 5; count++) host.commitOf(500, `slow ${n}`);
      letGo(host.ask('order', `slow ${n}`));
      expect(host.admissions.modeOf(0, `slow ${n}`)).toBe('over');
    }
    for (let n = 0; n < 2_000; n++) {
      letGo(host.ask('order', `made up ${n}`));
      host.commitOf(1, `made up ${n}`);
    }
    for (let n = 0; n < 20; n++) {
      expect(host.admissions.modeOf(0, `slow ${n}`)).toBe('over');
      expect(host.admissions.isTroubled(`slow ${n}`)).toBe(true);
    }
  });

  it('of thousands leaves each with the value of its own commits (D-03, D-11)', () => {
    const { table, whole } = tableOf({ maxSampleAgeMs: 1e9 });
    for (let n = 0; n < 3_000; n++) for (let count = 0; count < 5; count++) whole(n / 100, `shard ${n}`);
    for (let n = 0; n < 3_000; n += 7) expect(table.valueOf(`shard ${n}`)).toBe(n / 100);
  });
});

describe('a statistic function', () => {
  function withStatistic(statistic: (samples: readonly number[]) => number) {
    const failures: string[] = [];
    const time = manualClock();
    const table = new LatencyTable({
      clock: time,
      minSamples: 1,
      statistic: (samples) => statistic(samples),
      onStatisticFailed: (error) => failures.push(String(error)),
    });
    const commit = (durationMs: number): void => {
      const told: Commit = {
        ...{ partition: 'orders', kind: 'explicit', startedAt: time.now(), context: undefined },
        ...{ durationMs, outcome: 'committed' },
      };
      table.finish(told);
    };
    return { table, time, failures, commit };
  }

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY, undefined, '12', null])(
    'that gives %j has the median in its stead',
    (value) => {
      const { table, failures, commit } = withStatistic(() => value as number);
      for (const ms of [5, 9, 100]) commit(ms);
      expect(table.valueOf('orders')).toBe(9);
      expect(failures).toHaveLength(1);
    },
  );

  it('that throws has the median in its stead', () => {
    const { table, failures, commit } = withStatistic(() => {
      throw new Error('no statistic today');
    });
    for (const ms of [5, 9, 100]) commit(ms);
    expect(table.valueOf('orders')).toBe(9);
    expect(failures).toEqual(['Error: no statistic today']);
  });

  it('that is slow three times in a row is left out for good, with the reason', () => {
    let calls = 0;
    const { table, time, failures, commit } = withStatistic((samples) => {
      calls++;
      time.advance(calls === 2 ? 1 : 25);
      return Math.max(...samples);
    });
    for (let count = 0; count < 10; count++) {
      commit(count);
      table.valueOf('orders');
    }
    expect(calls).toBe(5);
    expect(table.valueOf('orders')).toBe(4.5);
    expect(failures).toEqual([expect.stringContaining('took 25 ms, the last of 3 slow calls')]);
  });

  it('is not called while nobody reads, and once for each change while somebody does', () => {
    let calls = 0;
    const { table, commit } = withStatistic((samples) => {
      calls++;
      return Math.max(...samples);
    });
    for (let count = 0; count < 1_000; count++) commit(count);
    expect(calls).toBe(0);
    for (let count = 0; count < 100; count++) table.valueOf('orders');
    expect(calls).toBe(1);
  });

  it('that changes the samples it is given changes nothing', () => {
    const { table, commit } = withStatistic((samples) => {
      (samples as number[]).fill(1e6);
      return 7;
    });
    for (const ms of [5, 9, 100]) commit(ms);
    expect(table.valueOf('orders')).toBe(7);
    commit(6);
    expect(table.read('orders').samples).toBe(4);
  });
});
