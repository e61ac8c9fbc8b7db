import { manualClock } from '@slackwater/test-support/manual-clock';
import { describe, expect, it } from 'vitest';
import { ItemHold } from '../../../../packages/middleware/src/decide/candidates/item-hold.ts';
import type { CandidatePolicy, Criterion } from '../../../../packages/middleware/src/options/candidates.ts';

function holding(mode: CandidatePolicy['mode'], criteria: readonly Criterion[]) {
  const clock = manualClock();
  const released: string[] = [];
  const world = { waiters: 0, unreachable: undefined as string | undefined };
  const hold = new ItemHold({
    clock,
    workTypes: [{ name: 'settle', candidates: { mode, criteria, neverDeferFor: [] } }],
    instruments: {
      latencyOf: () => 900,
      waitersOf: () => world.waiters,
      metric: () => undefined,
      unreachable: () => world.unreachable,
      predict: () => undefined,
    },
    askAgainInMs: 200,
    letOneEveryMs: 30_000,
    onReleased: (partition) => released.push(partition),
  });
  return { clock, released, world, holds: () => hold.holds('settle', 'shop')?.reasons };
}

const waiters: Criterion = { metric: 'poolWaiters', over: 5 };

describe('what was deferred', () => {
  it('stays on its queue while the metric that makes candidates is over, and no longer', () => {
    const { released, world, holds } = holding('any', [waiters]);
    expect(holds()).toBeUndefined();
    world.waiters = 6;
    expect(holds()).toEqual(['metric-over']);
    world.waiters = 5;
    expect([holds(), released]).toEqual([undefined, ['shop']]);
    expect([holds(), released]).toEqual([undefined, ['shop']]);
  });

  it('is not held by what lasts, nor twice by the latency of commits', () => {
    expect(holding('always', []).holds()).toBeUndefined();
    const lasting = holding('any', [
      { requesterClass: ['free'] },
      { scorer: 'x' },
      { metric: 'commitLatencyMs', over: 1 },
    ]);
    expect(lasting.holds()).toBeUndefined();
    const { world, holds } = holding('all', [waiters, { unavailable: true }]);
    world.waiters = 9;
    expect(holds()).toBeUndefined();
    world.unreachable = 'refused';
    expect(holds()).toEqual(['metric-over', 'database-unreachable']);
  });

  it('goes one at a time where a metric never comes down, but never to a database out of reach', () => {
    const { clock, world, holds } = holding('any', [waiters, { unavailable: true }]);
    world.waiters = 9;
    expect(holds()).toBeDefined();
    clock.advance(30_000);
    expect(holds()).toBeUndefined();
    expect(holds()).toBeDefined();
    world.unreachable = 'lost';
    clock.advance(60_000);
    expect(holds()).toEqual(['metric-over', 'database-unreachable']);
  });
});
