import { amount } from '../amount.ts';
import { type Figure, standing } from '../benchmark.ts';
import type { Result } from '../results/result.ts';
import { table } from './figure-tables.ts';

/** A page of one benchmark: its name and its heading. */
export interface Topic {
  readonly name: string;
  readonly heading: string;
}

/** All pages in one table: of each the first figure of its result, and how it stands with what was asked of it. */
export function summary(topics: readonly Topic[], results: ReadonlyMap<string, Result>): string {
  const rows = topics.map(({ name, heading }) => [
    `[${heading}](benchmarks/${name}.md)`,
    ...resultCells(results.get(name)),
  ]);
  return table(['', 'for example', 'targets', 'taken on'], rows);
}

function resultCells(result: Result | undefined): readonly string[] {
  if (result === undefined) return ['', '', ''];
  const taken = `${result.takenAt.slice(0, 10)}${result.quick ? ', quick: not to be quoted' : ''}`;
  return [first(result), standings(result.figures), taken];
}

function first({ figures, ours }: Result): string {
  const figure = figures.find(({ who }) => who !== undefined && who === ours) ?? figures[0];
  return figure === undefined ? '' : `${figure.what}: ${amount(figure.unit, figure.value.median)}`;
}

function standings(figures: readonly Figure[]): string {
  const all = figures.map(standing).filter((each) => each !== undefined);
  return (['met', 'unclear', 'missed'] as const)
    .map((kind) => ({ kind, count: all.filter((each) => each === kind).length }))
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) => `${count} ${kind}`)
    .join(', ');
}
