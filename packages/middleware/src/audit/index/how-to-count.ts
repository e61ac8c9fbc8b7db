import { type CountDimension, type CountQuery, countDimensions, type IndexCount } from './contract.ts';

/** The dimensions that are counted by. */
export function dimensionsOf({ by }: Pick<CountQuery, 'by'>): readonly CountDimension[] {
  return typeof by === 'string' ? [by] : by;
}

/** What is wrong with the dimensions of a query for counts, for people. */
export function faultOfBy({ by }: Pick<CountQuery, 'by'>): string | undefined {
  if (areDimensions(typeof by === 'string' ? [by] : by)) return undefined;
  const given = typeof by === 'string' ? JSON.stringify(by.slice(0, 100)) : `a value of type ${typeof by}`;
  return `by: ${given} is not one of ${countDimensions.join(', ')}, nor a list of several, each once.`;
}

/** Of any value, also of one that can't be read. */
function areDimensions(value: unknown): boolean {
  try {
    if (!Array.isArray(value) || value.length === 0 || value.length > countDimensions.length) return false;
    // A hole of a list is no dimension either; `every` would pass it over.
    return [...value].every((one) => countDimensions.includes(one)) && new Set(value).size === value.length;
  } catch {
    return false;
  }
}

/** Whether the tally has the answer: it counts each dimension by state, and nothing by time. */
export function isTallied(query: CountQuery): boolean {
  const [by, another] = dimensionsOf(query);
  const { createdFrom, createdBefore, workType, partition, requester, method, route } = query;
  if (another !== undefined || createdFrom !== undefined || createdBefore !== undefined) return false;
  const given = [
    ...Object.entries({ workType, partition, requester }).flatMap(([name, value]) =>
      value === undefined ? [] : [name],
    ),
    ...(method === undefined && route === undefined ? [] : ['operation']),
  ];
  const isByState = by === 'status' || by === 'phase';
  return given.length === 0 || (given.length === 1 && (isByState || given[0] === by));
}

/** A row of an answer; `values` in the order of the dimensions. */
export function countOf(query: CountQuery, values: readonly string[], count: number): IndexCount {
  const named = dimensionsOf(query).map((name, i) => [name, values[i] ?? ''] as const);
  return { value: values.join(', '), values: Object.fromEntries(named), count };
}
