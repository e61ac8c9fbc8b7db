import { amount } from '../amount.ts';
import type { Figure } from '../benchmark.ts';
import type { Result } from '../results/result.ts';
import { table } from './figure-tables.ts';

/** A figure that the README carries, beside that of somebody else. */
interface Headline {
  /** What it is, in the words of somebody who has never heard of the benchmark. */
  readonly text: string;
  /** The result that it comes from. */
  readonly result: string;
  /** Which figure it is, as the benchmark calls it. */
  readonly what: string;
  /** With whom it is compared: the `who` of one figure. */
  readonly with: string;
}

/** The three figures that matter most. */
const headlines: readonly Headline[] = [
  {
    text: 'payments answered within a second while every commit takes 20 times as long, beside orders and reports',
    ...{ result: 'brownout', what: 'payments answered within 1 s while slow', with: 'bare Express' },
  },
  {
    text: 'of all calls of the three kinds, done more than once by the end',
    ...{ result: 'brownout', what: 'done more than once', with: 'bare Express' },
  },
  {
    text: 'requests a second that a healthy route answers',
    ...{ result: 'overhead', what: 'answers per second', with: 'bare Express' },
  },
];

/** The README's table. Throws where a figure is not in the results: then it was renamed, or not taken. */
export function headlineTable(results: ReadonlyMap<string, Result>): string {
  const rows = headlines.map(({ text, result: name, what, with: other }) => {
    const result = results.get(name);
    const ours = figureOf(result, what, result?.ours);
    const theirs = figureOf(result, what, other);
    return [
      text,
      `**${amount(ours.unit, ours.value.median)}**`,
      amount(theirs.unit, theirs.value.median),
      `[${name}](docs/benchmarks/${name}.md)`,
    ];
  });
  return table(['', 'Slackwater', headlines[0]?.with ?? '', 'measured by'], rows);
}

function figureOf(result: Result | undefined, what: string, who: string | undefined): Figure {
  const figure = result?.figures.find((each) => each.what === what && each.who === who);
  if (figure === undefined) throw new Error(`${JSON.stringify(what)} of ${who} is in no result.`);
  return figure;
}
