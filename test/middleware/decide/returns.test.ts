import { describe, expect, it } from 'vitest';
import { type Host, hostOf, rank } from './host.ts';

const order = rank('order', 1, 100);

function overloaded(): Host {
  const host = hostOf({ ranks: [order] });
  for (let n = 0; n < 10; n++) host.commitOf(200);
  host.ask('order');
  return host;
}

describe('callers that return', () => {
  it('are counted by what becomes of them, where they can be recognised', () => {
    const { admissions, time } = overloaded();
    expect(admissions.expectsReturns).toBe(false);
    const waits = ['a', 'b', undefined].map((name) => admissions.retryAfterMs(0, 'orders', name));
    expect(admissions.expectsReturns).toBe(true);
    expect(admissions.arrived(0, ['orders'], 'a', false)).toBe(false);
    time.advance(Math.max(...waits));
    expect(admissions.arrived(0, ['orders'], 'a', true)).toBe(true);
    expect(admissions.arrived(0, ['orders'], 'b', false)).toBe(true);
    expect(admissions.arrived(0, ['orders'], undefined, true)).toBe(false);
    expect(admissions.returnsOf('orders')).toMatchObject({ told: 3, returned: 2, succeeded: 1 });
    expect(admissions.returnsOf('other')).toBeUndefined();
  });

  it('are asked to come further apart the fewer of them succeed while the partition takes work', () => {
    const [well = 0, badly = 0] = [true, false].map((succeeded) => {
      const host = recovering();
      const { admissions, time } = host;
      for (let n = 0; n < 30; n++) {
        time.advance(admissions.retryAfterMs(0, 'orders', `caller ${n}`));
        admissions.arrived(0, ['orders'], `caller ${n}`, succeeded);
      }
      expect(host.stateOf('order')).toBe('recovering');
      return spacingMs(host);
    });
    expect(badly).toBeGreaterThan(4 * well);
  });

  it('are not asked to because they came while it took none: that was too early, not too many', () => {
    const { admissions, time } = overloaded();
    for (let n = 0; n < 30; n++) {
      time.advance(admissions.retryAfterMs(0, 'orders', `caller ${n}`));
      admissions.arrived(0, ['orders'], `caller ${n}`, false);
    }
    expect(admissions.returnsOf('orders')).toMatchObject({ returned: 30, succeeded: 0, share: 1 });
  });

  it('that nobody recognises are judged by all who arrive while they are due', () => {
    const { admissions, time } = recovering();
    for (let n = 0; n < 30; n++) admissions.retryAfterMs(0, 'orders');
    for (let n = 0; n < 30; n++) {
      time.advance(10);
      admissions.arrived(0, ['orders'], undefined, n % 2 === 0);
    }
    const { share = 0, returned } = admissions.returnsOf('orders') ?? {};
    expect(share).toBeGreaterThan(0.3);
    expect(share).toBeLessThan(0.7);
    expect(returned).toBe(0);
  });

  it('are spaced by what the partition took when it was well, and not by what little it takes now', () => {
    const host = hostOf({ ranks: [order] });
    for (let n = 0; n < 2_000; n++) {
      host.ask('order');
      host.commitOf(5);
    }
    for (let n = 0; n < 200; n++) host.begin();
    host.time.advance(3_000);
    host.ask('order');
    expect(host.stateOf('order')).toBe('over');
    // 200 a second.
    expect(spacingMs(host)).toBeLessThan(20);
  });
});

/** How far apart callers are asked to come. */
function spacingMs({ admissions }: Host): number {
  const waits = Array.from({ length: 21 }, () => admissions.retryAfterMs(0, 'orders'));
  return ((waits.at(-1) ?? 0) - (waits[0] ?? 0)) / 20;
}

/** A host that has seen one good commit since it was over, and no more. */
function recovering(): Host {
  const host = overloaded();
  host.time.advance(500);
  host.commitOf(20);
  host.commitOf(20);
  expect(host.stateOf('order')).toBe('recovering');
  return host;
}
