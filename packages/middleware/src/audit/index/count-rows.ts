import type { DatabaseSync } from 'node:sqlite';
import { conditionsOf, inSql } from './conditions.ts';
import type { CountDimension, CountQuery } from './contract.ts';
import { dimensionsOf } from './how-to-count.ts';
import { columnOf } from './schema.ts';
import { openWays, rangeOf, timesOf } from './search-ways.ts';
import { stateCodes } from './state-codes.ts';
import type { Words } from './words.ts';

/** So many rows one call looks at, so that no question waits for long. */
export const mostCounted = 10_000;

/** Deferrals with the same values. */
export interface RowGroup {
  /** In the order of the dimensions. */
  readonly values: readonly string[];
  readonly count: number;
  /** The position of the first of them. */
  readonly first: number;
}

/** What the rows of one stretch of the log come to. */
export interface RowCounts {
  /** The same values may be there more than once. */
  readonly groups: readonly RowGroup[];
  /** Below which position it goes on; undefined at the end. */
  readonly below: number | undefined;
  /** How many entries the index has. */
  readonly entries: number;
}

/** Counts the rows below a position, as far as one call goes. */
export type CountRows = (query: CountQuery, ceiling: number, entries: number) => RowCounts;

/** Counts row by row what the tally does not have: by several dimensions, by several filters, by time. */
export function countingRows(database: DatabaseSync, words: Words): CountRows {
  const { wayOf, floorOf } = openWays(database);
  return (query, ceiling, entries) => {
    const conditions = conditionsOf(query, words);
    const range = rangeOf(database, query, ceiling);
    if (conditions === undefined || range.floor >= range.ceiling)
      return { groups: [], below: undefined, entries };
    const way = wayOf(conditions);
    const floor = floorOf(way, range, mostCounted);
    const dimensions = dimensionsOf(query);
    const columns = [...new Set(dimensions.map(columnFor))].join(', ');
    const admitted = ['TRUE', ...conditions.map(inSql), ...timesOf(query)].join(' AND ');
    const along = way === undefined ? 'NOT INDEXED' : `INDEXED BY by_${columnOf[way.dimension]}`;
    const sql = `SELECT ${columns}, count(*) AS total, min(position) AS first FROM deferral ${along}
      WHERE position < ${range.ceiling} AND position >= ${floor} AND ${admitted} GROUP BY ${columns}`;
    const groups = database
      .prepare(sql)
      .all()
      .map((row) => ({
        values: dimensions.map((dimension) => valueIn(row, dimension)),
        count: Number(row['total']),
        first: Number(row['first']),
      }));
    return { groups, below: floor > range.floor ? floor : undefined, entries };
  };

  function valueIn(row: Record<string, unknown>, dimension: CountDimension): string {
    const code = Number(row[columnFor(dimension)]);
    if (dimension === 'status' || dimension === 'phase') return stateCodes[code]?.[dimension] ?? '';
    return words.text(code);
  }
}

function columnFor(dimension: CountDimension): string {
  return columnOf[dimension === 'status' || dimension === 'phase' ? 'state' : dimension];
}
