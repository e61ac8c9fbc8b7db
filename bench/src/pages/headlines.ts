import { amount } from '../amount.ts';
import type { Figure } from '../benchmark.ts';
import type { Result } from '../results/result.ts';
import { table } from './figure-tables.ts';

/** A figure that the README carries, beside those of others. */
interface Headline {
  /** What it is, in the words of somebody who has never heard of the benchmark. */
  readonly text: string;
  /** The result that it comes from. */
  readonly result: string;
  /** Which figure it is, as the benchmark calls it. */
  readonly what: string;
  readonly better: 'more' | 'less';
}

/** The contender that has nothing in front. */
const bare = 'bare Express';

/** The three figures that matter most. */
const headlines: readonly Headline[] = [
  {
    text: 'payments answered within a second while every commit takes 20 times as long, beside orders and reports',
    ...{ result: 'brownout', what: 'payments answered within 1 s while slow', better: 'more' },
  },
  {
    text: 'calls of the three kinds that were done more than once by the end',
    ...{ result: 'brownout', what: 'done more than once', better: 'less' },
  },
  {
    text: 'requests a second that a healthy route answers',
    ...{ result: 'overhead', what: 'answers per second', better: 'more' },
  },
];

/** The README's table. Throws where a figure is not in the results: then it was renamed, or not taken. */
export function headlineTable(results: ReadonlyMap<string, Result>): string {
  const rows = headlines.map(({ text, result: name, what, better }) => {
    const result = results.get(name);
    const all = result?.figures.filter((figure) => figure.what === what) ?? [];
    const of = (who: string | undefined): Figure => found(all, what, who);
    const others = all.filter(({ who }) => who !== result?.ours && who !== bare);
    const best = others.toSorted(
      (a, b) => (a.value.median - b.value.median) * (better === 'more' ? -1 : 1),
    )[0];
    const shown = ({ unit, value }: Figure): string => amount(unit, value.median);
    return [
      text,
      `**${shown(of(result?.ours))}**`,
      best === undefined ? '' : `${shown(best)} (${best.who})`,
      shown(of(bare)),
      `[${name}](docs/benchmarks/${name}.md)${result?.quick === true ? ', quick: not to be quoted' : ''}`,
    ];
  });
  return table(['', 'Slackwater', 'the best of the others', bare, 'measured by'], rows);
}

function found(figures: readonly Figure[], what: string, who: string | undefined): Figure {
  const figure = figures.find((each) => each.who === who);
  if (figure === undefined) throw new Error(`${JSON.stringify(what)} of ${who} is in no result.`);
  return figure;
}
