import { type Completions, commitSources } from '../../../packages/middleware/src/drivers/driver.ts';

/** The completion rows of the source that is observed as a partition. */
export function completionsOf(partition: string): Completions {
  const source = [...commitSources()].find((one) => one.partition === partition);
  if (source?.completions === undefined) throw new Error(`${partition} has no completion rows`);
  return source.completions;
}
