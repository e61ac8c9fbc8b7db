import { describe, expect, it } from 'vitest';
import { doneAt, hangMs, isRefused } from '../../simulator/src/faults.ts';

describe('the faults of a modelled partition', () => {
  const slow = [{ fromMs: 100, toMs: 200, factor: 10 }];

  it('slow down work that is under way, and let the rest of it go on quicker when they end', () => {
    expect(doneAt(slow, 0, 50)).toBe(50);
    // 10 ms of it before, 10 in the hundred that are ten times slower, 5 after.
    expect(doneAt(slow, 90, 25)).toBe(205);
    expect(doneAt(slow, 150, 1)).toBe(160);
  });

  it('slow down more where they overlap', () => {
    const leak = [...slow, { fromMs: 100, toMs: 300, factor: 2 }];
    expect(doneAt(leak, 100, 5)).toBe(200);
    expect(doneAt(leak, 200, 5)).toBe(210);
  });

  it('let commits hang for their time, at most to their end, and only on the hosts that feel them', () => {
    const stall = [{ fromMs: 100, toMs: 200, latencyMs: 50, hosts: 1 }];
    expect(hangMs(stall, 0, 120)).toBe(50);
    expect(hangMs(stall, 0, 190)).toBe(10);
    expect(hangMs(stall, 0, 200)).toBe(0);
    expect(hangMs(stall, 1, 120)).toBe(0);
  });

  it('refuse connections while they last', () => {
    const down = [{ fromMs: 100, toMs: 200, refuse: true }];
    expect([99, 100, 199, 200].map((at) => isRefused(down, 0, at))).toEqual([false, true, true, false]);
  });
});
