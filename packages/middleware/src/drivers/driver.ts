import { channel } from 'node:diagnostics_channel';
import type { RequestContext } from '../request-context.ts';

/**
 * The driver contract. A driver watches one kind of database client and publishes each commit that wrote,
 * twice: when it begins and when the database has answered. It knows nothing of gates; gates subscribe.
 *
 * Law:
 * - A commit's time runs from when the database could first see it to its answer. Waiting for a connection
 *   or behind earlier statements of the same connection is not in it.
 * - A read-only COMMIT and a COMMIT that the database answered with ROLLBACK after an error are not commits
 *   that wrote: the first is never published, the second finishes as `rolledBack`.
 * - Every published start is followed by exactly one finish, also when the connection is lost (`unknown`)
 *   or the commit is refused (`failed`).
 * - `startedAt` is of the monotonic clock of this process, in ms, and `durationMs` a finite number, 0 or more. A partition's name
 *   has 1 to 200 characters. What is told otherwise is not counted, and told of as trouble.
 * - The request's context is taken at call time.
 * - Nothing the driver does may change what the observed client answers, apart from the completion row.
 */
export interface Commit {
  readonly partition: string;
  /** `explicit`: a COMMIT or END. `autocommit`: one write outside a transaction. */
  readonly kind: 'explicit' | 'autocommit';
  /** Monotonic milliseconds of the system clock. */
  readonly startedAt: number;
  readonly context: RequestContext | undefined;
  /** Set before the finish is published. */
  durationMs: number;
  /** `undefined` until it has finished. */
  outcome: CommitOutcome | undefined;
}

/** How a commit ended. `unknown`: the connection was lost before the answer. */
export type CommitOutcome = 'committed' | 'rolledBack' | 'failed' | 'unknown';

/** Where commits are announced: `diagnostics_channel` costs nothing while nobody listens. */
export const commitStarted = channel('slackwater:commit:started');
export const commitFinished = channel('slackwater:commit:finished');

/** Told of each source as it is observed; the message is the {@link CommitSource}. */
export const sourceObserved = channel('slackwater:source:observed');

/** Told when a source's database was reached anew, or could not be; the message is a {@link SourceContact}. */
export const sourceContact = channel('slackwater:source:contact');

/**
 * What a try to reach a source's database came to. Law:
 * - `reached`: a new connection was made. It is not told of statements.
 * - `refused`: the network or the server refused a new connection: it is down, starts up, has no connection left. Wrong
 *   credentials and a database that does not exist are none of it: waiting heals neither.
 * - `timed-out`: a new connection was not made in time. The wait for a free connection of a full pool is not meant.
 * - `lost`: an established connection ended, and nobody had asked for that. Once for each connection.
 */
export interface SourceContact {
  readonly partition: string;
  readonly outcome: 'reached' | 'refused' | 'timed-out' | 'lost';
}

/** One observed pool or connection: what a gate may ask of a partition's database. */
export interface CommitSource {
  readonly partition: string;
  /** The driver's name, for messages: `pg`. */
  readonly driver: string;
  /** The server, as {@link serverName} spells it; undefined where nobody can say. */
  readonly server?: string | undefined;
  /** How many connections it may hold; undefined where nobody can say. */
  readonly connections: number | undefined;
  /** How many callers wait for a connection at this moment; undefined where nobody can say. */
  readonly waiting?: (() => number) | undefined;
  /**
   * Commits one small write and resolves with how long the database took to flush it, in ms. It is not published: it
   * touches none of the application's tables, and so says nothing of what makes theirs slow. It connects where it has to, and rejects where the database can't be reached:
   * so a gate finds out that one that was gone is back.
   */
  readonly probe: (() => Promise<number>) | undefined;
  readonly completions: Completions | undefined;
}

/** The completion rows of one database: what makes a replay happen once. */
export interface Completions {
  /** Resolves when the completion table can be used; else rejects, with `completion-table-missing` where the database could be asked. */
  ready(): Promise<void>;
  /** The rows of a key, by ordinal. Rejects when the database can't be asked. */
  find(key: string): Promise<readonly CompletionRow[]>;
  /**
   * Durably shuts out every later transaction of the key that has not yet inserted its row, unless one has.
   * `completed`: there were rows already, and nothing was changed.
   */
  shutOut(key: string): Promise<'shut-out' | 'completed'>;
}

/** One transaction that was done for a key. */
export interface CompletionRow {
  readonly ordinal: number;
  /** True for a row that shuts out: nothing was done. */
  readonly tombstone: boolean;
}

const registryKey = Symbol.for('slackwater.commit-sources');
const ownKey = Symbol.for('slackwater.own-connections');
const shared = globalThis as { [registryKey]?: Set<CommitSource>; [ownKey]?: WeakSet<object> };
shared[registryKey] ??= new Set();
shared[ownKey] ??= new WeakSet();
const sources: Set<CommitSource> = shared[registryKey];

/**
 * Clients, and pools that are being asked for one, that Slackwater uses for itself at this moment: an engine puts them
 * in and takes them out. A driver lets what happens on them pass unobserved: it is none of the application's work.
 */
export const ownConnections: WeakSet<object> = shared[ownKey];

/** How a database server is named, so that two who speak of the same one can be told to. */
export function serverName({ host, port }: { readonly host: string; readonly port: number }): string {
  const isHere = host.startsWith('/') || /^(?:localhost|127(?:\.\d+){3}|::1)$/i.test(host);
  return `${isHere ? 'localhost' : host.toLowerCase()}:${port}`;
}

/** Makes a source known to gates that exist and to gates to come. Returns the way to take it back. */
export function announceSource(source: CommitSource): () => void {
  sources.add(source);
  sourceObserved.publish(source);
  return () => sources.delete(source);
}

/** The sources observed by now, in the order of their observation. */
export function commitSources(): Iterable<CommitSource> {
  return sources.values();
}

/** Those of one partition. */
export function sourcesOf(partition: string): readonly CommitSource[] {
  return [...sources].filter((source) => source.partition === partition);
}

/** The completion rows of a partition; `none` where it is observed and has none, undefined where nobody observes it. */
export function completionsAt(partition: string): Completions | 'none' | undefined {
  const own = sourcesOf(partition);
  return (
    own.find(({ completions }) => completions !== undefined)?.completions ??
    (own.length > 0 ? 'none' : undefined)
  );
}
