import { describe, expect, it } from 'vitest';
import type {
  BatchItem,
  BatchSource,
} from '../../../../packages/middleware/src/perform/batches/batch-types.ts';
import { batchBench, items, quiet } from './batch-bench.ts';

const one = { id: 'one', partition: 'A' };

describe('the source of a batch', () => {
  it('may be an array, which what was performed is taken out of while the application goes on pushing', async () => {
    const bench = batchBench();
    const source = items('A', 2);
    const perform = async (): Promise<void> =>
      void source.push({ id: `pushed ${source.length}`, partition: 'A' });
    const batch = bench.batch({ source, perform });
    expect((await batch.run()).performed).toBe(2);
    expect(source.map(({ id }) => id)).toEqual(['pushed 2']);
  });

  it('may be any iterable, read once: what was read and left comes first the next time', async () => {
    const bench = batchBench();
    let read = 0;
    async function* numbers(): AsyncGenerator<BatchItem> {
      for (; read < 4; read++) yield { id: `${read}`, partition: read % 2 === 0 ? 'A' : 'B' };
    }
    for (const partition of 'ABC')
      for (let commits = 0; commits < 8; commits++) bench.host.commitOf(5, partition);
    bench.overload('A');
    const batch = bench.batch({ source: numbers() });
    expect(await batch.run()).toMatchObject({ outcome: 'partly-performed', performed: 2, left: 2 });
    expect(bench.performed).toEqual(['1', '3']);
    bench.heal('A');
    expect((await batch.run()).performed).toBe(2);
    expect([bench.performed, read]).toEqual([['1', '3', '0', '2'], 4]);
  });

  it('may be a function, asked in each run, told which partitions take nothing, and ended where more is not wanted', async () => {
    const bench = batchBench();
    for (const partition of 'ABC')
      for (let commits = 0; commits < 8; commits++) bench.host.commitOf(5, partition);
    bench.overload('A');
    const asked: string[] = [];
    let ended = 0;
    let signal: AbortSignal | undefined;
    const source: BatchSource<BatchItem> = async (terms) => {
      asked.push([...terms.excluded].join());
      signal = terms.signal;
      return (function* () {
        try {
          for (let at = 0; ; at++) yield { id: `${at}`, partition: 'B' };
        } finally {
          ended += 1;
        }
      })();
    };
    const run = await bench.batch({ source, maxItems: 10 }).run();
    expect(run).toMatchObject({ performed: 10, hasMore: true });
    expect([asked, ended, signal?.aborted]).toEqual([['A'], 1, true]);
  });

  it('that never ends is read to maxItems, and what that means is told', async () => {
    const bench = batchBench();
    function* endless(): Generator<BatchItem> {
      for (let at = 0; ; at++) yield { id: `${at}`, partition: 'A' };
    }
    const batch = bench.batch({ source: endless, maxItems: 2_000, readAhead: 100 });
    expect(await batch.run()).toMatchObject({ performed: 2_000, hasMore: true });
    expect(bench.troubles.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /settlements has more items than maxItems \(2000\).*Raise maxItems, or let the source/,
      ),
    ]);
  });

  it('that has just as many as maxItems has no more', async () => {
    const bench = batchBench();
    for (const source of [items('A', 10), () => items('B', 10), new Set(items('C', 10))]) {
      expect(await bench.batch({ source, maxItems: 10 }).run()).toMatchObject({
        performed: 10,
        hasMore: false,
      });
    }
    expect(bench.troubles).toEqual([]);
  });

  it('is kept in memory to maxItems where it is an iterable that nothing is performed of', async () => {
    const bench = batchBench();
    let read = 0;
    function* endless(): Generator<BatchItem> {
      for (;;) yield { id: `${++read}`, partition: 'A' };
    }
    const perform = (): Promise<void> => Promise.reject(new Error('no'));
    const batch = bench.batch({ source: endless(), perform, maxItems: 500 });
    for (let runs = 0; runs < 3; runs++) expect((await batch.run()).failed).toBe(500);
    expect(read).toBe(500);
  });

  it('that gives nothing in time fails the run, what it gave before is performed, and the one item that it owes comes once', async () => {
    const bench = batchBench();
    let give: (() => void) | undefined;
    async function* slow(): AsyncGenerator<BatchItem> {
      yield one;
      await new Promise<void>((resolve) => {
        give = resolve;
      });
      yield { id: 'two', partition: 'A' };
    }
    const batch = bench.batch({ source: slow(), sourceTimeoutMs: 5_000 });
    const running = batch.run();
    await bench.go(6_000);
    expect(await running).toMatchObject({
      outcome: 'failed',
      performed: 1,
      error: {
        code: 'batch-source-failed',
        message: expect.stringMatching(/^The source of the batch settlements could not be read.*5000 ms/),
      },
    });
    expect(bench.troubles).toHaveLength(1);
    const again = batch.run();
    await quiet();
    give?.();
    expect(await again).toMatchObject({ outcome: 'performed', performed: 1 });
    expect(bench.performed).toEqual(['one', 'two']);
  });

  const unreadable: readonly (readonly [how: string, source: () => unknown, message: string])[] = [
    ['throws', () => Promise.reject(new Error('no table')), 'Error: no table'],
    [
      'gives no results',
      () => ({ [Symbol.asyncIterator]: () => ({ next: async () => null }) }),
      'its iterator gave no result',
    ],
    ['gives nothing', () => undefined, 'gave undefined; give an array'],
    ['gives a text', () => 'items', 'gave "items"; give an array'],
    ['gives an object', async () => ({ items: [] }), 'gave {"items":[]}; give an array'],
    [
      'throws on its way',
      function* (): Generator<BatchItem> {
        yield one;
        throw new Error('cut off');
      },
      'Error: cut off',
    ],
  ];

  it.each(unreadable)('that %s fails the run, and is asked again later', async (_, source, message) => {
    const bench = batchBench();
    const batch = bench.batch({ source: source as BatchSource<BatchItem> });
    batch.start();
    const run = await batch.run();
    expect(run).toMatchObject({ outcome: 'failed', error: { code: 'batch-source-failed' } });
    expect(run.error?.message).toContain(message);
    expect(run.error?.message).toContain('settlements');
    await bench.go(1_100, 100);
    expect(bench.events.filter(({ type }) => type === 'ended')).toHaveLength(2);
    await batch.close();
  });

  it.each([
    [{ id: 'a' }, 'gave the item "a" without partition; give each item partition'],
    [{ partition: 'A' }, 'gave {"partition":"A"} without id; give each item id'],
    [{ id: 'a', partition: 7 }, 'whose partition is 7'],
    [{ id: 'a', partition: 'x'.repeat(201) }, 'a text of 1 to 200 characters'],
    [
      { id: 'a', partition: 'A', dueAt: '2026' },
      'whose dueAt is "2026"; give each item dueAt: Unix milliseconds',
    ],
    [null, 'gave null without id'],
    ['A1', 'gave "A1" without id'],
  ])('that gives %j among its items is told of it, and the others are performed', async (item, message) => {
    const bench = batchBench();
    const source = [item, one] as BatchItem[];
    const run = await bench.batch({ source }).run();
    expect(run).toMatchObject({ outcome: 'performed', performed: 1, failed: 1 });
    expect(run.failures[0]?.error).toMatchObject({
      code: 'batch-item-invalid',
      message: expect.stringContaining(message),
    });
    expect(source).toHaveLength(1);
  });

  it('may give items that can not even be looked at', async () => {
    const hostile = Object.defineProperty({}, 'id', {
      get() {
        throw new Error('hostile');
      },
    }) as BatchItem;
    const bench = batchBench();
    const run = await bench.batch({ source: [hostile, one] }).run();
    expect(run).toMatchObject({
      performed: 1,
      failures: [{ id: '', error: { code: 'batch-item-invalid' } }],
    });
  });

  it('gives each item one turn in a run, however often it gives it', async () => {
    const bench = batchBench();
    expect((await bench.batch({ source: () => [one, one, { ...one }] }).run()).performed).toBe(1);
  });
});
