import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../packages/middleware/src/decide/entry.ts';
import { mayTake, type ShareFacts } from '../../../packages/middleware/src/decide/fair-share.ts';
import { SeenRequesters } from '../../../packages/middleware/src/decide/seen-requesters.ts';
import { type Host, hostOf, letGo, rank } from './host.ts';

const order = rank('order', 2, 200);
const report = rank('report', 3, 200);

describe('whether a requester may take a place', () => {
  const facts: ShareFacts = {
    ...{ held: 0, limit: 8, requesters: 2, isRepeated: false, freeForMs: 0, yieldMs: 100 },
  };

  it.each([
    ['alone, all there are', { requesters: 1, held: 7 }, true],
    ['one of two, half of them', { held: 3 }, true],
    ['one of two, no more than half', { held: 4 }, false],
    ['one of three, a third rounded up', { requesters: 3, held: 2 }, true],
    ['one of more than there are places, one', { requesters: 20, held: 0 }, true],
    ['one of more than there are places, no second', { requesters: 20, held: 1 }, false],
    [
      'the last who had one, where places are scarce: not at once',
      { limit: 1, isRepeated: true, freeForMs: 99 },
      false,
    ],
    [
      'the last who had one, where places are scarce: after a while',
      { limit: 1, isRepeated: true, freeForMs: 100 },
      true,
    ],
    ['the last who had one, where there are enough', { isRepeated: true }, true],
  ] as const)('%s', (_, some, expected) => {
    expect(mayTake({ ...facts, ...some })).toBe(expected);
  });
});

/** Recovering, with a limit of about `limit`, and nobody unfinished. */
function recovering(limit: number, ranks = [order, report]): Host {
  const host = hostOf({ ranks, admissions: { floorOneIn: 0 } });
  for (let n = 0; n < 5; n++) host.commitOf(500);
  letGo(host.ask('order'));
  host.commitOf(5);
  const entries: Entry[] = [];
  const fill = (): void => {
    for (let asked = host.ask('order'); asked.perform; asked = host.ask('order')) entries.push(asked.entry);
  };
  // Somebody is refused all along, so that the limit binds.
  for (fill(); entries.length < limit; fill()) host.commitOf(5);
  for (const entry of entries) entry.finished();
  expect(host.stateOf('order')).toBe('recovering');
  return host;
}

/** How many of a requester are let through at once and stay. */
function takeAll(host: Host, requester: string | undefined, workType = 'order'): number {
  let count = 0;
  while (count < 100 && host.ask(workType, 'orders', requester).perform) count++;
  return count;
}

describe('while a partition recovers', () => {
  it('a requester that comes alone may have all that there is', () => {
    const all = takeAll(recovering(8), undefined);
    expect(all).toBe(8);
    expect(takeAll(recovering(8), 'ann')).toBe(all);
  });

  it('one that holds its share yields to one that holds none', () => {
    const host = recovering(8);
    letGo(host.ask('order', 'orders', 'bob'));
    const all = takeAll(recovering(8), undefined);
    expect(takeAll(host, 'ann')).toBe(Math.ceil(all / 2));
    expect(host.ask('order', 'orders', 'ann')).toMatchObject({ perform: false, reason: 'requester-share' });
    expect(takeAll(host, 'bob')).toBe(Math.floor(all / 2));
    expect(host.ask('order', 'orders', 'bob').reason).toBe('recovering');
  });

  it('shares are of one work type and one partition', () => {
    const host = recovering(8);
    letGo(host.ask('report', 'orders', 'bob'));
    const all = takeAll(recovering(8), undefined);
    expect(takeAll(host, 'ann')).toBe(all);
  });

  it('what a noisy requester leaves to others of its work type is not for less important work', () => {
    const host = recovering(8);
    letGo(host.ask('order', 'orders', 'bob'));
    takeAll(host, 'ann');
    expect(host.ask('report')).toMatchObject({ perform: false, reason: 'more-important-first' });
    host.time.advance(200);
    // Nobody was held back for a while: it is for whoever comes.
    expect(host.ask('report').perform).toBe(true);
  });

  it('who was seen last longer ago than a caller may be asked to stay away takes no share', () => {
    const host = recovering(8);
    letGo(host.ask('order', 'orders', 'bob'));
    host.time.advance(30_001);
    expect(takeAll(host, 'ann')).toBe(takeAll(recovering(8), undefined));
  });

  it('those whom nobody knows have one share together', () => {
    const host = recovering(8);
    letGo(host.ask('order', 'orders', 'bob'));
    const half = takeAll(host, '');
    expect(host.ask('order', 'orders', '')).toMatchObject({ reason: 'requester-share' });
    expect(half).toBe(Math.ceil(takeAll(recovering(8), undefined) / 2));
  });

  it('whoever was not asked for is held back in nobody’s favour', () => {
    const host = recovering(8);
    letGo(host.ask('order', 'orders', 'bob'));
    expect(takeAll(host, undefined)).toBe(takeAll(recovering(8), undefined));
  });
});

describe('the probes of a partition that is over', () => {
  /** Who probed in 40 s in which Ann asks each 10 ms and Bob each second. */
  function probesOf(noisy: string | undefined, quiet: string | undefined): { noisy: number; quiet: number } {
    const host = hostOf({ ranks: [order] });
    for (let n = 0; n < 5; n++) host.commitOf(500);
    const probes = { noisy: 0, quiet: 0 };
    for (let ms = 0; ms < 40_000; ms += 10) {
      host.time.advance(10);
      for (const who of ms % 1_010 === 0 ? (['noisy', 'quiet'] as const) : (['noisy'] as const)) {
        const asked = host.ask('order', 'orders', who === 'noisy' ? noisy : quiet);
        if (!asked.perform) continue;
        probes[who] += 1;
        asked.entry.wrote('orders');
        host.time.after(60, () => {
          // It shows that nothing has changed, and is not waited for.
          host.finish({ ...host.begin(), startedAt: host.time.now() - 300 });
          asked.entry.finished();
        });
      }
    }
    expect(host.stateOf('order')).toBe('over');
    return probes;
  }

  it('are not all of one requester', () => {
    expect(probesOf(undefined, undefined).quiet).toBeLessThanOrEqual(3);
    const { noisy, quiet } = probesOf('ann', 'bob');
    // Bob asks 39 times; every second of his requests finds a place that was kept.
    expect(quiet).toBeGreaterThanOrEqual(8);
    expect(noisy).toBeGreaterThan(70);
  });

  it('go on as often as ever where there is one requester alone', () => {
    const alone = probesOf('ann', 'ann');
    expect(alone.noisy + alone.quiet).toBeGreaterThanOrEqual(170);
  });

  it('are at most half a probeEveryMs late where the others have gone', () => {
    const host = hostOf({ ranks: [order] });
    for (let n = 0; n < 5; n++) host.commitOf(500);
    letGo(host.ask('order', 'orders', 'ann'));
    host.ask('order', 'orders', 'bob');
    let lastAt = host.time.now();
    let longest = 0;
    for (let ms = 0; ms < 5_000; ms += 5) {
      host.time.advance(5);
      const asked = host.ask('order', 'orders', 'ann');
      if (!asked.perform) continue;
      longest = Math.max(longest, host.time.now() - lastAt);
      lastAt = host.time.now();
      asked.entry.wrote('orders');
      asked.entry.finished();
    }
    expect(longest).toBeLessThanOrEqual(300);
  });
});

describe('what is kept of requesters', () => {
  it('does not grow with them, and nobody is shut out by how many there are', () => {
    const seen = new SeenRequesters(30_000, 100, 7);
    for (let n = 0; n < 100_000; n++) seen.turnedAway(`requester ${n}`, n / 100);
    expect(seen.mayTake('ann', { kind: 'share', limit: 100 }, 1_000)).toBe(true);
    const held = [seen.take('ann'), seen.take('ann')];
    expect(seen.mayTake('ann', { kind: 'share', limit: 100 }, 1_000)).toBe(false);
    for (const place of held) place.giveBack(1_000);
    expect(seen.mayTake('ann', { kind: 'share', limit: 100 }, 1_000)).toBe(true);
  });

  it('falls together by another salt each time, so that nobody can choose whom to fall together with', () => {
    const together = (salt: number): readonly number[] => {
      const seen = new SeenRequesters(30_000, 100, salt);
      seen.take('victim');
      return Array.from({ length: 2_000 }, (_, n) => n).filter((n) => {
        seen.turnedAway(`other ${n}`, 0);
        return !seen.mayTake(`other ${n}`, { kind: 'share', limit: 1 }, 0);
      });
    };
    const first = together(1);
    const second = together(2);
    expect(first.length).toBeGreaterThan(10);
    expect(first).not.toEqual(second);
    expect(first.filter((n) => second.includes(n)).length).toBeLessThan(first.length / 2);
  });
});
