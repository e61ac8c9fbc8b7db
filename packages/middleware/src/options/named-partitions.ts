import type { ResolvedOptions } from './resolved.ts';

/** The partitions that the options name outright, each once; those that functions give are not known. */
export function namedPartitions({
  partition,
  routes,
}: Pick<ResolvedOptions, 'partition' | 'routes'>): readonly string[] {
  const said = [partition, ...routes.map((route) => route.partition)];
  return [...new Set(said.flatMap((value) => (typeof value === 'function' ? [] : (value ?? []))))];
}

/** What is said of partitions that requests are judged by and that nobody measures. */
export function unobservedMessage(partitions: readonly string[]): string {
  const names = partitions.map((name) => JSON.stringify(name)).join(', ');
  return `Nobody measures ${names}: no pool is observed under that name, and nothing was committed to it, so that its requests are never held back. observe(pool, { partition }) with the same spelling, or commit(partition, work).`;
}
