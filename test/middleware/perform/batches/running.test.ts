import { describe, expect, it } from 'vitest';
import type { BatchOptions } from '../../../../packages/middleware/src/perform/batches/batch-options.ts';
import type {
  BatchContext,
  BatchItem,
} from '../../../../packages/middleware/src/perform/batches/batch-types.ts';
import { exemptRank, rank } from '../../decide/host.ts';
import { type BatchBench, batchBench, items, quiet } from './batch-bench.ts';

/** What `perform` of each call was given, and ends it. */
interface Call {
  readonly ids: readonly string[];
  readonly context: BatchContext;
  end(failed?: readonly string[]): void;
}

function held(): { readonly calls: Call[]; readonly perform: BatchOptions['perform'] } {
  const calls: Call[] = [];
  return {
    calls,
    perform: (given, context) =>
      new Promise<{ failed: { id: string }[] }>((resolve) => {
        const end = (failed: readonly string[] = []): void =>
          resolve({ failed: failed.map((id) => ({ id })) });
        calls.push({ ids: given.map(({ id }) => id), context, end });
      }),
  };
}

const mixed = (): BatchItem[] => [...items('A', 2), ...items('B', 2), ...items('C', 2)];

/** All partitions are known, and none is over. */
function known(bench: BatchBench): BatchBench {
  for (const partition of 'ABC')
    for (let commits = 0; commits < 8; commits++) bench.host.commitOf(5, partition);
  return bench;
}

describe('a batch that is postponed', () => {
  it('leaves all items, and performs nothing while a majority is over (D-34, D-37)', async () => {
    const bench = known(batchBench());
    bench.overload('A');
    bench.overload('B');
    const source = mixed();
    const run = await bench.batch({ source }).run();
    expect(run).toMatchObject({
      outcome: 'postponed',
      reasons: ['majority-over', 'over-threshold'],
      performed: 0,
      left: 6,
      postponements: 1,
      excluded: [
        { partition: 'A', valueMs: 300, thresholdMs: 200, reasons: ['over-threshold'] },
        { partition: 'B', valueMs: 300, thresholdMs: 200 },
      ],
    });
    expect([bench.performed, source.length]).toEqual([[], 6]);
  });

  it('is evaluated again any number of times, ever less often, and performed when its partitions have recovered (D-42)', async () => {
    const bench = known(batchBench());
    bench.overload('A');
    const batch = bench.batch({ direction: 'inbound', source: mixed(), schedule: { everyMs: 3_600_000 } });
    batch.start();
    await quiet();
    await batch.run();
    const retries = (): readonly number[] =>
      bench.events.flatMap((event) => (event.type === 'ended' ? [Date.parse(event.run.startedAt)] : []));
    await bench.go(32_000, 250);
    const [, ...waits] = retries().map((time, at, all) => Math.round((time - (all[at - 1] ?? time)) / 1_000));
    expect(waits).toEqual([1, 2, 4, 8, 16]);
    expect(batch.status()).toMatchObject({ state: 'postponed', postponements: 6 });
    // Only probes went.
    expect(bench.performed.every((id) => id.startsWith('A'))).toBe(true);
    bench.heal('A');
    await bench.go(64_000, 500);
    expect(new Set(bench.performed)).toEqual(new Set(['A1', 'A2', 'B1', 'B2', 'C1', 'C2']));
    expect(batch.status()).toMatchObject({ state: 'waiting', postponements: 0 });
    await batch.close();
  });

  it('is looked at as soon as a partition opens', async () => {
    const bench = known(batchBench());
    bench.overload('A');
    const batch = bench.batch({ direction: 'inbound', source: mixed(), retryBaseMs: 50_000 });
    batch.start();
    await batch.run();
    await bench.go(49_000, 7_000);
    expect(bench.performed).toEqual([]);
    bench.heal('A');
    batch.wake();
    await quiet();
    expect(bench.performed).toEqual([]);
    await bench.go(1_000);
    batch.wake();
    await quiet();
    expect(bench.performed).toHaveLength(6);
    await batch.close();
  });

  it('sends one item as a probe to a partition that nobody else asks, from the second look on', async () => {
    const bench = known(batchBench({ latency: { minSamples: 1 } }));
    bench.overload('A');
    const source = items('A', 3);
    const batch = bench.batch({
      source,
      judgedBy: 'touched',
      perform: async ([item], { partition }) => {
        bench.performed.push(item?.id ?? '');
        bench.host.commitOf(5, partition);
      },
    });
    batch.start();
    expect((await batch.run()).outcome).toBe('postponed');
    expect(bench.performed).toEqual([]);
    await bench.go(1_100, 100);
    expect(bench.performed).toEqual(['A1']);
    await bench.go(20_000, 500);
    // Its commit was the good news.
    expect(source).toEqual([]);
    await batch.close();
  });

  it.each([
    ['alert', 'postponed', 0],
    ['perform', 'performed', 6],
    ['fail', 'waiting', 0],
  ] as const)('for too long: %s (D-69)', async (act, end, performed) => {
    const bench = known(batchBench());
    bench.overload('A');
    bench.overload('B');
    const batch = bench.batch({
      source: mixed(),
      schedule: { everyMs: 3_600_000 },
      maxPostponeMs: 10_000,
      whenPostponedTooLong: act,
      // Nothing is sent to see how it is.
      perform: async (given) => void bench.performed.push(...given.map(({ id }) => id)),
    });
    // Every slot for a probe is another's.
    bench.host.ask('authorize', ['A', 'B']);
    batch.start();
    await quiet();
    await batch.run();
    for (let seconds = 0; seconds < 40; seconds++) {
      bench.host.ask('authorize', ['A']);
      bench.host.ask('authorize', ['B']);
      await bench.go(1_000);
    }
    const told = bench.events.filter(({ type }) => type === 'overdue');
    expect(told).toMatchObject([{ type: 'overdue', act, batch: 'settlements' }]);
    if (act === 'perform') expect(new Set(bench.performed).size).toBe(performed);
    if (act === 'perform') expect(batch.status()).toMatchObject({ state: 'waiting', postponements: 0 });
    else expect(batch.status().state).toBe(end);
    const { lastRun } = batch.status();
    if (act === 'fail')
      expect(lastRun).toMatchObject({ outcome: 'failed', error: { code: 'batch-postponed-too-long' } });
    await batch.close();
  });
});

describe('a batch of which some partitions are over', () => {
  it('performs the items of the others, and leaves theirs on the queue, counted (D-36, D-37, D-42)', async () => {
    const bench = known(batchBench());
    bench.overload('B');
    const source = mixed();
    const seen: unknown[] = [];
    const perform: BatchOptions['perform'] = async (given, { historyOf, postponements, partition }) => {
      for (const item of given) seen.push([item.id, historyOf(item).postponements, postponements, partition]);
    };
    const batch = bench.batch({ source, perform });
    const run = await batch.run();
    expect(run).toMatchObject({
      outcome: 'partly-performed',
      performed: 4,
      left: 2,
      reasons: ['over-threshold'],
    });
    expect(source.map(({ id }) => id)).toEqual(['B1', 'B2']);
    bench.heal('B');
    expect(await batch.run()).toMatchObject({ outcome: 'performed', performed: 2, postponements: 0 });
    expect(seen.slice(-2)).toEqual([
      ['B1', 1, 1, 'B'],
      ['B2', 1, 1, 'B'],
    ]);
  });

  it('is not held back by partitions that nothing waits for, unless its source left that out', async () => {
    const bench = known(batchBench());
    bench.overload('B');
    expect(await bench.batch({ source: items('A', 1) }).run()).toMatchObject({
      outcome: 'performed',
      postponements: 0,
    });
    expect((await bench.batch({ source: () => items('C', 1) }).run()).outcome).toBe('performed');
    const knowing: BatchOptions['source'] = ({ excluded }) =>
      mixed().filter(({ partition }) => !excluded.has(partition));
    expect(await bench.batch({ source: knowing }).run()).toMatchObject({
      outcome: 'partly-performed',
      performed: 4,
      left: 0,
      postponements: 1,
    });
  });

  it('limits what answers it to the partitions it was limited to (D-43)', async () => {
    const bench = known(batchBench());
    bench.overload('B');
    const answered = new Set<string>();
    const perform: BatchOptions['perform'] = async (given) => {
      for (const { partition } of given) answered.add(partition);
    };
    await bench.batch({ source: mixed(), perform }).run();
    expect([...answered]).toEqual(['A', 'C']);
  });

  it('takes the values anew before each part that it reads', async () => {
    const bench = known(batchBench());
    const perform: BatchOptions['perform'] = async (given) => {
      bench.performed.push(...given.map(({ id }) => id));
      bench.overload('A');
    };
    const run = await bench.batch({ source: items('A', 4), readAhead: 2, perform }).run();
    expect(run).toMatchObject({ outcome: 'partly-performed', performed: 2, left: 2 });
    expect(bench.performed).toEqual(['A1', 'A2']);
  });

  it('counts those alone that its items go to, where it is to be judged by them', async () => {
    const bench = known(batchBench());
    bench.overload('A');
    const source = [...items('A', 1), ...items('B', 1)];
    expect((await bench.batch({ source }).run()).outcome).toBe('partly-performed');
    expect((await bench.batch({ source, judgedBy: 'touched' }).run()).outcome).toBe('postponed');
  });

  it('gets only as much as they take while they recover', async () => {
    const bench = known(batchBench({ latency: { minSamples: 1 } }));
    bench.overload('A');
    bench.host.wouldPerform('settle', 'A');
    expect(bench.host.stateOf('settle', 'A')).toBe('over');
    for (let commits = 0; bench.host.stateOf('settle', 'A') === 'over' && commits < 64; commits++) {
      bench.host.commitOf(5, 'A');
      bench.host.wouldPerform('settle', 'A');
    }
    expect(bench.host.stateOf('settle', 'A')).toBe('recovering');
    const taken = bench.host.ask('settle', 'A');
    expect(taken.perform).toBe(true);
    const source = items('A', 2);
    const others = Array.from({ length: 64 }, () => bench.host.ask('settle', 'A')).filter(
      ({ perform }) => perform,
    );
    expect(others.length).toBeLessThan(64);
    const run = await bench.batch({ source }).run();
    expect(run).toMatchObject({
      outcome: 'postponed',
      excluded: [{ partition: 'A', reasons: ['recovering'] }],
    });
    expect(source).toHaveLength(2);
  });
});

describe('whatever the latency', () => {
  it('a batch of an exempt work type is performed', async () => {
    const bench = known(batchBench({ ranks: [exemptRank('settle'), rank('report', 2, 100)] }));
    for (const partition of 'ABC') bench.overload(partition);
    expect(await bench.batch({ source: mixed(), direction: 'inbound' }).run()).toMatchObject({
      outcome: 'performed',
      performed: 6,
    });
  });

  it('shadow mode performs it, and says what would have become of it', async () => {
    const bench = known(batchBench({ ranks: [{ ...rank('settle', 1, 200), shadow: true }] }));
    bench.overload('A');
    expect(await bench.batch({ source: mixed() }).run()).toMatchObject({
      outcome: 'performed',
      performed: 6,
      wouldBe: 'partly-performed',
      reasons: ['over-threshold'],
    });
    expect((await bench.batch({ source: mixed(), direction: 'inbound' }).run()).wouldBe).toBe('postponed');
  });
});

describe('the calls of perform', () => {
  it('are for one partition each, of so many items, so many at once', async () => {
    const bench = known(batchBench());
    const { calls, perform } = held();
    const source = [...items('A', 5), ...items('B', 3), ...items('C', 1)];
    const options = { source, perform, itemsPerCall: 2, maxConcurrency: 2, maxInFlight: 3 };
    const running = bench.batch(options).run();
    await quiet();
    expect(calls.map(({ ids }) => ids)).toEqual([
      ['A1', 'A2'],
      ['A3', 'A4'],
      ['B1', 'B2'],
    ]);
    expect(calls.map(({ context }) => context.partition)).toEqual(['A', 'A', 'B']);
    while (calls.length < 6) {
      for (const { end } of calls) end();
      await quiet();
    }
    for (const { end } of calls) end();
    expect(await running).toMatchObject({ outcome: 'performed', performed: 9 });
    expect(calls.slice(3).map(({ ids }) => ids)).toEqual([['A5'], ['B3'], ['C1']]);
  });

  it('say which items failed: those stay, and are told with how often they were tried', async () => {
    const bench = known(batchBench());
    const source = items('A', 3);
    const perform: BatchOptions['perform'] = async () => ({
      failed: [{ id: 'A2', error: new Error('no funds') }],
    });
    const batch = bench.batch({ source, perform });
    expect(await batch.run()).toMatchObject({
      outcome: 'performed',
      performed: 2,
      failed: 1,
      failures: [
        {
          id: 'A2',
          partition: 'A',
          attempts: 1,
          error: { code: 'batch-perform-failed', message: 'Error: no funds' },
        },
      ],
    });
    expect(source.map(({ id }) => id)).toEqual(['A2']);
    expect((await batch.run()).failures).toMatchObject([{ id: 'A2', attempts: 2 }]);
  });

  it('fail all of their items where they reject, throw, or name items they were not given', async () => {
    const bench = known(batchBench());
    const source = items('A', 2);
    const odd: readonly [unknown, string][] = [
      [() => Promise.reject(new Error('down')), 'Error: down'],
      [
        () => {
          throw new Error('at once');
        },
        'Error: at once',
      ],
      [
        async () => ({ failed: [{ id: 'B9' }] }),
        'named {"id":"B9"} as failed; give { failed: [{ id, error }] }',
      ],
      [async () => ({ failed: 'A1' }), 'named "A1" as failed'],
      [async () => ({ failed: [null] }), 'named null as failed'],
    ];
    for (const [perform, message] of odd) {
      const run = await bench.batch({ source, perform: perform as BatchOptions['perform'] }).run();
      expect(run).toMatchObject({ outcome: 'performed', performed: 0, failed: 2 });
      expect(run.failures[0]?.error.message).toContain(message);
    }
    expect(source).toHaveLength(2);
    const answers = (async () => ['done', 'done']) as unknown as BatchOptions['perform'];
    expect(await bench.batch({ source, perform: answers }).run()).toMatchObject({ performed: 2 });
  });

  it('have a time limit: then their signal is aborted, their items stay, and their partition gets no more calls in this run', async () => {
    const bench = known(batchBench());
    const { calls, perform } = held();
    const source = [...items('A', 2), ...items('B', 1)];
    const running = bench.batch({ source, perform, itemsPerCall: 1, attemptTimeoutMs: 5_000 }).run();
    await quiet();
    calls.find(({ ids }) => ids[0] === 'B1')?.end();
    await bench.go(5_000);
    expect(await running).toMatchObject({
      outcome: 'performed',
      performed: 1,
      failed: 1,
      left: 1,
      failures: [{ id: 'A1', error: { code: 'attempt-timed-out' } }],
    });
    expect(calls.map(({ context }) => context.signal.aborted)).toEqual([true, false]);
    expect(source.map(({ id }) => id)).toEqual(['A1', 'A2']);
  });
});

describe('extra work', () => {
  const later = (): BatchItem[] => [
    { id: 'now', partition: 'A' },
    { id: 'later', partition: 'A', dueAt: Date.UTC(2030, 0) },
  ];

  it('is done after a run, while every value is below its threshold, and told as early (D-44)', async () => {
    const bench = known(batchBench());
    const early: unknown[] = [];
    const perform: BatchOptions['perform'] = async (given, context) =>
      void early.push([given.map(({ id }) => id), context.early]);
    const run = await bench.batch({ source: later(), perform, extraWorkBelowMs: 6 }).run();
    expect(run).toMatchObject({ outcome: 'performed', performed: 2, performedEarly: 1 });
    expect(early).toEqual([
      [['now'], false],
      [['later'], true],
    ]);
  });

  it('waits for its schedule at or above it, and where nothing is said of it (D-45)', async () => {
    const bench = known(batchBench());
    const source = later();
    expect(await bench.batch({ source, extraWorkBelowMs: 5 }).run()).toMatchObject({
      performed: 1,
      performedEarly: 0,
    });
    expect(source.map(({ id }) => id)).toEqual(['later']);
    expect((await bench.batch({ source }).run()).performed).toBe(0);
  });

  it('ends as soon as there is no room any more', async () => {
    const bench = known(batchBench());
    const dueAt = Date.UTC(2030, 0);
    const source = items('A', 3).map((item) => ({ ...item, dueAt }));
    const perform: BatchOptions['perform'] = async () => {
      // By far not over, and above what extra work may find.
      for (let commits = 0; commits < 12; commits++) bench.host.commitOf(50, 'A');
    };
    const run = await bench.batch({ source, perform, readAhead: 1, extraWorkBelowMs: 20 }).run();
    expect(run).toMatchObject({ outcome: 'performed', performed: 1, performedEarly: 1 });
    expect(source.map(({ id }) => id)).toEqual(['A2', 'A3']);
  });

  it('is asked of a source that is a function as all that waits', async () => {
    const bench = known(batchBench());
    const asked: number[] = [];
    const done = new Set<string>();
    const batch = bench.batch({
      extraWorkBelowMs: 100,
      source: ({ dueBy }) => {
        asked.push(dueBy);
        return later().filter(({ id, dueAt = 0 }) => dueAt <= dueBy && !done.has(id));
      },
      perform: async (given) => {
        for (const { id } of given) done.add(id);
      },
    });
    expect((await batch.run()).performedEarly).toBe(1);
    expect(asked).toEqual([bench.host.time.wallNow(), Number.POSITIVE_INFINITY]);
  });
});
