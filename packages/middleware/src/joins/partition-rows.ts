import type { LearnedRow } from '../answer/resources/contract.ts';
import type { Deciding } from './decide.ts';

/**
 * Rows for `GET /partitions`: the latency table with the states of work types, and, where hosts share, what the others say, also
 * of partitions that this host knows nothing of.
 */
export function partitionRows({ table, admissions, sharing }: Deciding): readonly object[] {
  const own = [...table.partitions()].map((row) => ({
    ...row,
    states: admissions.statesOf(row.partition),
    ...admissions.learnedOf(row.partition),
    returns: admissions.returnsOf(row.partition),
    ...(sharing && { others: sharing.read(row.partition) }),
  }));
  if (sharing === undefined) return own;
  const known = new Set(own.map(({ partition }) => partition));
  const foreign = [...sharing.partitions()]
    .filter((partition) => !known.has(partition))
    .map((partition) => ({
      partition,
      samples: 0,
      unfinished: 0,
      states: admissions.statesOf(partition),
      others: sharing.read(partition),
    }));
  return [...own, ...foreign];
}

/** What `GET /partitions` says of the routes that were seen to commit, the longest quiet first. */
export function learnedRows({ learned }: Pick<Deciding, 'learned'>): readonly LearnedRow[] {
  return [...learned.list()].map(({ route, partitions }) => ({
    route,
    partitions: partitions.map(({ partition, quietMs }) => ({ partition, quietMs: Math.round(quietMs) })),
  }));
}
