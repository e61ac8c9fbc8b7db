import { systemClock } from '../clock.ts';
import type { RequestContext } from '../request-context.ts';
import { type Commit, type CommitOutcome, commitFinished, commitStarted } from './driver.ts';
import type { PgQuery } from './pg-client.ts';
import { type QueryWatcher, watchQuery } from './pg-watch.ts';

/** A query that commits, and what is known of it when it is called. */
export interface CommittingQuery {
  readonly partition: string;
  readonly kind: Commit['kind'];
  readonly context: RequestContext | undefined;
  readonly query: PgQuery;
  /** It went to the database when it was called, at `calledAt`; else it waits behind others. */
  readonly submitted: boolean;
  /** Monotonic ms. */
  readonly calledAt: number;
  /** The query does more than to commit, so that an error need not be the commit's. */
  readonly doesMore: boolean;
  /** Asked when it goes to the database: whether there is anything to commit. */
  writes(): boolean;
}

/** Whether anybody would hear of a commit. */
export function isHeard(): boolean {
  return commitStarted.hasSubscribers || commitFinished.hasSubscribers;
}

/** Publishes a commit from when the database could first see it to its answer. */
export function measureCommit(committing: CommittingQuery): void {
  const { partition, kind, context, query } = committing;
  let commit: Commit | undefined;
  let committed = false;
  let rolledBack = false;

  const start = (startedAt: number): void => {
    if (!committing.writes()) return;
    commit = { partition, kind, startedAt, context, durationMs: 0, outcome: undefined };
    commitStarted.publish(commit);
  };

  const watcher: QueryWatcher = {
    answered(answer) {
      if (commit !== undefined) {
        commit.durationMs = systemClock.now() - commit.startedAt;
        commit.outcome = outcomeOf(answer.error, { committed, rolledBack, doesMore: committing.doesMore });
        commitFinished.publish(commit);
      }
      answer.give();
    },
  };
  // Each method that is watched costs every such query a little: only those that will be called.
  if (!committing.submitted) {
    watcher.submitting = () => {
      start(systemClock.now());
      return undefined;
    };
  }
  if (kind === 'explicit') {
    watcher.tagged = (tag) => {
      if (tag === 'ROLLBACK') rolledBack = true;
      else if (tag.startsWith('COMMIT') || tag === 'PREPARE TRANSACTION') committed = true;
    };
  }
  watchQuery(query, watcher);
  if (committing.submitted) start(committing.calledAt);
}

interface Told {
  readonly committed: boolean;
  readonly rolledBack: boolean;
  readonly doesMore: boolean;
}

function outcomeOf(error: unknown, { committed, rolledBack, doesMore }: Told): CommitOutcome {
  if (error === undefined) return rolledBack && !committed ? 'rolledBack' : 'committed';
  if (committed) return 'committed';
  const { code, severity, message } = error as { code?: unknown; severity?: unknown; message?: unknown };
  if (message === 'Query read timeout') return 'failed';
  if (typeof severity !== 'string' || severity === 'FATAL' || severity === 'PANIC') return 'unknown';
  // Of a statement that commits by itself, only running out of time says something of the database's speed.
  return doesMore && code !== '57014' && code !== '55P03' ? 'rolledBack' : 'failed';
}
