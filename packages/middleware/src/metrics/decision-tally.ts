import type { ReasonCode } from '@slackwater/shared';

/** One line of what was counted. */
export interface CountedDecisions {
  /** Index of the work type. */
  readonly rank: number;
  readonly decision: Decision;
  readonly reason: ReasonCode;
  readonly count: number;
}

/** The same of callers that had been asked to come back. */
export type CountedReturns = Omit<CountedDecisions, 'reason'>;

type Decision = 'perform' | 'retry-later' | 'defer';

const decisions: readonly Decision[] = ['perform', 'retry-later', 'defer'];

/**
 * Counts decisions by work type, decision and first reason. On the way of each request, so that it builds no key: a few
 * nanoseconds. As many counts as work types, decisions and reasons give.
 */
export class DecisionTally {
  readonly #byRank: Map<ReasonCode, { count: number }>[][] = [];
  readonly #returns = new Map<number, ReadonlyMap<Decision, number>>();

  /** @param returned its caller had been asked to come back, and was recognised */
  count(rank: number, decision: Decision, reason: ReasonCode, returned: boolean): void {
    if (returned) this.#returns.set(rank, added(this.#returns.get(rank), decision));
    const counted = this.#of(rank, decision).get(reason);
    if (counted === undefined) this.#of(rank, decision).set(reason, { count: 1 });
    else counted.count += 1;
  }

  *list(): IterableIterator<CountedDecisions> {
    for (const [rank, byDecision] of this.#byRank.entries()) {
      for (const [at, decision] of decisions.entries()) {
        for (const [reason, { count }] of byDecision?.[at] ?? []) yield { rank, decision, reason, count };
      }
    }
  }

  *returns(): IterableIterator<CountedReturns> {
    for (const [rank, byDecision] of this.#returns) {
      for (const [decision, count] of byDecision) yield { rank, decision, count };
    }
  }

  #of(rank: number, decision: Decision): Map<ReasonCode, { count: number }> {
    let byDecision = this.#byRank[rank];
    if (byDecision === undefined) {
      byDecision = decisions.map(() => new Map());
      this.#byRank[rank] = byDecision;
    }
    return byDecision[decision === 'perform' ? 0 : decision === 'retry-later' ? 1 : 2] ?? new Map();
  }
}

function added(
  counts: ReadonlyMap<Decision, number> = new Map(),
  decision: Decision,
): ReadonlyMap<Decision, number> {
  return new Map(counts).set(decision, (counts.get(decision) ?? 0) + 1);
}
