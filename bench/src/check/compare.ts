import { amount } from '../amount.ts';
import type { Figure } from '../benchmark.ts';

/**
 * How many times worse than what was kept a ratio may be. Machines and moments differ, and who is at work beside it; two sides that are measured in turn
 * within one process differ by a third of that at most. What is slower by less is found by `npm run bench`, not here.
 */
export const room = 2;

/** A ratio that is worse than it was. */
export interface Regression {
  readonly what: string;
  readonly kept: number;
  readonly fresh: number;
  /** Worse than this is too much. */
  readonly bound: number;
  readonly better: 'more' | 'less';
}

/**
 * What is worse in fresh figures than in those that were kept, beyond the room for noise. Only ratios are compared: nothing else says the same on
 * two machines. Throws where a fresh figure is no ratio, does not say which is better, or was not kept: then it would never be compared.
 */
export function regressionsOf(fresh: readonly Figure[], kept: readonly Figure[]): readonly Regression[] {
  return fresh.flatMap(({ what, unit, better, value }) => {
    const before = kept.find((figure) => figure.what === what && figure.unit === 'ratio');
    if (unit !== 'ratio' || better === undefined || before === undefined) {
      throw new Error(
        `${JSON.stringify(what)} is to be compared, but is no ratio that was kept with its direction.`,
      );
    }
    const bound = better === 'less' ? before.value.median * room : before.value.median / room;
    const isWorse = better === 'less' ? value.median > bound : value.median < bound;
    return isWorse ? [{ what, kept: before.value.median, fresh: value.median, bound, better }] : [];
  });
}

/** One of them in words. */
export function explained(benchmark: string, { what, kept, fresh, bound, better }: Regression): string {
  const limit = better === 'less' ? 'at most' : 'at least';
  return (
    `${benchmark}: ${what} is ${amount('ratio', fresh)}, was ${amount('ratio', kept)} when docs/benchmarks/results/${benchmark}.json was taken, ` +
    `and may be ${limit} ${amount('ratio', bound)}. Both sides are measured in turn in one process, so a busy machine hardly explains it. ` +
    `See what changed; if it is meant to be so, take it anew: npm run bench -- ${benchmark} --save`
  );
}
