import { amount } from '../amount.ts';
import type { Figure } from '../benchmark.ts';
import type { Result } from '../results/result.ts';
import { table } from './figure-tables.ts';

/** A figure that the README carries. */
interface Headline {
  /** What it is, in the words of somebody who has never heard of the benchmark. */
  readonly text: string;
  /** The result that it comes from. */
  readonly result: string;
  /** Which figure it is, as the benchmark calls it. */
  readonly what: string;
}

/** The three figures that matter most. */
const headlines: readonly Headline[] = [
  {
    text: 'answers per second of a route behind the healthy gate / without it',
    ...{ result: 'route', what: 'work types, routes, deferring; JSON body' },
  },
  {
    text: 'deciding about a request that may go on',
    ...{ result: 'decision', what: 'the decision: what is it, may it' },
  },
  {
    text: 'sealing durable entries of 256 callers / appending the same bytes to a file with fdatasync',
    ...{
      result: 'ledger',
      what: 'entries sealed by 256 callers / raw append + fdatasync of the same batches',
    },
  },
];

/** The README's table. Throws where a figure is not in the results: then it was renamed, or not taken. */
export function headlineTable(results: ReadonlyMap<string, Result>): string {
  const rows = headlines.map(({ text, result, what }) => {
    const figure = figureOf(results, result, what);
    return [
      text,
      `**${amount(figure.unit, figure.value.median)}**`,
      `[${result}](docs/benchmarks/${result}.md)`,
    ];
  });
  return table(['', '', 'measured by'], rows);
}

function figureOf(results: ReadonlyMap<string, Result>, name: string, what: string): Figure {
  const figure = results.get(name)?.figures.find((each) => each.what === what);
  if (figure === undefined)
    throw new Error(`There is no figure ${JSON.stringify(what)} in the result ${name}.`);
  return figure;
}
