import { systemClock } from '../clock.ts';
import type { RequestContext } from '../request-context.ts';
import { type Commit, type CommitOutcome, commitFinished, commitStarted } from './driver.ts';

/** A commit that begins now. */
export interface BegunCommit {
  /** Publishes how it ended, now. Only the first call counts. */
  finish(outcome: CommitOutcome): void;
}

/** Publishes a commit from `startedAt`, which is now unless it was known too late for a commit, to its finish. */
export function beginCommit(
  partition: string,
  kind: Commit['kind'],
  context: RequestContext | undefined,
  startedAt: number = systemClock.now(),
): BegunCommit {
  const commit: Commit = {
    ...{ partition, kind, context },
    ...{ startedAt, durationMs: 0, outcome: undefined },
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
