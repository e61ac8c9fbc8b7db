import type { CountQuery, IndexCounts } from './contract.ts';
import type { RowCounts, RowGroup } from './count-rows.ts';
import { countOf } from './how-to-count.ts';
import { IndexError } from './index-error.ts';
import { cursorText, type ListCursor } from './list-cursor.ts';

/** Whoever counts by more has meant something else, and would fill the memory with it. */
export const mostCombinations = 100_000;

/**
 * Counts stretch by stretch, so that other questions are answered in between: each deferral that was accepted when it was begun, once, in the
 * state that it is in when its stretch comes. Rejects with `parameter-invalid` where there are more than
 * {@link mostCombinations} combinations of values.
 */
export async function sumRowCounts(
  query: CountQuery,
  at: ListCursor | undefined,
  entries: number,
  stretchBelow: (ceiling: number) => Promise<RowCounts>,
): Promise<IndexCounts> {
  const begunAt = at?.begunAt ?? entries;
  const groups = new Map<string, RowGroup>();
  for (let ceiling: number | undefined = begunAt; ceiling !== undefined; ) {
    const stretch = await stretchBelow(ceiling);
    // The file was deleted meanwhile: what was counted is of the one before.
    if (stretch.entries < begunAt) return { counts: [], next: undefined, entries: stretch.entries };
    for (const group of stretch.groups) add(groups, group);
    if (groups.size > mostCombinations) throw tooMany();
    ceiling = stretch.below;
  }
  const behind = at?.behind ?? -1;
  const rows = [...groups.values()].filter(({ first }) => first > behind).sort((a, b) => a.first - b.first);
  const last = rows.length > query.limit ? rows[query.limit - 1] : undefined;
  return {
    counts: rows.slice(0, query.limit).map(({ values, count }) => countOf(query, values, count)),
    next: last && cursorText({ begunAt, behind: last.first }, query),
    entries,
  };
}

function add(groups: Map<string, RowGroup>, { values, count, first }: RowGroup): void {
  const key = JSON.stringify(values);
  const before = groups.get(key);
  groups.set(key, {
    values,
    count: count + (before?.count ?? 0),
    first: Math.min(first, before?.first ?? first),
  });
}

function tooMany(): IndexError {
  return new IndexError(
    'parameter-invalid',
    `There are more than ${mostCombinations.toLocaleString('en-US')} combinations of these values: count by fewer dimensions, or filter further.`,
  );
}
