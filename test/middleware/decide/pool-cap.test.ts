import { describe, expect, it } from 'vitest';
import type { CommitSource } from '../../../packages/middleware/src/drivers/driver.ts';
import { type Host, hostOf, letGo, rank } from './host.ts';

const order = rank('order', 2, 200);
const report = rank('report', 3, 120);

/** Pools of one partition with so many connections; undefined where nobody can say. */
function poolsOf(sizes: readonly (number | undefined)[]): readonly CommitSource[] {
  return sizes.map((connections) => ({
    ...{ partition: 'orders', driver: 'test', connections, probe: undefined, completions: undefined },
  }));
}

function overloaded(sizes: readonly (number | undefined)[], floorOneIn = 0): Host {
  const host = hostOf({ ranks: [order, report], sources: poolsOf(sizes), admissions: { floorOneIn } });
  for (let n = 0; n < 5; n++) host.commitOf(500);
  return host;
}

/** The most that are unfinished at once while it recovers, with more requests than are let through and good commits. */
function mostUnfinished(host: Host, commits: number): number {
  letGo(host.ask('order'));
  host.commitOf(5);
  expect(host.stateOf('order')).toBe('recovering');
  let unfinished = 0;
  let most = 0;
  for (let n = 0; n < commits && host.stateOf('order') === 'recovering'; n++) {
    while (host.ask('order').reason === 'recovered-share') unfinished += 1;
    most = Math.max(most, unfinished);
    host.commitOf(5);
  }
  return most;
}

describe('postponable requests that are unfinished while a partition recovers', () => {
  it.each([
    [[4], 3],
    [[10], 9],
    [[2, 3], 4],
    [[1, 1], 1],
  ] as const)('of pools of %j connections are at most %i: all but one', (sizes, cap) => {
    const host = overloaded(sizes);
    const most = mostUnfinished(host, 1_000);
    expect(most).toBeLessThanOrEqual(cap);
    expect(most).toBeGreaterThanOrEqual(Math.max(1, cap - 1));
    // From there on the connections themselves bind: the pools keep their last ones.
    expect(host.stateOf('order')).toBe('clear');
  });

  it('of a pool of one connection are one: nothing would be left otherwise', () => {
    const host = overloaded([1]);
    expect(mostUnfinished(host, 1_000)).toBe(1);
    expect(host.stateOf('order')).toBe('clear');
  });

  it.each([[[undefined]], [[4, undefined]], [[]]])(
    'of pools %j, whose size nobody can say, are bounded by the limit alone, which goes on rising',
    (sizes) => {
      const host = overloaded(sizes);
      expect(mostUnfinished(host, 40)).toBeGreaterThan(6);
      expect(host.stateOf('order')).toBe('recovering');
    },
  );

  it('have floors on a pool of one connection, too: one at a time', () => {
    const host = overloaded([1], 2);
    let floors = 0;
    for (let ms = 0; ms < 10_000; ms += 10) {
      host.time.advance(10);
      letGo(host.ask('order'));
      host.time.advance(0.01);
      const asked = host.ask('report');
      if (asked.reason === 'floor') floors += 1;
      letGo(asked);
    }
    expect(floors).toBeGreaterThan(5);
  });
});
