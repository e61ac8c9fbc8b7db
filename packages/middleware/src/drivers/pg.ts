import { SlackwaterError } from '@slackwater/shared';
import { announceSource } from './driver.ts';
import { serverOf } from './pg-address.ts';
import type { PgClient } from './pg-client.ts';
import type { PgPool } from './pg-connections.ts';
import { Everything, everything } from './pg-everything.ts';
import { installedModules, type PgModule } from './pg-modules.ts';
import { checkObserveOptions, type ObserveModuleOptions, type ObserveOptions } from './pg-options.ts';
import { patchMethod } from './pg-patch.ts';
import { observePool, onClientConnect, onConnect, onEnd, pools } from './pg-pool.ts';
import { onQuery } from './pg-query.ts';
import { observationOf, PgSession, sessions } from './pg-session.ts';

export { AlreadyPerformedError } from './completion-error.ts';
export type { PgModule } from './pg-modules.ts';
export type { ObserveModuleOptions, ObserveOptions } from './pg-options.ts';
export {
  type UndoClient,
  type UndoPool,
  type UndoResult,
  type UndoRows,
  undoRows,
} from './pg-undo-rows.ts';
export type { UndoOf, UndoRowsOptions } from './undo-rows.ts';

/** A `pg` pool or client; any version from 8.16 on. */
export interface Observable {
  query(...args: never[]): unknown;
  connect(...args: never[]): unknown;
  on(event: never, listener: never): unknown;
}

/** What is being observed, until it is stopped. */
export interface Observed {
  /** Ends the observation: pool, client or module are as they were before. Not needed for a pool that is ended. */
  stop(): void;
  /**
   * Removes completion rows older than that, in batches; resolves with how many. Rows are needed for as long
   * as a request may be repeated: a day more than idempotency keys are kept (7 days by default) is safe.
   * Rejects where a single client is observed.
   */
  prune(olderThanMs: number): Promise<number>;
}

/**
 * Observes a pool, or a single client: publishes each commit that wrote, keeps the last connection of a pool
 * free of work that may be postponed, and inserts completion rows for requests that are to be done once.
 *
 * Given `pg` itself, it observes every pool and client of that module, whether it exists by now or not, unless it is
 * observed by itself: also those of ORMs that make their own. Without arguments that is the `pg` that is installed. The
 * partition is then `host:port/database`, where none is given.
 *
 * Statements are told apart by their words. A text of several statements that commits (`begin; ...; commit`)
 * is one commit, from its sending to its answer. Clients in pipeline mode are measured from the sending.
 *
 * Throws `option-missing`, `option-unknown` or `option-invalid`, and `peer-missing` where it is called without
 * arguments and `pg` is not installed.
 */
export function observe(pool: Observable, options: ObserveOptions): Observed;
export function observe(pg: PgModule, options?: ObserveModuleOptions): Observed;
export function observe(options?: Omit<ObserveOptions, 'partition'>): Observed;
export function observe(first: unknown = {}, options?: unknown): Observed {
  if (isModule(first)) return observeModules([first], options ?? {});
  if (options === undefined && !isObservable(first)) return observeModules(installedModules(), first);
  if (!isObservable(first)) {
    throw new SlackwaterError(
      'option-invalid',
      "observe(): what was given is neither a pool nor a client of pg, nor pg itself; give the pool, observe(pool, { partition: 'orders' }).",
    );
  }
  checkObserveOptions(options ?? {}, false);
  const given = options as ObserveOptions;
  refuseEnded(first);
  if (!isPool(first)) return observeClient(first as unknown as PgClient, given);
  const pool = first as unknown as PgPool;
  const known = pools.get(pool);
  if (known !== undefined) {
    if (known.partition !== given.partition) {
      throw new SlackwaterError(
        'option-invalid',
        `partition: ${JSON.stringify(given.partition)}: this pool is observed as ${JSON.stringify(known.partition)}; stop that first.`,
      );
    }
    return { stop: known.stop, prune: known.completions.prune };
  }
  const observed = observePool(pool, given);
  return { stop: observed.stop, prune: observed.completions.prune };
}

function observeClient(client: PgClient, options: ObserveOptions): Observed {
  const unpatch = patchMethod(client, 'query', onQuery);
  sessions.set(client, new PgSession(client, observationOf(options)));
  const { partition } = options;
  const withdraw = announceSource({
    partition,
    driver: 'pg',
    server: serverOf(client),
    connections: 1,
    probe: undefined,
    completions: undefined,
  });
  const stop = (): void => {
    withdraw();
    sessions.delete(client);
    unpatch();
  };
  client.once('end', stop);
  return {
    stop,
    prune: () => Promise.reject(new SlackwaterError('option-invalid', 'prune(): observe a pool for it.')),
  };
}

/** Observes all pools and clients of one module, or of those that are installed. */
function observeModules(modules: Iterable<PgModule>, options: unknown): Observed {
  checkObserveOptions(options, true);
  const given = [...modules];
  const known = [...everything].find((one) => given.some((module) => one.isOf(module)));
  if (known !== undefined && known.options.partition !== options.partition) {
    throw new SlackwaterError(
      'option-invalid',
      `partition: ${JSON.stringify(options.partition)}: all of pg is observed as ${JSON.stringify(known.options.partition ?? 'host:port/database')}; stop that first.`,
    );
  }
  const all = known ?? new Everything(given, options);
  const undo = given.flatMap(({ Client, Pool }) => [
    patchMethod(Client.prototype, 'query', onQuery),
    patchMethod(Client.prototype, 'connect', onClientConnect),
    patchMethod(Pool.prototype, 'connect', onConnect),
    patchMethod(Pool.prototype, 'end', onEnd),
  ]);
  everything.add(all);
  return {
    stop() {
      everything.delete(all);
      for (const step of undo.splice(0)) step();
      all.stop();
    },
    prune: (olderThanMs) => all.prune(olderThanMs),
  };
}

function isObservable(value: unknown): value is Observable {
  if (typeof value !== 'object' || value === null) return false;
  return ['query', 'connect', 'on'].every(
    (name) => typeof (value as Record<string, unknown>)[name] === 'function',
  );
}

function isPool(value: Observable): boolean {
  return 'totalCount' in value && 'options' in value;
}

/** pg's own words for it: of a pool, and of a client. */
function refuseEnded(value: Observable): void {
  const { ending, _ending } = value as { readonly ending?: unknown; readonly _ending?: unknown };
  if (ending !== true && _ending !== true) return;
  throw new SlackwaterError(
    'option-invalid',
    `observe(): this ${isPool(value) ? 'pool' : 'client'} was ended; observe it before it is used, and a new one after it was ended.`,
  );
}

function isModule(value: unknown): value is PgModule {
  if (typeof value !== 'object' || value === null) return false;
  const { Client, Pool } = value as Partial<Record<keyof PgModule, unknown>>;
  return hasMethod(Client, 'query') && hasMethod(Pool, 'connect');
}

function hasMethod(made: unknown, name: string): boolean {
  return (
    typeof made === 'function' && typeof (made.prototype as Record<string, unknown>)?.[name] === 'function'
  );
}
