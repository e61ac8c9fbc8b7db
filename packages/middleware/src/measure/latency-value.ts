/** What a window's samples are boiled down to. */
export type Statistic =
  | 'median'
  | 'mean'
  | { readonly quantile: number }
  | ((samples: readonly number[]) => number);

/** A partition's latency at one instant. */
export interface LatencyReading {
  /**
   * max(statistic of the window, median age of unfinished commits that no later-begun commit has overtaken),
   * unrounded, in ms; undefined where fewer than `minSamples` commits are known.
   */
  readonly valueMs: number | undefined;
  /**
   * How many finished commits it rests on. Where it is 0, `valueMs` is the age of unfinished ones: that can be
   * bad news, never good.
   */
  readonly samples: number;
  /** How many unfinished ones. */
  readonly unfinished: number;
}
