import type { DatabaseSync } from 'node:sqlite';
import type { Condition } from './conditions.ts';
import type { IndexFilter } from './contract.ts';
import { columnOf, dimensions, positionsPerSpan } from './schema.ts';
import { stateCodes } from './state-codes.ts';

/** A condition of more values is not what a search goes along by. */
const mostWays = 12;

/** Where something is looked for: positions from `floor`, included, to `ceiling`, left out. */
export interface Range {
  readonly floor: number;
  readonly ceiling: number;
}

/** How a search goes through the rows of an index. */
export interface SearchWays {
  /** Along which condition: that with the fewest rows, unless they are most of all. Undefined: along the log. */
  wayOf(conditions: readonly Condition[]): Condition | undefined;
  /** How far down a search along that way looks at `most` rows. */
  floorOf(way: Condition | undefined, range: Range, most: number): number;
}

/** The ways through an open index. */
export function openWays(database: DatabaseSync): SearchWays {
  const totalOf = (condition: Condition): number => {
    const { dimension, values } = condition;
    const which =
      dimension === 'state'
        ? `value = 0 AND state IN (${values.join(', ')})`
        : `value IN (${values.join(', ')})`;
    const sql = `SELECT coalesce(sum(deferrals), 0) AS total FROM tally WHERE dimension = ${dimensions[dimension]} AND ${which}`;
    return Number(database.prepare(sql).get()?.['total']);
  };

  return {
    wayOf(conditions) {
      const all = totalOf({ dimension: 'state', values: stateCodes.map((_, code) => code) });
      const ways = conditions
        .filter(({ values }) => values.length <= mostWays)
        .map((condition) => ({ condition, total: totalOf(condition) }))
        .sort((a, b) => a.total - b.total);
      const [best] = ways;
      return best !== undefined && best.total < all / 2 ? best.condition : undefined;
    },
    floorOf(way, { floor, ceiling }, most) {
      if (way === undefined) return Math.max(floor, ceiling - most);
      const each = Math.floor(most / way.values.length);
      const column = columnOf[way.dimension];
      return way.values.reduce((lowest, value) => {
        const row = database
          .prepare(
            `SELECT position FROM deferral INDEXED BY by_${column} WHERE ${column} = ? AND position < ? AND position >= ?
             ORDER BY position DESC LIMIT 1 OFFSET ${each}`,
          )
          .get(value, ceiling, floor);
        return row === undefined ? lowest : Math.max(lowest, Number(row['position']) + 1);
      }, floor);
    },
  };
}

/**
 * The positions between which deferrals of the times can be. Entries of several hosts stand in the log in the order in which they
 * came, not in that of their times, so that this is where they may be, not where they all are.
 */
export function rangeOf(database: DatabaseSync, filter: IndexFilter, ceiling: number): Range {
  const { createdFrom, createdBefore } = filter;
  if (createdFrom === undefined && createdBefore === undefined) return { floor: 0, ceiling };
  const spans = database
    .prepare('SELECT min(number) AS first, max(number) AS last FROM span WHERE latest >= ? AND earliest < ?')
    .get(createdFrom ?? 0, createdBefore ?? Number.MAX_SAFE_INTEGER);
  if (spans === undefined || spans['first'] === null) return { floor: 0, ceiling: 0 };
  return {
    floor: Number(spans['first']) * positionsPerSpan,
    ceiling: Math.min(ceiling, (Number(spans['last']) + 1) * positionsPerSpan),
  };
}

/** The times of a filter in SQL; none where it says nothing of times. */
export function timesOf({ createdFrom, createdBefore }: IndexFilter): string[] {
  return [
    ...(createdFrom === undefined ? [] : [`created >= ${createdFrom}`]),
    ...(createdBefore === undefined ? [] : [`created < ${createdBefore}`]),
  ];
}
