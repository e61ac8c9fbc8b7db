import type { AdmissionsSetup } from './admissions-setup.ts';
import { CommitRate } from './commit-rate.ts';
import { returnAt } from './retry-after.ts';
import { type ReturnFigures, ReturnShare } from './return-share.ts';

/** What a caller is given its place by. Instants are monotonic ms. */
export interface PlaceFacts {
  readonly now: number;
  /** Not before it. */
  readonly earliestAt: number;
  /** For how long the partition has been over, ms; 0 where it is not. */
  readonly overForMs: number;
}

/** The callers of one partition that were told to come back, when the last of them does, and how they fare then. */
export class VirtualQueue {
  readonly #setup: Pick<AdmissionsSetup, 'probeEveryMs' | 'retryAfterCapMs' | 'random'>;
  readonly #rate = new CommitRate();
  /** While nothing was wrong: what the partition will take when it has recovered. */
  readonly #usualRate = new CommitRate(30_000);
  readonly #share = new ReturnShare();
  #lastReturnAt = Number.NEGATIVE_INFINITY;

  constructor(setup: Pick<AdmissionsSetup, 'probeEveryMs' | 'retryAfterCapMs' | 'random'>) {
    this.#setup = setup;
  }

  /** The partition has finished a commit. */
  count(now: number, isWell: boolean): void {
    this.#rate.count(now);
    if (isWell) this.#usualRate.count(now);
    else this.#usualRate.skip(now);
  }

  /** Somebody has arrived, and was let through or not: where callers are due, it may be one of them. */
  arrived(succeeded: boolean, isOver: boolean, now: number): void {
    if (now <= this.#lastReturnAt) this.#share.arrived(succeeded, isOver, now);
  }

  /** A caller that was told to come back has done so in its time. */
  returned(succeeded: boolean, isOver: boolean, now: number): void {
    this.#share.returned(succeeded, isOver, now);
  }

  /** Gives a caller its place, and how long it should stay away, whole ms. */
  retryAfterMs(facts: PlaceFacts): number {
    const { now } = facts;
    const { probeEveryMs, retryAfterCapMs, random } = this.#setup;
    const at = returnAt({
      ...facts,
      lastReturnAt: this.#lastReturnAt,
      perSecond: Math.max(this.#rate.perSecond(now), this.#usualRate.lastPerSecond, 1_000 / probeEveryMs),
      succeedShare: this.#share.at(now),
      capMs: retryAfterCapMs,
      random: random(),
    });
    this.#share.tell();
    this.#lastReturnAt = Math.max(this.#lastReturnAt, at);
    return Math.max(1, Math.ceil(at - now));
  }

  /** How those fared who came back. */
  figures(now: number): ReturnFigures {
    return this.#share.figures(now);
  }
}
