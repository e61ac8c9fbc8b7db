import type { IndexFilter } from './contract.ts';
import { columnOf, type Dimension } from './schema.ts';
import { codesOf } from './state-codes.ts';
import type { Words } from './words.ts';

/** A dimension, and the numbers of the values that a filter admits. */
export interface Condition {
  readonly dimension: Dimension;
  readonly values: readonly number[];
}

/**
 * A filter as the index has its values. A value that it never saw has no number: then nothing matches, and that is said by
 * undefined.
 */
export function conditionsOf(filter: IndexFilter, words: Words): readonly Condition[] | undefined {
  const conditions: Condition[] = [];
  const states = codesOf(filter);
  if (states !== undefined) conditions.push({ dimension: 'state', values: states });
  for (const dimension of ['workType', 'partition', 'requester'] as const) {
    const text = filter[dimension];
    if (text === undefined) continue;
    const number = words.known(dimension, text);
    conditions.push({ dimension, values: number === undefined ? [] : [number] });
  }
  const { method, route } = filter;
  if (method !== undefined || route !== undefined) {
    conditions.push({ dimension: 'operation', values: words.operations(method, route) });
  }
  return conditions.some(({ values }) => values.length === 0) ? undefined : conditions;
}

/** The condition in SQL. Numbers of ours alone are written into it. */
export function inSql({ dimension, values }: Condition): string {
  const column = columnOf[dimension];
  return values.length === 1 ? `${column} = ${values[0]}` : `${column} IN (${values.join(', ')})`;
}
