/** How thresholds that are `auto` follow the baseline of a partition: what its latency is while nothing is wrong. */
export interface AutoThresholdOptions {
  /** So many times the baseline the most important work with `auto` tolerates; less important work less. Default 4. */
  readonly tolerance?: number;
  /** No such threshold is lower, ms: latency below it is never an overload. Default 20. */
  readonly floorMs?: number;
  /** No such threshold is higher, ms, whatever was learned. It is also what counts during the warm-up. Default 250. */
  readonly ceilingMs?: number;
  /** How much time with commits a partition is watched before its baseline counts, ms. Default 10,000. */
  readonly warmUpMs?: number;
}

/** What {@link AutoThresholdOptions} are where they are left out. */
export const autoThresholdDefaults = {
  tolerance: 4,
  floorMs: 20,
  ceilingMs: 250,
  warmUpMs: 10_000,
} as const satisfies Required<AutoThresholdOptions>;
