import { describe, expect, it } from 'vitest';
import { hostOf, rank } from './host.ts';

const order = rank('order', 1, 100);

function overloaded(retryAfterCapMs = 30_000, random = () => 0.5) {
  const host = hostOf({ ranks: [order], admissions: { retryAfterCapMs, random } });
  for (let i = 0; i < 10; i++) host.commitOf(200);
  host.ask('order');
  return host;
}

describe('the time after which to retry (D-70)', () => {
  it('is not before the next probe', () => {
    const host = overloaded();
    expect(host.admissions.retryAfterMs(0, 'orders')).toBeGreaterThanOrEqual(200);
  });

  it('does not wait for the time-out of a probe that is out', () => {
    const host = overloaded();
    // The probe was taken, and has not come back.
    expect(host.admissions.retryAfterMs(0, 'orders')).toBeLessThan(500);
  });

  it('grows with those who were told to come back before, as far apart as the partition takes them', () => {
    const host = overloaded();
    const waits = Array.from({ length: 50 }, () => host.admissions.retryAfterMs(0, 'orders'));
    for (let i = 1; i < waits.length; i++) expect(waits[i]).toBeGreaterThan(waits[i - 1] ?? 0);
    // Five commits a second: what it takes at 200 ms each, one by one.
    const perSecond = 1_000 / (((waits.at(-1) ?? 0) - (waits[0] ?? 0)) / 49);
    expect(perSecond).toBeGreaterThan(3);
    expect(perSecond).toBeLessThan(7);
  });

  it('shrinks as they come back', () => {
    const host = overloaded();
    for (let i = 0; i < 50; i++) host.admissions.retryAfterMs(0, 'orders');
    const before = host.admissions.retryAfterMs(0, 'orders');
    host.time.advance(5_000);
    expect(host.admissions.retryAfterMs(0, 'orders')).toBeLessThan(before - 4_000);
  });

  it('never exceeds the cap, and is still spread there', () => {
    let seed = 0;
    const host = overloaded(3_000, () => {
      seed = (seed + 0.37) % 1;
      return seed;
    });
    const waits = Array.from({ length: 500 }, () => host.admissions.retryAfterMs(0, 'orders'));
    expect(Math.max(...waits)).toBeLessThanOrEqual(3_000);
    expect(new Set(waits.slice(-100)).size).toBeGreaterThan(20);
  });

  it('is short where a partition takes many', () => {
    const host = hostOf({ ranks: [order] });
    host.ask('order');
    for (let i = 0; i < 400; i++) host.commitOf(2);
    for (let i = 0; i < 99; i++) host.admissions.retryAfterMs(0, 'orders');
    expect(host.admissions.retryAfterMs(0, 'orders')).toBeLessThan(1_500);
  });
});
