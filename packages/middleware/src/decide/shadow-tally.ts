import type { ReasonCode } from '@slackwater/shared';

/** What a gate in shadow mode would have done with the requests of one work type, and what that would have kept away. */
export interface ShadowCounts {
  /** Would have been performed. */
  performed: number;
  /** Would have been asked to retry later. */
  retryLater: number;
  /** Would have been deferred, as far as their caller and work type say. */
  deferred: number;
  /** The same two, by the first reason. */
  readonly reasons: Partial<Record<ReasonCode, number>>;
  /** Commits of requests that would have been postponed: as many would not have come then. */
  commits: number;
  /** What those commits took together, ms; the time of other statements is not in it. */
  commitMs: number;
}

/** What shadow mode came to since the gate was made, by work type; those that had no request in shadow are not there. */
export type ShadowReport = Readonly<Record<string, Readonly<ShadowCounts>>>;

/** Counts what shadow mode does. As many counts as there are work types and reasons. */
export class ShadowTally {
  readonly #counts = new Map<string, ShadowCounts>();

  /** A request would have been performed, too. */
  performed(workType: string): void {
    this.#of(workType).performed += 1;
  }

  /** A request would have been postponed. */
  postponed(workType: string, as: 'retry-later' | 'defer', reason: ReasonCode | undefined): void {
    const counts = this.#of(workType);
    if (as === 'defer') counts.deferred += 1;
    else counts.retryLater += 1;
    if (reason !== undefined) counts.reasons[reason] = (counts.reasons[reason] ?? 0) + 1;
  }

  /** A request that would have been postponed has committed, or tried to. */
  committed(workType: string, durationMs: number): void {
    const counts = this.#of(workType);
    counts.commits += 1;
    counts.commitMs += durationMs;
  }

  /** A copy of what was counted. */
  report(): ShadowReport {
    return Object.fromEntries(
      [...this.#counts].map(([name, counts]) => [name, { ...counts, reasons: { ...counts.reasons } }]),
    );
  }

  #of(workType: string): ShadowCounts {
    let counts = this.#counts.get(workType);
    if (counts === undefined) {
      counts = { performed: 0, retryLater: 0, deferred: 0, reasons: {}, commits: 0, commitMs: 0 };
      this.#counts.set(workType, counts);
    }
    return counts;
  }
}
