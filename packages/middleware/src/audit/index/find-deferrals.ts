import type { DatabaseSync } from 'node:sqlite';
import { type Condition, conditionsOf, inSql } from './conditions.ts';
import type { IndexedDeferral, IndexPage, IndexQuery } from './contract.ts';
import { cursorText, type ListCursor } from './list-cursor.ts';
import { columnOf } from './schema.ts';
import { openWays, type Range, rangeOf, timesOf } from './search-ways.ts';
import { stateCodes } from './state-codes.ts';
import type { Words } from './words.ts';

/** So many rows one page looks at, so that a query that finds little does not keep all others waiting. */
export const mostLookedAt = 2_000;

/** Finds a page of deferrals; `at` is where it goes on, and `entries` how many the index has. */
export type FindDeferrals = (query: IndexQuery, at: ListCursor | undefined, entries: number) => IndexPage;

/**
 * Pages hold the deferrals that the filter admitted when the first page was read, each once, in the order of the log: positions
 * never change, and where a state has changed since, the step that changed it says what it was. Each is shown as it is now.
 */
export function findingDeferrals(database: DatabaseSync, words: Words): FindDeferrals {
  const { wayOf, floorOf } = openWays(database);

  /** Rows in the order of the log, newest first, which the filter admits as they are now. */
  function rowsNow(
    way: Condition | undefined,
    others: string,
    { floor, ceiling }: Range,
    limit: number,
  ): Record<string, unknown>[] {
    const within = `position < ${ceiling} AND position >= ${floor}`;
    const from =
      way === undefined
        ? [`SELECT * FROM deferral NOT INDEXED WHERE ${within} AND ${others}`]
        : way.values.map((value) => {
            const column = columnOf[way.dimension];
            return `SELECT * FROM deferral INDEXED BY by_${column} WHERE ${column} = ${value} AND ${within} AND ${others}`;
          });
    const sql = `${from.join(' UNION ALL ')} ORDER BY position DESC LIMIT ${limit}`;
    return database.prepare(sql).all();
  }

  /** Rows that it admitted when the list was begun, and whose state is another one since. */
  function rowsThen(
    states: readonly number[],
    begunAt: number,
    others: string,
    { floor, ceiling }: Range,
    limit: number,
  ): Record<string, unknown>[] {
    const sql = `SELECT deferral.* FROM step CROSS JOIN deferral ON deferral.position = step.deferral
      WHERE step.position >= ${begunAt} AND step.since < ${begunAt} AND step.state IN (${states.join(', ')})
      AND deferral.position < ${ceiling} AND deferral.position >= ${floor} AND ${others}
      ORDER BY deferral.position DESC LIMIT ${limit}`;
    return database.prepare(sql).all();
  }

  return (query, at, entries) => {
    const begunAt = at?.begunAt ?? entries;
    const conditions = conditionsOf(query, words);
    const range = rangeOf(database, query, Math.min(at?.behind ?? begunAt, begunAt));
    if (conditions === undefined || range.floor >= range.ceiling)
      return { deferrals: [], next: undefined, entries };
    const states = conditions.find(({ dimension }) => dimension === 'state')?.values;
    const isOld = states !== undefined && begunAt < entries;
    const way = wayOf(conditions);
    const lowest = floorOf(way, range, mostLookedAt);
    const window = { floor: lowest, ceiling: range.ceiling };
    const immutable = conditions.filter(({ dimension }) => dimension !== 'state').map(inSql);
    const always = ['TRUE', ...immutable, ...timesOf(query)].join(' AND ');
    const then =
      states === undefined ? always : `${always} AND state IN (${states.join(', ')}) AND since < ${begunAt}`;
    const found = rowsNow(way, then, window, query.limit);
    if (isOld) {
      found.push(...rowsThen(states, begunAt, always, window, query.limit));
      found.sort((a, b) => Number(b['position']) - Number(a['position']));
    }
    const rows = found.slice(0, query.limit).map((row) => fromRow(row, words));
    const isFull = rows.length === query.limit;
    const behind = isFull ? (rows.at(-1)?.position ?? 0) : lowest;
    const isEnd = behind <= range.floor;
    return {
      deferrals: rows,
      next: isEnd ? undefined : cursorText({ begunAt, behind }, query),
      entries,
    };
  };
}

function fromRow(row: Record<string, unknown>, words: Words): IndexedDeferral {
  const [method, route] = splitOperation(words.text(Number(row['operation'])));
  const createdAt = Number(row['created']);
  const state = stateCodes[Number(row['state'])] ?? {
    status: 'NotStarted',
    phase: 'queued',
    corrupt: false,
  };
  const outcomeKnown = row['outcome_known'];
  return {
    id: String(row['id']),
    position: Number(row['position']),
    ...state,
    method,
    route,
    workType: words.text(Number(row['work_type'])),
    partition: words.text(Number(row['partition'])),
    requester: words.text(Number(row['requester'])),
    createdAt,
    updatedAt: createdAt + Number(row['lasted']),
    attempts: Number(row['attempts']),
    postponements: Number(row['postponements']),
    outcomeKnown: outcomeKnown === null ? undefined : outcomeKnown === 1,
    error: row['error'] === null ? undefined : String(row['error']),
  };
}

function splitOperation(text: string): readonly [method: string, route: string] {
  const space = text.indexOf(' ');
  return [text.slice(0, space), text.slice(space + 1)];
}
