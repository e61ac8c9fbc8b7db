import type { LedgerEntry } from '@slackwater/shared';
import fc from 'fast-check';
import { entryOf, idOf, startedAt } from './entries.ts';

/** What happens, as a generator makes it up: to which deferral, and what. */
interface Happening {
  readonly deferral: number;
  readonly kind: number;
  readonly attempt: number;
  readonly jitterMs: number;
}

const happening: fc.Arbitrary<Happening> = fc.record({
  deferral: fc.nat(30),
  kind: fc.nat(8),
  attempt: fc.integer({ min: 1, max: 3 }),
  jitterMs: fc.integer({ min: -20, max: 20 }),
});

/** Logs in which anything happens to anything, in any order: also late, twice and to what is settled. */
export const anyLog: fc.Arbitrary<readonly LedgerEntry[]> = fc
  .array(happening, { minLength: 1, maxLength: 120 })
  .map((all) => {
    const accepted = new Set<number>();
    return all.map(({ deferral, kind, attempt, jitterMs }, i) => {
      const id = idOf(deferral);
      const about = {
        at: new Date(startedAt + i * 10 + jitterMs).toISOString(),
        workType: ['settle', 'report', 'mail'][deferral % 3] ?? '',
        partition: ['orders', 'payments'][deferral % 2] ?? '',
        requester: `r${deferral % 5}`,
        method: deferral % 4 === 0 ? 'PUT' : 'POST',
        route: deferral % 2 === 0 ? '/a' : '/b',
      };
      if (!accepted.has(deferral)) {
        accepted.add(deferral);
        return entryOf(id, 'accepted', about);
      }
      return stepOf(id, kind, attempt, about);
    });
  });

function stepOf(id: string, kind: number, attempt: number, about: Partial<LedgerEntry>): LedgerEntry {
  switch (kind) {
    case 0:
      return entryOf(id, 'postponed', { ...about, attempt, postponements: attempt });
    case 1:
    case 2:
      return entryOf(id, 'performing', { ...about, attempt });
    case 3:
      return entryOf(id, 'performed', { ...about, attempt, outcomeKnown: attempt !== 2 });
    case 4:
      return entryOf(id, 'failed', { ...about, attempt, error: 'route-refused' });
    case 5:
      return entryOf(id, 'failed', {
        ...about,
        attempt,
        error: 'route-failed',
        retryAt: '2026-11-03T00:00:00.000Z',
      });
    case 6:
      return entryOf(id, 'parked', {
        ...about,
        attempt,
        error: attempt === 1 ? 'record-corrupt' : 'route-missing',
      });
    case 7:
      return entryOf(id, 'canceled', { ...about, error: 'canceled-by-requester' });
    default:
      return entryOf(id, 'accepted', about);
  }
}
