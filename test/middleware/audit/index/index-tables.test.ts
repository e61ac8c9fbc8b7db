import { encodeEntry, type LedgerEntry } from '@slackwater/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type {
  CountQuery,
  IndexCounts,
  IndexedDeferral,
  IndexFilter,
  IndexPage,
} from '../../../../packages/middleware/src/audit/index/contract.ts';
import { countDimensions } from '../../../../packages/middleware/src/audit/index/contract.ts';
import { indexTables } from '../../../../packages/middleware/src/audit/index/index-tables.ts';
import { readCursor } from '../../../../packages/middleware/src/audit/index/list-cursor.ts';
import {
  applyEntry,
  beginLife,
  type DeferralState,
} from '../../../../packages/middleware/src/ledger/life.ts';
import { entryOf, idOf, startedAt } from './entries.ts';
import { anyLog } from './model.ts';

interface OpenIndex {
  readonly add: (entries: readonly LedgerEntry[]) => void;
  readonly page: (filter: IndexFilter, limit: number, cursor?: string) => IndexPage;
  readonly all: (filter: IndexFilter, limit?: number) => IndexedDeferral[];
  readonly counts: (query: Partial<CountQuery>) => IndexCounts;
  readonly stepsOf: (id: string) => readonly number[];
}

/** A real index, in this thread and in a file without a name. */
function openIndex(work: (index: OpenIndex) => void): void {
  const tables = indexTables({ path: '', ledger: 'test' });
  let size = 0;
  const page: OpenIndex['page'] = (filter, limit, cursor) => {
    const query = { ...filter, limit, ...(cursor === undefined ? {} : { cursor }) };
    const at = cursor === undefined ? undefined : readCursor(cursor, query);
    return tables.perform('list', [query, at]) as IndexPage;
  };
  try {
    work({
      add(entries) {
        const bytes = entries.map(encodeEntry);
        const lengths = bytes.map(({ length }) => length);
        const { buffer } = new Uint8Array(Buffer.concat(bytes));
        expect(tables.perform('write', [size, lengths, buffer])).toBe(size + entries.length);
        size += entries.length;
      },
      page,
      all(filter, limit = 1_000) {
        const found: IndexedDeferral[] = [];
        for (let cursor: string | undefined, begun = false; !begun || cursor !== undefined; begun = true) {
          const { deferrals, next } = page(filter, limit, cursor);
          found.push(...deferrals);
          cursor = next;
        }
        return found;
      },
      counts: (query) =>
        tables.perform('count', [{ by: 'status', limit: 1_000, ...query }, undefined]) as IndexCounts,
      stepsOf: (id) => (tables.perform('entriesOf', [id]) as { positions: number[] }).positions,
    });
  } finally {
    tables.close();
  }
}

/** What the ledger's own reading of the entries comes to. */
function livesOf(entries: readonly LedgerEntry[]): Map<string, DeferralState> {
  const lives = new Map<string, DeferralState>();
  for (const [position, entry] of entries.entries()) {
    const life = lives.get(entry.id);
    if (life !== undefined) lives.set(entry.id, applyEntry(life, entry, position));
    else if (entry.type === 'accepted') lives.set(entry.id, beginLife(entry, position, undefined));
  }
  return lives;
}

function matches(life: DeferralState, filter: IndexFilter): boolean {
  const isCorrupt = life.phase === 'parked' && life.error?.code === 'record-corrupt';
  return (
    [life.status, undefined].includes(filter.status) &&
    [life.phase, undefined].includes(filter.phase) &&
    [isCorrupt, undefined].includes(filter.corrupt) &&
    [life.workType, undefined].includes(filter.workType) &&
    [life.partition, undefined].includes(filter.partition) &&
    [life.requester, undefined].includes(filter.requester) &&
    [life.method, undefined].includes(filter.method) &&
    [life.route, undefined].includes(filter.route) &&
    life.createdAt >= (filter.createdFrom ?? 0) &&
    life.createdAt < (filter.createdBefore ?? Number.POSITIVE_INFINITY)
  );
}

function expected(entries: readonly LedgerEntry[], filter: IndexFilter): string[] {
  return [...livesOf(entries).values()]
    .filter((life) => matches(life, filter))
    .sort((a, b) => b.position - a.position)
    .map(({ id }) => id);
}

const anyFilter: fc.Arbitrary<IndexFilter> = fc.record(
  {
    status: fc.constantFrom('NotStarted', 'Running', 'Succeeded', 'Failed', 'Canceled'),
    phase: fc.constantFrom('queued', 'postponed', 'performing', 'retrying', 'parked', 'settled'),
    corrupt: fc.boolean(),
    workType: fc.constantFrom('settle', 'report', 'never seen'),
    partition: fc.constantFrom('orders', 'payments'),
    requester: fc.constantFrom('r0', 'r1', 'r2'),
    method: fc.constantFrom('POST', 'PUT', 'GET'),
    route: fc.constantFrom('/a', '/b'),
    createdFrom: fc.integer({ min: startedAt, max: startedAt + 1_200 }),
    createdBefore: fc.integer({ min: startedAt, max: startedAt + 1_200 }),
  },
  { requiredKeys: [] },
);

const idsOf = (deferrals: readonly { readonly id: string }[]): string[] => deferrals.map(({ id }) => id);

describe('an index', () => {
  it('says of every deferral what the ledger says of it, whatever stands in the log', () => {
    fc.assert(
      fc.property(anyLog, fc.nat(120), (entries, cut) => {
        openIndex(({ add, all }) => {
          // In two batches: what the first has written, the second finds there.
          add(entries.slice(0, cut));
          if (cut < entries.length) add(entries.slice(cut));
          const lives = [...livesOf(entries).values()].sort((a, b) => b.position - a.position);
          expect(
            all({}).map(({ id, status, phase, attempts, postponements, createdAt, error, outcomeKnown }) => {
              return { id, status, phase, attempts, postponements, createdAt, error, outcomeKnown };
            }),
          ).toEqual(
            lives.map(({ id, status, phase, attempts, postponements, createdAt, error, outcomeKnown }) => {
              return {
                id,
                status,
                phase,
                attempts,
                postponements,
                createdAt,
                error: error?.code,
                outcomeKnown,
              };
            }),
          );
        });
      }),
      { numRuns: 60 },
    );
  });

  it('finds by every filter and all of them together what a search through everything finds', () => {
    fc.assert(
      fc.property(anyLog, anyFilter, fc.integer({ min: 1, max: 9 }), (entries, filter, limit) => {
        openIndex(({ add, all }) => {
          add(entries);
          expect(idsOf(all(filter, limit))).toEqual(expected(entries, filter));
        });
      }),
      { numRuns: 150 },
    );
  });

  it('shows each deferral that was there at the start once and misses none, while entries come between the pages', () => {
    fc.assert(
      fc.property(anyLog, anyFilter, fc.nat(100), (entries, filter, cut) => {
        openIndex(({ add, page }) => {
          const before = entries.slice(0, Math.max(1, cut % entries.length));
          const after = entries.slice(before.length);
          add(before);
          const found: string[] = [];
          let cursor: string | undefined;
          for (let pages = 0; pages === 0 || cursor !== undefined; pages++) {
            const { deferrals, next } = page(filter, 2, cursor);
            found.push(...idsOf(deferrals));
            cursor = next;
            const some = after.splice(0, 7);
            if (some.length > 0) add(some);
          }
          expect(found).toEqual(expected(before, filter));
        });
      }),
      { numRuns: 150 },
    );
  });

  it('counts by state and by every dimension what a search through everything counts', () => {
    fc.assert(
      fc.property(
        anyLog,
        fc.constantFrom(...countDimensions),
        fc.constantFrom<IndexFilter[]>({}, { status: 'Running' }, { phase: 'parked' }, { corrupt: true }),
        (entries, by, filter) => {
          openIndex(({ add, counts }) => {
            add(entries);
            const tally = new Map<string, number>();
            for (const life of livesOf(entries).values()) {
              if (!matches(life, filter)) continue;
              const value = by === 'operation' ? `${life.method} ${life.route}` : life[by];
              tally.set(value, (tally.get(value) ?? 0) + 1);
            }
            const counted = counts({ by, ...filter }).counts.map(
              ({ value, count }) => [value, count] as const,
            );
            expect(new Map(counted)).toEqual(tally);
          });
        },
      ),
      { numRuns: 100 },
    );
  });

  it('counts by state within one partition, and page by page where there are many values', () => {
    openIndex(({ add, counts }) => {
      const partitions = Array.from({ length: 25 }, (_, n) => `shard ${n}`);
      add(partitions.flatMap((partition, n) => [entryOf(idOf(n), 'accepted', { partition })]));
      add([entryOf(idOf(3), 'performing', { attempt: 1 })]);
      expect(counts({ by: 'phase', partition: 'shard 3' }).counts).toEqual([
        { value: 'performing', values: { phase: 'performing' }, count: 1 },
      ]);
      expect(counts({ by: 'status', partition: 'shard 4' }).counts).toEqual([
        { value: 'NotStarted', values: { status: 'NotStarted' }, count: 1 },
      ]);
      const first = counts({ by: 'partition', limit: 20 });
      expect(first.counts).toHaveLength(20);
      expect(first.next).toMatch(/^26-\d+-[0-9a-f]{8}$/);
    });
  });

  it('knows all entries of a deferral, in the order of the log', () => {
    openIndex(({ add, stepsOf }) => {
      const [mine, other] = [idOf(1), idOf(2)];
      add([
        entryOf(mine, 'accepted'),
        entryOf(other, 'accepted'),
        entryOf(mine, 'performing', { attempt: 1 }),
        entryOf(other, 'canceled', { error: 'canceled-by-requester' }),
        entryOf(mine, 'performed', { attempt: 1 }),
        entryOf(mine, 'postponed', { postponements: 1 }),
      ]);
      expect(stepsOf(mine)).toEqual([0, 2, 4, 5]);
      expect(stepsOf(other)).toEqual([1, 3]);
      expect(stepsOf(idOf(3))).toEqual([]);
    });
  });

  it('looks at a bounded number of rows for one page, and goes on behind them', () => {
    openIndex(({ add, page, all }) => {
      const many = Array.from({ length: 10_000 }, (_, n) => {
        // Each filter alone admits half of all; both together the two oldest.
        const isOdd = n % 2 === 1 && n > 1;
        return entryOf(idOf(n), 'accepted', {
          partition: isOdd ? 'orders' : 'payments',
          workType: isOdd || n < 2 ? 'report' : 'settle',
        });
      });
      add(many);
      const filter = { partition: 'payments', workType: 'report' };
      const first = page(filter, 10);
      expect(first.deferrals).toEqual([]);
      expect(first.next).toBeDefined();
      expect(idsOf(all(filter, 10))).toEqual([idOf(1), idOf(0)]);
    });
  });

  it('takes a batch whole or not at all, passes over what it has, and waits for what is missing before', () => {
    const tables = indexTables({ path: '', ledger: 'test' });
    const write = (from: number, entries: readonly Uint8Array[]): unknown =>
      tables.perform('write', [
        from,
        entries.map(({ length }) => length),
        new Uint8Array(Buffer.concat(entries)).buffer,
      ]);
    const bytes = [1, 2, 3].map((n) => encodeEntry(entryOf(idOf(n), 'accepted')));
    expect(write(1, bytes)).toBe(0);
    expect(write(0, bytes)).toBe(3);
    expect(write(1, [...bytes.slice(1), encodeEntry(entryOf(idOf(4), 'accepted'))])).toBe(4);
    expect(write(4, [Buffer.from('{"type":"accepted"'), Buffer.from('null')])).toBe(6);
    expect(tables.perform('state', [])).toMatchObject({ entries: 6, deferrals: 4, unreadable: 2 });
    tables.close();
  });
});
