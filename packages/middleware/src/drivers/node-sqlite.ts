import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { SlackwaterError } from '@slackwater/shared';
import { systemClock } from '../clock.ts';
import { requestContext } from '../request-context.ts';
import { announceSource } from './driver.ts';
import { type SqliteCall, SqliteCommits } from './node-sqlite-commits.ts';
import { completionsOf } from './node-sqlite-completions.ts';
import { SqliteOnce, type SqliteOnceObservation } from './node-sqlite-once.ts';
import { SqliteState } from './node-sqlite-state.ts';
import { isPlain, readSqliteText, type SqliteText } from './node-sqlite-text.ts';
import { checkNames, checkPartition, invalid } from './observe-options.ts';
import { replaceMethod } from './replace-method.ts';

export { AlreadyPerformedError } from './completion-error.ts';
export { type SqliteUndoRows, undoRows } from './node-sqlite-undo-rows.ts';
export type { UndoOf, UndoRowsOptions } from './undo-rows.ts';

/** How a database of `node:sqlite` is observed. */
export interface ObserveDatabaseOptions {
  /**
   * What its commits go to: the key under which latency is kept and work is judged. 1 to 200 characters. Several
   * databases may have the same, and connections to one file should.
   */
  readonly partition: string;
  /**
   * Whether the driver may create the table `slackwater_completions` where it is missing; else the migration in
   * docs/completion-rows.md does, and without it nothing is deferred to this partition. Default false.
   */
  readonly ensure?: boolean;
}

/** A database that is being observed, until it is stopped. */
export interface ObservedDatabase {
  /** Ends the observation: the database's methods are its own again. Not needed for one that is closed. */
  stop(): void;
  /**
   * Removes completion rows older than that, in batches; resolves with how many. Rows are needed for as long
   * as a request may be repeated: a day more than idempotency keys are kept (7 days by default) is safe.
   */
  prune(olderThanMs: number): Promise<number>;
}

interface Observation extends ObservedDatabase {
  readonly partition: string;
}

const observations = new WeakMap<DatabaseSync, Observation>();

/**
 * Observes one connection of `node:sqlite`: publishes each commit that wrote, be it a COMMIT, an END, the RELEASE of an
 * outermost savepoint or a write outside a transaction; and inserts completion rows for requests that are to be done once.
 *
 * Whether there is a transaction and whether it wrote is what SQLite says (`isTransaction`, `total_changes()`); words
 * tell only which statement ended it. A text of several statements that commits (`begin; ...; commit`) is one commit,
 * from its call to its return. Not seen are statements that were prepared before, and those of tag stores and
 * changesets; within a transaction whose COMMIT is seen their writes count.
 *
 * Throws `option-missing`, `option-unknown` or `option-invalid`, the last also for a database that is closed, or is
 * observed as another partition.
 */
export function observe(database: DatabaseSync, options: ObserveDatabaseOptions): ObservedDatabase {
  if (!isDatabase(database)) {
    throw new SlackwaterError(
      'option-invalid',
      "observe(): what was given is no DatabaseSync of node:sqlite; give the database, observe(database, { partition: 'orders' }).",
    );
  }
  checkNames(options, ['partition', 'ensure']);
  const { partition, ensure } = options;
  checkPartition(partition, 'database');
  if (ensure !== undefined && typeof ensure !== 'boolean')
    throw invalid('ensure', ensure, 'give true or false');
  const known = observations.get(database);
  if (known === undefined) return observeDatabase(database, partition, { tableToEnsure: ensure === true });
  if (known.partition !== partition) {
    throw new SlackwaterError(
      'option-invalid',
      `partition: ${JSON.stringify(partition)}: this database is observed as ${JSON.stringify(known.partition)}; stop that first.`,
    );
  }
  return known;
}

function observeDatabase(
  database: DatabaseSync,
  partition: string,
  table: SqliteOnceObservation,
): Observation {
  const state = new SqliteState(database);
  if (Number.isNaN(state.changes())) {
    throw new SlackwaterError(
      'option-invalid',
      'observe(): this database does not answer SELECT total_changes(); open it, and let its authorizer allow that, before it is observed.',
    );
  }
  const once = new SqliteOnce(database, state, table);
  const completions = completionsOf(database, state, table);
  const watcher = new Watcher(new SqliteCommits(partition, state), once);
  const undo = [
    replaceMethod(database, 'exec', (exec, args) => {
      const [sql] = args;
      const text = typeof sql === 'string' ? readSqliteText(sql, 'all') : undefined;
      return text === undefined || isPlain(text) ? exec(...args) : watcher.watch(text, () => exec(...args));
    }),
    replaceMethod(database, 'prepare', (prepare, args) => {
      const statement = prepare(...args) as StatementSync;
      const text = readSqliteText(String(args[0]), 'first');
      if (!isPlain(text)) watchStatement(statement, text, watcher);
      return statement;
    }),
    ...['close', Symbol.dispose].map((name) =>
      replaceMethod(database, name, (close, args) => {
        const result = close(...args);
        stop();
        return result;
      }),
    ),
    announceSource({
      partition,
      driver: 'node-sqlite',
      connections: 1,
      probe: undefined,
      completions,
    }),
  ];
  const stop = (): void => {
    watcher.stopped = true;
    observations.delete(database);
    for (const step of undo.splice(0)) step();
  };
  const observation: Observation = { partition, stop, prune: completions.prune };
  observations.set(database, observation);
  return observation;
}

function watchStatement(statement: StatementSync, text: SqliteText, watcher: Watcher): void {
  for (const name of ['run', 'get', 'all'] as const) {
    replaceMethod(statement, name, (method, args) => watcher.watch(text, () => method(...args)));
  }
  replaceMethod(statement, 'iterate', (iterate, args) => {
    // Its transaction would be as long as somebody wants rows. Nothing of what it does waits for that.
    if (watcher.isOnce) return Reflect.apply(statement.all, statement, args)[Symbol.iterator]();
    const rows = iterate(...args) as Iterator<unknown>;
    watchSteps(rows, text, watcher);
    return rows;
  });
}

/** SQLite works while it is asked for rows, and commits when there are no more or nobody wants them. */
function watchSteps(rows: Iterator<unknown>, text: SqliteText, watcher: Watcher): void {
  let call: SqliteCall | undefined;
  let state: 'new' | 'running' | 'ended' = 'new';
  let durationMs = 0;
  const step = (method: Method, args: unknown[], isLast: (result: unknown) => boolean): unknown => {
    if (state === 'ended' || watcher.isInside) return method(...args);
    if (state === 'new') call = watcher.begin(text);
    state = 'running';
    const steppedAt = systemClock.now();
    const end = (error: unknown): void => {
      state = 'ended';
      if (call !== undefined) watcher.end(call, durationMs, error);
    };
    let result: unknown;
    try {
      result = watcher.inside(() => method(...args));
    } catch (error) {
      durationMs += systemClock.now() - steppedAt;
      end(error);
      throw error;
    }
    durationMs += systemClock.now() - steppedAt;
    if (isLast(result)) end(undefined);
    return result;
  };
  replaceMethod(rows, 'next', (next, args) =>
    step(next, args, (result) => (result as IteratorResult<unknown>).done === true),
  );
  replaceMethod(rows, 'return', (finish, args) => step(finish, args, () => true));
}

/** Runs calls of one database under observation. */
class Watcher {
  readonly #commits: SqliteCommits;
  readonly #once: SqliteOnce;
  /** What an SQL function of the application's own calls belongs to the statement that calls the function. */
  #isInside = false;
  stopped = false;

  constructor(commits: SqliteCommits, once: SqliteOnce) {
    this.#commits = commits;
    this.#once = once;
  }

  /** Whether a statement called now is to be done once. */
  get isOnce(): boolean {
    return !this.stopped && !this.#isInside && requestContext.getStore()?.completion !== undefined;
  }

  get isInside(): boolean {
    return this.#isInside;
  }

  watch(text: SqliteText, method: () => unknown): unknown {
    const call = this.#isInside ? undefined : this.begin(text);
    if (call === undefined) return method();
    let result: unknown;
    try {
      result = this.inside(() => this.#once.run(text, method));
    } catch (error) {
      this.end(call, systemClock.now() - call.startedAt, error);
      throw error;
    }
    this.end(call, systemClock.now() - call.startedAt, undefined);
    return result;
  }

  begin(text: SqliteText): SqliteCall | undefined {
    return this.stopped ? undefined : this.#commits.begin(text);
  }

  end(call: SqliteCall, durationMs: number, error: unknown): void {
    if (!this.stopped) this.#commits.end(call, durationMs, error);
  }

  inside<T>(work: () => T): T {
    this.#isInside = true;
    try {
      return work();
    } finally {
      this.#isInside = false;
    }
  }
}

type Method = (...args: unknown[]) => unknown;

function isDatabase(value: unknown): value is DatabaseSync {
  if (typeof value !== 'object' || value === null) return false;
  return ['exec', 'prepare', 'close'].every(
    (name) => typeof (value as Record<string, unknown>)[name] === 'function',
  );
}
