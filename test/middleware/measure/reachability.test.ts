import { setTimeout as sleep } from 'node:timers/promises';
import { manualClock } from '@slackwater/test-support/manual-clock';
import { describe, expect, it } from 'vitest';
import type { SourceContact } from '../../../packages/middleware/src/drivers/driver.ts';
import { Reachability } from '../../../packages/middleware/src/measure/reachability.ts';

function watching(probe?: () => Promise<number>) {
  const clock = manualClock();
  const reached: string[] = [];
  const reachability = new Reachability({
    clock,
    sourcesOf: (partition) => [{ partition, driver: 'test', connections: 5, probe, completions: undefined }],
    probeEveryMs: 200,
    onReached: (partition) => reached.push(partition),
  });
  return {
    clock,
    reached,
    reachability,
    tell: (outcome: SourceContact['outcome']) => reachability.hear({ partition: 'shop', outcome }),
    why: () => reachability.why('shop'),
  };
}

describe('a database that drivers tell of', () => {
  it.each(['refused', 'timed-out'] as const)(
    'is out of reach when a connection is %s, until one is made',
    (outcome) => {
      const { reached, reachability, tell, why } = watching();
      expect(why()).toBeUndefined();
      tell(outcome);
      expect([why(), reachability.why('other')]).toEqual([outcome, undefined]);
      tell('reached');
      expect([why(), reached]).toEqual([undefined, ['shop']]);
    },
  );

  it('is not out of reach because one connection is lost, but because of two without one that is made', () => {
    const { reached, tell, why } = watching();
    tell('lost');
    expect(why()).toBeUndefined();
    tell('reached');
    tell('lost');
    expect([why(), reached]).toEqual([undefined, []]);
    tell('lost');
    expect(why()).toBe('lost');
  });

  it('is probed at the first word and then as often as probes are, by one at a time, until it answers', async () => {
    let up = false;
    let probes = 0;
    const { clock, reached, tell, why } = watching(() => {
      probes += 1;
      return up ? Promise.resolve(1) : Promise.reject(new Error('down'));
    });
    tell('lost');
    tell('refused');
    expect(probes).toBe(1);
    await sleep(1);
    clock.advance(200);
    await sleep(1);
    expect([probes, why()]).toEqual([2, 'refused']);
    up = true;
    clock.advance(200);
    await sleep(1);
    expect([probes, why(), reached]).toEqual([3, undefined, ['shop']]);
    clock.advance(10_000);
    expect([probes, clock.pending]).toEqual([3, 0]);
  });

  it('is not given more and more probes while one hangs', () => {
    let probes = 0;
    const { clock, tell } = watching(() => {
      probes += 1;
      return new Promise(() => {});
    });
    tell('timed-out');
    clock.advance(2_000);
    expect(probes).toBe(1);
  });

  it('is taken to be back where nobody says more of it for 10 s: requests find out', () => {
    const { clock, tell, why } = watching();
    tell('refused');
    clock.advance(9_000);
    tell('refused');
    clock.advance(9_000);
    expect(why()).toBe('refused');
    clock.advance(2_000);
    expect([why(), clock.pending]).toEqual([undefined, 0]);
  });

  it('is not asked for any more once the gate is closed', () => {
    const { clock, reachability, tell, why } = watching();
    tell('refused');
    reachability.close();
    tell('refused');
    expect([why(), clock.pending]).toEqual([undefined, 0]);
  });
});
