/** What a decision must know of a work type. */
export interface WorkTypeRank {
  readonly name: string;
  /** 1 is the most important. */
  readonly priority: number;
  readonly exempt: boolean;
  /**
   * In ms, not rounded; `auto` where each partition teaches its own; undefined where it is exempt. May change between two
   * decisions.
   */
  readonly thresholdMs: number | 'auto' | undefined;
  /** What would be postponed is let through; absent where it is not. May change between two decisions. */
  readonly shadow?: boolean;
}

/**
 * The work types that a work type must not go before: more important ones that tolerate at least as much latency, on every
 * partition. Where one of them is postponed, so is it. What is `auto` tolerates no more than anything more important, and at
 * least as much as anything less important that is within `ceilingMs`.
 */
export function ranksAhead<Rank extends WorkTypeRank>(
  ranks: readonly Rank[],
  of: Rank,
  ceilingMs: number,
): readonly Rank[] {
  return ranks.filter(
    (rank) =>
      !rank.exempt &&
      rank.priority < of.priority &&
      // Nobody has to wait behind work that is let through anyway.
      (rank.shadow !== true || of.shadow === true) &&
      (of.thresholdMs === 'auto' || mostTolerated(rank, ceilingMs) >= mostTolerated(of, ceilingMs)),
  );
}

/** The last of those that have the priority of `ranks[rank]`; they are in order of priority. */
export function lastEqual(ranks: readonly WorkTypeRank[], rank: number): number {
  let last = rank;
  while (ranks[last + 1]?.priority === ranks[rank]?.priority && last + 1 < ranks.length) last += 1;
  return last;
}

/** The highest threshold that it has on any partition, infinite for work that is never postponed. */
export function mostTolerated({ thresholdMs }: Pick<WorkTypeRank, 'thresholdMs'>, ceilingMs: number): number {
  return thresholdMs === 'auto' ? ceilingMs : (thresholdMs ?? Number.POSITIVE_INFINITY);
}
