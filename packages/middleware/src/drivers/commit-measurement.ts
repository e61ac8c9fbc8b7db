import { systemClock } from '../clock.ts';
import type { RequestContext } from '../request-context.ts';
import { type Commit, type CommitOutcome, commitFinished, commitStarted } from './driver.ts';

/** A commit that begins now. */
export interface BegunCommit {
  /** Publishes how it ended, now. Only the first call counts. */
  finish(outcome: CommitOutcome): void;
}

/** Publishes a commit from now to its finish. */
export function beginCommit(
  partition: string,
  kind: Commit['kind'],
  context: RequestContext | undefined,
): BegunCommit {
  const commit: Commit = {
    ...{ partition, kind, context },
    ...{ startedAt: systemClock.now(), durationMs: 0, outcome: undefined },
  };
  commitStarted.publish(commit);
  return {
    finish(outcome) {
      if (commit.outcome !== undefined) return;
      commit.durationMs = systemClock.now() - commit.startedAt;
      commit.outcome = outcome;
      commitFinished.publish(commit);
    },
  };
}

/** Whether anybody would hear of a commit. */
export function isHeard(): boolean {
  return commitStarted.hasSubscribers || commitFinished.hasSubscribers;
}
