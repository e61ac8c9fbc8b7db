import { describe, expect, it } from 'vitest';
import { formatRecord } from '../../../packages/middleware/src/measure/latency-record.ts';
import { type FoundRecord, OtherHosts } from '../../../packages/middleware/src/measure/other-hosts.ts';

const freshForMs = 5_000;

/** The record of a host that says so of the partition `orders`, or of others. */
function record(
  host: string,
  revision: number,
  said: number | Record<string, number>,
  gate = 'gate',
): FoundRecord {
  const values = typeof said === 'number' ? { orders: said } : said;
  const value = formatRecord(Object.entries(values)) ?? new Uint8Array();
  return { key: `latency/${host}/${gate}`, host, revision, value };
}

describe('other hosts', () => {
  it('count from the second time on that they are heard, as long as they go on writing', () => {
    const others = new OtherHosts(freshForMs);
    others.hear([record('a', 1, 10), record('b', 2, 20), record('c', 3, 30)], 0);
    expect(others.read('orders', 0)).toBeUndefined();
    others.hear([record('a', 4, 11), record('b', 5, 21), record('c', 6, 31)], 1_000);
    expect(others.read('orders', 1_000)).toEqual({ valueMs: 21, hosts: 3 });
  });

  it('that write no more are left out, however long the store keeps their records', () => {
    const others = new OtherHosts(freshForMs);
    const dead = record('dead', 1, 9_000);
    for (let second = 0; second <= 6; second++) {
      others.hear([dead, record('a', 10 + second, 10), record('b', 20 + second, 20)], second * 1_000);
      if (second > 0) expect(others.read('orders', second * 1_000)).toEqual({ valueMs: 10, hosts: 2 });
    }
    others.hear([record('dead', 2, 9_000), record('a', 30, 10), record('b', 40, 20)], 7_000);
    expect(others.read('orders', 7_000)).toEqual({ valueMs: 20, hosts: 3 });
    others.hear([record('dead', 2, 9_000), record('a', 31, 10), record('b', 41, 20)], 12_001);
    expect(others.read('orders', 12_001)).toEqual({ valueMs: 10, hosts: 2 });
  });

  it('that left are left out at once', () => {
    const others = new OtherHosts(freshForMs);
    others.hear([record('a', 1, 10), record('b', 2, 20), record('c', 3, 30)], 0);
    others.hear([record('a', 4, 10), record('b', 5, 20), record('c', 6, 30)], 1_000);
    others.hear([record('a', 7, 10), record('b', 8, 20)], 2_000);
    expect(others.read('orders', 2_000)).toEqual({ valueMs: 10, hosts: 2 });
  });

  it('count by partition: who has no value for one is not asked about it', () => {
    const others = new OtherHosts(freshForMs);
    const write = (revision: number): FoundRecord[] => [
      record('a', revision, { orders: 10, payments: 1 }),
      record('b', revision, { payments: 2 }),
      record('c', revision, { payments: 3 }),
    ];
    others.hear(write(1), 0);
    others.hear(write(2), 1_000);
    expect(others.read('payments', 1_000)).toEqual({ valueMs: 2, hosts: 3 });
    expect(others.read('orders', 1_000)).toEqual({ valueMs: undefined, hosts: 1 });
    expect(others.read('reports', 1_000)).toBeUndefined();
    expect([...others.partitions(1_000)]).toEqual(['orders', 'payments']);
  });

  it('are one host where they are gates of one process: a sick one can not be a quorum by itself', () => {
    const others = new OtherHosts(freshForMs);
    const write = (revision: number): FoundRecord[] => [
      record('sick', revision, 9_000, 'public'),
      record('sick', revision, { orders: 8_000, payments: 7_000 }, 'internal'),
    ];
    others.hear(write(1), 0);
    others.hear(write(2), 1_000);
    expect(others.read('orders', 1_000)).toEqual({ valueMs: undefined, hosts: 1 });
    expect(others.read('payments', 1_000)).toEqual({ valueMs: undefined, hosts: 1 });
  });

  it('are not believed any longer than one of them would be, where nobody listens any more', () => {
    const others = new OtherHosts(freshForMs);
    for (const [revision, now] of [
      [1, 0],
      [2, 1_000],
    ] as const) {
      others.hear([record('a', revision, 10), record('b', revision, 20)], now);
    }
    expect(others.read('orders', 6_000)).toEqual({ valueMs: 10, hosts: 2 });
    expect(others.read('orders', 6_001)).toBeUndefined();
    expect([...others.partitions(6_001)]).toEqual([]);
  });

  it('count again as soon as they are heard again, after they could not be', () => {
    const others = new OtherHosts(freshForMs);
    others.hear([record('a', 1, 10), record('b', 2, 20)], 0);
    others.hear([record('a', 3, 10), record('b', 4, 20)], 1_000);
    others.forget();
    expect(others.read('orders', 1_000)).toBeUndefined();
    others.hear([record('a', 5, 10), record('b', 6, 20)], 60_000);
    expect(others.read('orders', 60_000)).toEqual({ valueMs: 10, hosts: 2 });
  });

  it('that write what can not be read are left out and named once', () => {
    const others = new OtherHosts(freshForMs);
    const strange = (revision: number): FoundRecord => ({
      ...record('strange', revision, 1),
      value: new TextEncoder().encode('{"v":2}'),
    });
    const named = [1, 2, 3].map((n) =>
      others.hear([strange(n), record('a', 10 * n, 10), record('b', 11 * n, 20)], n * 1_000),
    );
    expect(named).toEqual([[], ['latency/strange/gate'], []]);
    expect(others.read('orders', 3_000)).toEqual({ valueMs: 10, hosts: 2 });
  });
});
