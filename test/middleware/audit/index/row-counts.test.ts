import { encodeEntry, type LedgerEntry } from '@slackwater/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CountDimension,
  type CountQuery,
  countDimensions,
  type IndexedDeferral,
  type IndexFilter,
  type IndexPage,
} from '../../../../packages/middleware/src/audit/index/contract.ts';
import { mostCounted, type RowCounts } from '../../../../packages/middleware/src/audit/index/count-rows.ts';
import { indexTables } from '../../../../packages/middleware/src/audit/index/index-tables.ts';
import { readCursor } from '../../../../packages/middleware/src/audit/index/list-cursor.ts';
import {
  mostCombinations,
  sumRowCounts,
} from '../../../../packages/middleware/src/audit/index/sum-row-counts.ts';
import { entryOf, idOf, startedAt } from './entries.ts';
import { anyLog } from './model.ts';

const anyFilter: fc.Arbitrary<IndexFilter> = fc.record(
  {
    status: fc.constantFrom('NotStarted', 'Running', 'Succeeded'),
    corrupt: fc.boolean(),
    workType: fc.constantFrom('settle', 'report', 'never seen'),
    partition: fc.constantFrom('orders', 'payments'),
    requester: fc.constantFrom('r0', 'r1', 'r2'),
    method: fc.constantFrom('POST', 'PUT'),
    createdFrom: fc.integer({ min: startedAt, max: startedAt + 1_200 }),
    createdBefore: fc.integer({ min: startedAt, max: startedAt + 1_200 }),
  },
  { requiredKeys: [] },
);

const anyBy: fc.Arbitrary<readonly CountDimension[]> = fc.uniqueArray(fc.constantFrom(...countDimensions), {
  minLength: 1,
  maxLength: 4,
});

type Tables = ReturnType<typeof indexTables>;

async function withIndex(entries: readonly LedgerEntry[], work: (tables: Tables) => Promise<void>) {
  const tables = indexTables({ path: '', ledger: 'test' });
  try {
    for (let at = 0; at < entries.length; at += 10_000) {
      const bytes = entries.slice(at, at + 10_000).map(encodeEntry);
      const { buffer } = new Uint8Array(Buffer.concat(bytes));
      tables.perform('write', [at, bytes.map(({ length }) => length), buffer]);
    }
    await work(tables);
  } finally {
    tables.close();
  }
}

/** Every page of it, in one list; `looks` counts the stretches. */
async function counted(tables: Tables, size: number, query: CountQuery) {
  const rows: (readonly [values: string, count: number])[] = [];
  let looks = 0;
  for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
    const asked = cursor === undefined ? query : { ...query, cursor };
    const at = cursor === undefined ? undefined : readCursor(cursor, asked);
    const page = await sumRowCounts(asked, at, size, async (below) => {
      looks += 1;
      return tables.perform('countRows', [asked, below]) as RowCounts;
    });
    rows.push(...page.counts.map(({ values, count }) => [JSON.stringify(values), count] as const));
    cursor = page.next;
  }
  return { rows, looks };
}

function dimensionOf(deferral: IndexedDeferral, by: CountDimension): string {
  return by === 'operation' ? `${deferral.method} ${deferral.route}` : deferral[by];
}

describe('counts by several dimensions, filters and times', () => {
  it('are what going through the list counts, each combination on one page', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyLog,
        anyFilter,
        anyBy,
        fc.integer({ min: 1, max: 9 }),
        (entries, filter, by, limit) =>
          withIndex(entries, async (tables) => {
            const list = tables.perform('list', [{ ...filter, limit: 1_000 }, undefined]) as IndexPage;
            const tally = new Map<string, number>();
            for (const deferral of list.deferrals.toReversed()) {
              const values = JSON.stringify(
                Object.fromEntries(by.map((one) => [one, dimensionOf(deferral, one)])),
              );
              tally.set(values, (tally.get(values) ?? 0) + 1);
            }
            const { rows } = await counted(tables, entries.length, { ...filter, by, limit });
            // In the order in which they first appear, too.
            expect(rows).toEqual([...tally]);
          }),
      ),
      { numRuns: 100 },
    );
  });

  it('are taken a bounded stretch at a time, and come together again', async () => {
    const many = Array.from({ length: mostCounted * 2 + 10 }, (_, n) =>
      entryOf(idOf(n), 'accepted', { partition: `shard ${n % 3}`, workType: n % 2 === 0 ? 'even' : 'odd' }),
    );
    await withIndex(many, async (tables) => {
      const by = ['partition', 'workType'] as const;
      const { rows, looks } = await counted(tables, many.length, { by, limit: 1_000 });
      expect(looks).toBe(3);
      expect(rows).toHaveLength(6);
      expect(rows.reduce((sum, [, count]) => sum + count, 0)).toBe(many.length);
      const oneOf = await counted(tables, many.length, {
        ...{ by: ['workType', 'status'], partition: 'shard 1', createdFrom: startedAt, limit: 1_000 },
      });
      expect(oneOf.rows.map(([, count]) => count)).toEqual([3_335, 3_335]);
    });
  });

  it('are refused where there are too many combinations, and begun again where the index was', async () => {
    const query = { by: ['requester', 'status'], limit: 10 } as const;
    const stretch = (from: number): RowCounts => ({
      groups: Array.from({ length: mostCounted }, (_, n) => ({
        ...{ values: [`r${from - n}`, 'Failed'], count: 1, first: from - n },
      })),
      below: from - mostCounted,
      entries: 1_000_000,
    });
    await expect(sumRowCounts(query, undefined, 1_000_000, async (at) => stretch(at))).rejects.toMatchObject({
      code: 'parameter-invalid',
      message: expect.stringContaining(mostCombinations.toLocaleString('en-US')),
    });
    const deleted = async (at: number): Promise<RowCounts> => ({ ...stretch(at), entries: 3 });
    expect((await sumRowCounts(query, undefined, 1_000_000, deleted)).entries).toBe(3);
  });
});
