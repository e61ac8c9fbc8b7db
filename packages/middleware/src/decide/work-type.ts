/** What a decision must know of a work type. */
export interface WorkTypeRank {
  readonly name: string;
  /** 1 is the most important. */
  readonly priority: number;
  readonly exempt: boolean;
  /** In ms, not rounded; undefined where it is exempt. May change between two decisions. */
  readonly thresholdMs: number | undefined;
}

/**
 * The work types that a work type must not go before: more important ones that tolerate at least as much latency.
 * Where one of them is postponed, so is it.
 */
export function ranksAhead<Rank extends WorkTypeRank>(ranks: readonly Rank[], of: Rank): readonly Rank[] {
  return ranks.filter(
    (rank) => !rank.exempt && rank.priority < of.priority && thresholdOf(rank) >= thresholdOf(of),
  );
}

/** The last of those that have the priority of `ranks[rank]`; they are in order of priority. */
export function lastEqual(ranks: readonly WorkTypeRank[], rank: number): number {
  let last = rank;
  while (ranks[last + 1]?.priority === ranks[rank]?.priority && last + 1 < ranks.length) last += 1;
  return last;
}

/** The threshold, infinite for work that is never postponed. */
export function thresholdOf({ thresholdMs }: WorkTypeRank): number {
  return thresholdMs ?? Number.POSITIVE_INFINITY;
}
