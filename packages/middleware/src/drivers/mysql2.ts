import { SlackwaterError } from '@slackwater/shared';
import type { Mysql2Connection, Mysql2Pool, Mysql2PoolCluster } from './mysql2-client.ts';
import { watchCluster } from './mysql2-cluster.ts';
import { completionTableOf } from './mysql2-completion-table.ts';
import { isWatched, watchConnection } from './mysql2-connection.ts';
import { contactFailure, tellContact } from './mysql2-contact.ts';
import {
  checkMysql2Options,
  type ObserveMysql2ClusterOptions,
  type ObserveMysql2Options,
} from './mysql2-options.ts';
import { serverOf, type Watched, watchPool } from './mysql2-pool.ts';
import { connectLike } from './mysql2-service.ts';
import type { Mysql2Observation } from './mysql2-session.ts';
import { announceMysql2 } from './mysql2-source.ts';
import { Mysql2TextReader } from './mysql2-text.ts';

export { AlreadyPerformedError } from './completion-error.ts';
export type { ObserveMysql2ClusterOptions, ObserveMysql2Options } from './mysql2-options.ts';
export {
  type Mysql2UndoConnection,
  type Mysql2UndoPool,
  type Mysql2UndoRows,
  undoRows,
} from './mysql2-undo-rows.ts';
export type { UndoOf, UndoRowsOptions } from './undo-rows.ts';

/** A pool or a connection of `mysql2` or `mysql2/promise`, from 3.20 on. */
export interface ObservableMysql2 {
  query(...args: never[]): unknown;
  execute(...args: never[]): unknown;
  end(...args: never[]): unknown;
}

/** A pool cluster of `mysql2` or `mysql2/promise`. */
export interface ObservableMysql2Cluster {
  add(...args: never[]): unknown;
  of(...args: never[]): unknown;
  getConnection(...args: never[]): unknown;
}

/** What is being observed, until it is stopped. */
export interface ObservedMysql2 {
  /** Ends the observation: pool or connection are as they were before. Not needed for what is ended. */
  stop(): void;
  /**
   * Removes completion rows older than that, in batches; resolves with how many. Rows are needed for as long
   * as a request may be repeated: a day more than idempotency keys are kept (7 days by default) is safe.
   */
  prune(olderThanMs: number): Promise<number>;
}

interface Observation extends ObservedMysql2 {
  readonly partition: string | ((id: string) => string);
}

const observations = new WeakMap<object, Observation>();

/**
 * Observes a pool, a single connection, or the pools of a cluster, by callbacks or promises: publishes each commit that
 * wrote, keeps the last connection of a pool free of work that may be postponed, and inserts completion rows for requests that
 * are to be done once.
 *
 * Whether there is a transaction and whether rows were written is what the server says in its answers; words tell only what a
 * statement is about to do. A text of several statements that commits (`begin; ...; commit`) is one commit, from its
 * sending to its answer. A statement that commits implicitly is published as `autocommit`, as its own time is in it.
 *
 * Throws `option-missing`, `option-unknown` or `option-invalid`, the last also for what is closed, or is observed as another
 * partition.
 */
export function observe(what: ObservableMysql2, options: ObserveMysql2Options): ObservedMysql2;
export function observe(
  cluster: ObservableMysql2Cluster,
  options: ObserveMysql2ClusterOptions,
): ObservedMysql2;
export function observe(
  what: ObservableMysql2 | ObservableMysql2Cluster,
  options: ObserveMysql2Options | ObserveMysql2ClusterOptions,
): ObservedMysql2 {
  const found = coreOf(what);
  if (found === undefined) {
    throw new SlackwaterError(
      'option-invalid',
      "observe(): what was given is no pool, connection or pool cluster of mysql2; give the pool, observe(pool, { partition: 'orders' }).",
    );
  }
  checkMysql2Options(options, found.is === 'cluster' ? 'cluster' : 'pool');
  const known = observations.get(found.core);
  if (known !== undefined) {
    if (known.partition === options.partition) return known;
    throw new SlackwaterError(
      'option-invalid',
      `partition: ${named(options.partition)}: this ${found.is} is observed as ${named(known.partition)}; stop that first.`,
    );
  }
  if (isClosed(found.core)) {
    throw new SlackwaterError(
      'option-invalid',
      `observe(): this ${found.is} is closed; observe it before it is used, and a new one after it was ended.`,
    );
  }
  if (found.is === 'connection' && isWatched(found.core)) {
    throw new SlackwaterError(
      'option-invalid',
      'observe(): this connection is observed as one of its pool; observe the pool alone.',
    );
  }
  const reader = new Mysql2TextReader(options.writingFunctions ?? []);
  const stop = (): void => {
    observations.delete(found.core);
    watched.end();
  };
  const watched = watch(found, options, reader, () => observations.delete(found.core));
  const { prune } = watched.completions;
  const observation: Observation = { partition: options.partition, stop, prune };
  observations.set(found.core, observation);
  return observation;
}

type Core =
  | { readonly is: 'pool'; readonly core: Mysql2Pool }
  | { readonly is: 'connection'; readonly core: Mysql2Connection }
  | { readonly is: 'cluster'; readonly core: Mysql2PoolCluster };

function watch(
  found: Core,
  options: ObserveMysql2Options | ObserveMysql2ClusterOptions,
  reader: Mysql2TextReader,
  retired: () => void,
): Watching {
  const { partition } = options;
  if (found.is === 'cluster') {
    const observed = new Set<ObservedMysql2>();
    const end = watchCluster(found.core, partition, (pool, name) => {
      const one = observe(pool as unknown as ObservableMysql2, { ...options, partition: name });
      observed.add(one);
      return () => one.stop();
    });
    return { end, completions: { prune: (olderThanMs) => pruneAll(observed, olderThanMs) } };
  }
  const { config } = found.is === 'pool' ? { config: found.core.config.connectionConfig } : found.core;
  const observation: Mysql2Observation = {
    // Only those of a cluster are functions.
    partition: String(partition),
    reader,
    table: completionTableOf(config),
    tableToEnsure: options.ensure === true,
  };
  return found.is === 'pool'
    ? watchPool(found.core, observation, retired)
    : watchOne(found.core, observation, retired);
}

type Watching = Pick<Watched, 'end'> & { readonly completions: Pick<Watched['completions'], 'prune'> };

async function pruneAll(observed: Iterable<ObservedMysql2>, olderThanMs: number): Promise<number> {
  let pruned = 0;
  for (const one of observed) pruned += await one.prune(olderThanMs);
  return pruned;
}

function watchOne(
  connection: Mysql2Connection,
  observation: Mysql2Observation,
  retired: () => void,
): Watched {
  const { partition } = observation;
  let isMade = (connection as { readonly authorized?: boolean }).authorized === true;
  const made = (): void => {
    isMade = true;
    tellContact(partition, 'reached');
  };
  const unwatch = watchConnection(connection, observation, (error) =>
    tellContact(partition, isMade ? 'lost' : contactFailure(error)),
  );
  connection.once('connect', made);
  const source = announceMysql2(connectLike(connection), observation, {
    server: serverOf(connection.config),
    connections: 1,
  });
  connection.once('end', () => {
    source.close();
    retired();
  });
  return {
    completions: source.completions,
    end() {
      source.close();
      connection.removeListener('connect', made);
      unwatch();
    },
  };
}

/** What lies below mysql2's promises, and what it is. */
function coreOf(what: unknown): Core | undefined {
  if (!isObject(what)) return undefined;
  if (isCluster(what)) return { is: 'cluster', core: what };
  if (isPool(what)) return { is: 'pool', core: what };
  if (isConnection(what)) return { is: 'connection', core: what };
  for (const below of ['poolCluster', 'pool', 'connection']) {
    const core: unknown = what[below];
    if (isObject(core) && core !== what) {
      if (isCluster(core)) return { is: 'cluster', core };
      if (isPool(core)) return { is: 'pool', core };
      if (isConnection(core)) return { is: 'connection', core };
    }
  }
  return undefined;
}

type Properties = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Properties {
  return typeof value === 'object' && value !== null;
}

function isCluster(value: Properties): value is Properties & Mysql2PoolCluster {
  return isObject(value['_nodes']) && typeof value['add'] === 'function';
}

function isPool(value: Properties): value is Properties & Mysql2Pool {
  const { config } = value;
  return (
    typeof value['releaseConnection'] === 'function' &&
    isObject(config) &&
    isObject(config['connectionConfig'])
  );
}

function isConnection(value: Properties): value is Properties & Mysql2Connection {
  return typeof value['addCommand'] === 'function' && isObject(value['config']);
}

function isClosed(core: object): boolean {
  const { _closed, _closing, _fatalError, _protocolError } = core as Properties;
  return [_closed, _closing, _fatalError, _protocolError].some(Boolean);
}

function named(partition: string | ((id: string) => string)): string {
  return typeof partition === 'function' ? 'a function' : JSON.stringify(partition);
}
