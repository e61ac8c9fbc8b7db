import { manualClock } from '@slackwater/test-support/manual-clock';
import { describe, expect, it } from 'vitest';
import { isUlid, ulidFactory } from '../../../packages/middleware/src/ledger/ulid.ts';

describe('ids', () => {
  it('are ULIDs that carry the time', () => {
    const newId = ulidFactory(manualClock(Date.UTC(2026, 0, 1)));
    const id = newId();
    expect(isUlid(id)).toBe(true);
    expect(id.startsWith('01KDVD')).toBe(true);
  });

  it('only ever grow: within a millisecond, and when the clock jumps back or forth', () => {
    const clock = manualClock();
    const newId = ulidFactory(clock);
    const ids: string[] = [];
    for (let i = 0; i < 1_000; i++) {
      if (i === 300) clock.jumpWall(0);
      if (i === 600) clock.jumpWall(Date.UTC(2030, 0, 1));
      if (i % 100 === 99) clock.advance(1);
      ids.push(newId());
    }
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(1_000);
  });

  it('survive a clock that is out of all bounds', () => {
    for (const wall of [-1, Number.MAX_SAFE_INTEGER])
      expect(isUlid(ulidFactory({ wallNow: () => wall })())).toBe(true);
  });

  it.each([
    '',
    '01arz3ndektsv4rrffq69g5fav',
    '81ARZ3NDEKTSV4RRFFQ69G5FAV',
    '01ARZ3NDEKTSV4RRFFQ69G5FAVX',
    '../deferral',
  ])('%o is none', (text) => {
    expect(isUlid(text)).toBe(false);
  });
});
