import { describe, expect, it } from 'vitest';
import { returnAt } from '../../../packages/middleware/src/decide/retry-after.ts';
import { hostOf, letGo, rank } from './host.ts';

const order = rank('order', 1, 200);

describe('what is no evidence of recovery', () => {
  it('is a good commit of before, also where another one has just begun (D-26)', () => {
    const host = hostOf({ ranks: [order] });
    for (let i = 0; i < 4; i++) host.commitOf(500);
    const before = host.begin();
    host.time.advance(100);
    const startedAt = host.time.now() - 500;
    host.table.finish({ ...before, startedAt, durationMs: 500, outcome: 'committed' });
    letGo(host.ask('order'));
    expect(host.stateOf('order')).toBe('over');
    host.time.advance(50);
    host.finish(before);
    host.begin();
    expect(host.ask('order').perform).toBe(false);
    expect(host.stateOf('order')).toBe('over');
  });
});

describe('a good commit beside a worse one', () => {
  it('opens nothing later, when the worse one merely expires', () => {
    const host = hostOf({ ranks: [rank('order', 1, 100)] });
    for (let n = 0; n < 5; n++) host.commitOf(200);
    letGo(host.ask('order'));
    host.begin();
    // It counts as timed out, and for 30 s from then on.
    host.time.advance(30_100);
    letGo(host.ask('order'));
    host.time.advance(20_000);
    host.commitOf(5);
    expect(host.stateOf('order')).toBe('over');
    host.time.advance(10_500);
    letGo(host.ask('order'));
    expect(host.stateOf('order')).toBe('over');
    host.commitOf(5);
    expect(host.stateOf('order')).toBe('recovering');
  });
});

describe('the time after which to retry', () => {
  const facts = {
    ...{ now: 0, earliestAt: 200, overForMs: 0, lastReturnAt: 1_000, perSecond: 10 },
    ...{ succeedShare: 1, capMs: 30_000 },
  };

  it('is spread by half the distance between two callers, either way (D-70)', () => {
    expect([0, 0.25, 0.5, 0.75].map((random) => returnAt({ ...facts, random }))).toEqual([
      1_050, 1_075, 1_100, 1_125,
    ]);
  });

  it('comes from the next probe where nobody is to come back before (D-70)', () => {
    expect(returnAt({ ...facts, lastReturnAt: -1, random: 0.5 })).toBe(300);
  });
});
