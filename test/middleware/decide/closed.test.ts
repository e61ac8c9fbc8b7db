import { describe, expect, it } from 'vitest';
import { exemptRank, hostOf, letGo, rank } from './host.ts';

describe('a partition', () => {
  it('is closed where every work type that may be postponed would be, now', () => {
    const host = hostOf({ ranks: [exemptRank('pay'), rank('strict', 2, 100), rank('patient', 3, 300)] });
    expect(host.admissions.isClosed('orders')).toBe(false);
    for (let i = 0; i < 5; i++) host.commitOf(200);
    letGo(host.ask('strict'));
    expect(host.ask('strict').perform).toBe(false);
    expect(host.admissions.isClosed('orders')).toBe(false);
    for (let i = 0; i < 5; i++) host.commitOf(900);
    letGo(host.ask('strict'));
    letGo(host.ask('patient'));
    expect(host.admissions.isClosed('orders')).toBe(true);
    host.time.advance(200);
    // A probe is due.
    expect(host.admissions.isClosed('orders')).toBe(false);
  });
});
