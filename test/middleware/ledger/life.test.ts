import type { EntryType, LedgerEntry } from '@slackwater/shared';
import { describe, expect, it } from 'vitest';
import { applyEntry, beginLife, type DeferralState } from '../../../packages/middleware/src/ledger/life.ts';

const entry = (type: EntryType, more: Partial<LedgerEntry> = {}): LedgerEntry => ({
  v: 1,
  type,
  id: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
  at: '2026-01-01T00:00:00.000Z',
  group: 'g',
  application: 'a',
  method: 'POST',
  route: '/',
  workType: 'w',
  partition: 'p',
  requester: 'r',
  reasons: [],
  ...more,
});

const life = (...entries: readonly LedgerEntry[]): DeferralState =>
  entries.reduce(
    (state, one, i) => applyEntry(state, one, i + 1),
    beginLife(entry('accepted'), 0, undefined),
  );

describe('the life that the log tells', () => {
  it('ends with the first entry that settles it', () => {
    const first = life(
      entry('performed', { attempt: 1 }),
      entry('failed', { attempt: 2, error: 'route-failed' }),
    );
    expect(first).toMatchObject({ status: 'Succeeded', phase: 'settled', error: undefined });
    expect(life(entry('canceled', { error: 'canceled-by-requester' }), entry('performed'))).toMatchObject({
      status: 'Canceled',
    });
  });

  it('does not go back for what an earlier attempt says late', () => {
    const retryAt = '2026-01-01T00:00:01.000Z';
    const state = life(
      entry('performing', { attempt: 1 }),
      entry('performing', { attempt: 2 }),
      entry('failed', { attempt: 1, retryAt, error: 'route-failed' }),
      entry('postponed', { attempt: 1, postponements: 1 }),
      entry('parked', { attempt: 1, error: 'route-missing' }),
    );
    expect(state).toMatchObject({ phase: 'performing', attempts: 2, postponements: 1, error: undefined });
  });

  it('is settled by an earlier attempt that did the work after all', () => {
    const state = life(
      entry('performing', { attempt: 1 }),
      entry('performing', { attempt: 2 }),
      entry('performed', { attempt: 1, outcome: 'AAAA' }),
    );
    expect(state).toMatchObject({ status: 'Succeeded', outcomeAttempt: 1, attempts: 2 });
  });

  it('takes an entry once, and a second acceptance not at all', () => {
    const postponed = entry('postponed', { postponements: 1 });
    const once = life(postponed);
    expect(applyEntry(once, postponed, 1)).toBe(once);
    expect(applyEntry(once, entry('accepted'), 9)).toMatchObject({ position: 0, phase: 'postponed' });
  });

  it('keeps codes that it does not know out of the error', () => {
    expect(life(entry('parked', { error: 'from-the-future' })).error?.code).toBe('internal-error');
  });
});
