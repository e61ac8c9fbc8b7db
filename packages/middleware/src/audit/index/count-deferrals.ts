import type { DatabaseSync } from 'node:sqlite';
import { conditionsOf } from './conditions.ts';
import type { CountQuery, IndexCounts } from './contract.ts';
import { countOf, dimensionsOf } from './how-to-count.ts';
import { cursorText, type ListCursor } from './list-cursor.ts';
import { type Dimension, dimensions } from './schema.ts';
import { codesOf, stateCodes } from './state-codes.ts';
import type { Words } from './words.ts';

/** Counts deferrals; `at` is where it goes on, and `entries` how many the index has. */
export type CountDeferrals = (query: CountQuery, at: ListCursor | undefined, entries: number) => IndexCounts;

/** Counts what the tally has (`isTallied`): what an answer takes does not depend on how many deferrals there are. */
export function countingDeferrals(database: DatabaseSync, words: Words): CountDeferrals {
  return (query, at, entries) => {
    const conditions = conditionsOf(query, words);
    if (conditions === undefined) return { counts: [], next: undefined, entries };
    const states = codesOf(query) ?? stateCodes.map((_, code) => code);
    const other = conditions.find(({ dimension }) => dimension !== 'state');
    const { limit } = query;
    const [by = 'status'] = dimensionsOf(query);
    if (by === 'status' || by === 'phase') {
      const { dimension, values } = other ?? { dimension: 'state', values: [0] };
      const rows = tallied(dimension, values, states, 'state', -1, stateCodes.length);
      const counts = new Map<string, number>();
      for (const { key, total } of rows) {
        const name = stateCodes[key]?.[by] ?? '';
        counts.set(name, (counts.get(name) ?? 0) + total);
      }
      const named = [...counts].map(([value, count]) => countOf(query, [value], count));
      return { counts: named, next: undefined, entries };
    }
    const rows = tallied(by, other?.values, states, 'value', at?.behind ?? -1, limit + 1);
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    return {
      counts: rows.slice(0, limit).map(({ key, total }) => countOf(query, [words.text(key)], total)),
      next: last && cursorText({ begunAt: at?.begunAt ?? entries, behind: last.key }, query),
      entries,
    };
  };

  function tallied(
    dimension: Dimension,
    values: readonly number[] | undefined,
    states: readonly number[],
    key: 'state' | 'value',
    behind: number,
    limit: number,
  ): { readonly key: number; readonly total: number }[] {
    const which = values === undefined ? '' : `AND value IN (${values.join(', ')})`;
    const sql = `SELECT ${key} AS key, sum(deferrals) AS total FROM tally
      WHERE dimension = ${dimensions[dimension]} ${which} AND state IN (${states.join(', ')}) AND ${key} > ?
      GROUP BY ${key} HAVING total > 0 ORDER BY ${key} LIMIT ?`;
    return database
      .prepare(sql)
      .all(behind, limit)
      .map((row) => ({ key: Number(row['key']), total: Number(row['total']) }));
  }
}
