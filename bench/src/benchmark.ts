import type { SeriesPicture } from './pictures/series-picture.ts';
import type { Spread } from './statistics.ts';

/** `ratio`: of two things measured in turn within this run; `share`: between 0 and 1, shown as per cent; `count`: of things. */
export type Unit = 'ratio' | 'share' | 'count' | 'ns' | 'µs' | 'ms' | 's' | 'per second' | 'bytes';

/** One figure, as it is printed and written. */
export interface Figure {
  /** What was measured, and against what. */
  readonly what: string;
  /**
   * Whose figure it is, where several contenders are measured alike: those are shown as one table, a row for each
   * contender and a column for each `what`, and as bars. `ours` of the benchmark says which of them is this project's.
   */
  readonly who?: string;
  /** Which is better, where it is compared with others': the best of each column is marked. */
  readonly better?: 'more' | 'less';
  readonly unit: Unit;
  readonly value: Spread;
  readonly target?: Target;
  /** What the ratio is made of, or what else should be known. */
  readonly note?: string;
}

/** What a figure should come to. */
export type Target = { readonly atLeast: number } | { readonly atMost: number };

/** What a benchmark is given. */
export interface Run {
  /** Fewer and shorter rounds: to see that it runs, not to quote. */
  readonly quick: boolean;
  /** How many entries a ledger is to grow to, where somebody asked for that. */
  readonly entries?: number | undefined;
  /** Says what is going on. */
  progress(text: string): void;
  /** Adds to the result what is no figure. May be called several times. */
  tell(more: Told): void;
}

/** What belongs to a result besides its figures. */
export interface Told {
  /** How contenders and servers are set, by name, in words: enough to do it again. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Versions of servers, by name; those of packages come by {@link Benchmark.packages}. */
  readonly versions?: Readonly<Record<string, string>>;
  /** What is drawn besides the bars that figures with a `who` get. */
  readonly pictures?: readonly SeriesPicture[];
  /** What else was measured, as JSON, for whoever wants to look closer. No page is made of it. */
  readonly data?: object;
}

/** One part of `npm run bench`. */
export interface Benchmark {
  readonly name: string;
  /** One line: what is compared with what. */
  readonly title: string;
  /** The packages that are measured or compared with: their versions are part of the result. */
  readonly packages?: readonly string[];
  /** Which `who` of its figures is this project's. */
  readonly ours?: string;
  /** Which `what` of its figures with a `who` are drawn as bars; all by default. */
  readonly bars?: readonly string[];
  measure(run: Run): Promise<readonly Figure[]>;
  /**
   * A few of its ratios again, in a second or two, for `npm run bench:check`: of the same name as in the result, with the direction that is
   * better. Only what a busy machine does not change much: two sides in turn in one process.
   */
  readonly check?: () => Promise<readonly Figure[]>;
}

/** A benchmark that can be checked. */
export type Checked = Pick<Benchmark, 'name'> & Required<Pick<Benchmark, 'check'>>;

/** Whether a figure comes to its target: `unclear` where its interval reaches to both sides. */
export function standing({ value, target }: Figure): 'met' | 'missed' | 'unclear' | undefined {
  if (target === undefined) return undefined;
  const holds = (at: number): boolean => ('atLeast' in target ? at >= target.atLeast : at <= target.atMost);
  if (holds(value.low) && holds(value.high)) return 'met';
  return holds(value.low) || holds(value.high) ? 'unclear' : 'missed';
}
