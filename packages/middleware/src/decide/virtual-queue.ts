import type { AdmissionsSetup } from './admissions-setup.ts';
import { CommitRate } from './commit-rate.ts';
import { returnAt } from './retry-after.ts';

/** The callers of one partition that were told to come back, and when the last of them does. */
export class VirtualQueue {
  readonly #setup: Pick<AdmissionsSetup, 'probeEveryMs' | 'retryAfterCapMs' | 'random'>;
  readonly #rate = new CommitRate();
  #lastReturnAt = Number.NEGATIVE_INFINITY;

  constructor(setup: Pick<AdmissionsSetup, 'probeEveryMs' | 'retryAfterCapMs' | 'random'>) {
    this.#setup = setup;
  }

  /** The partition has finished a commit. */
  count(now: number): void {
    this.#rate.count(now);
  }

  /** Gives a caller its place, and how long it should stay away, whole ms; not before `earliestAt`. */
  retryAfterMs(now: number, earliestAt: number): number {
    const { probeEveryMs, retryAfterCapMs, random } = this.#setup;
    const at = returnAt({
      now,
      earliestAt,
      lastReturnAt: this.#lastReturnAt,
      perSecond: Math.max(this.#rate.perSecond(now), 1_000 / probeEveryMs),
      capMs: retryAfterCapMs,
      random: random(),
    });
    this.#lastReturnAt = Math.max(this.#lastReturnAt, at);
    return Math.max(1, Math.ceil(at - now));
  }
}
