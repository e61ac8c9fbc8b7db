import type { Spread } from './statistics.ts';

/** One figure, as it is printed and written. */
export interface Figure {
  /** What was measured, and against what. */
  readonly what: string;
  /** `ratio`: of two things measured in turn within this run. */
  readonly unit: 'ratio' | 'ns' | 'µs' | 'per second' | 'bytes';
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
  /** The folder for pictures, where somebody asked for them. */
  readonly curves?: string | undefined;
  /** Says what is going on. */
  progress(text: string): void;
}

/** One part of `npm run bench`. */
export interface Benchmark {
  readonly name: string;
  /** One line: what is compared with what. */
  readonly title: string;
  measure(run: Run): Promise<readonly Figure[]>;
}

/** Whether a figure comes to its target: `unclear` where its interval reaches to both sides. */
export function standing({ value, target }: Figure): 'met' | 'missed' | 'unclear' | undefined {
  if (target === undefined) return undefined;
  const holds = (at: number): boolean => ('atLeast' in target ? at >= target.atLeast : at <= target.atMost);
  if (holds(value.low) && holds(value.high)) return 'met';
  return holds(value.low) || holds(value.high) ? 'unclear' : 'missed';
}
