import { SlackwaterError } from '@slackwater/shared';
import { announceSource, ownConnections } from './driver.ts';
import { databaseOf, serverOf } from './pg-address.ts';
import type { PgClient, QueryFunction } from './pg-client.ts';
import { completionsOf, type PgCompletions } from './pg-completions.ts';
import {
  type ConnectCallback,
  type ConnectFunction,
  ConnectionShare,
  type PgPool,
} from './pg-connections.ts';
import { PgContact } from './pg-contact.ts';
import { installedModules } from './pg-modules.ts';
import { checkObserveOptions, type ObserveOptions } from './pg-options.ts';
import { patchMethod } from './pg-patch.ts';
import { probeOf } from './pg-probe.ts';
import { ServiceConnection } from './pg-service.ts';
import { type PgObservation, PgSession } from './pg-session.ts';
import { StatementReader } from './pg-statement.ts';

export { AlreadyPerformedError } from './pg-completion-error.ts';
export type { ObserveOptions } from './pg-options.ts';

/** A `pg` pool or client; any version from 8.16 on. */
export interface Observable {
  query(...args: never[]): unknown;
  connect(...args: never[]): unknown;
  on(event: never, listener: never): unknown;
}

/** What is being observed, until it is stopped. */
export interface Observed {
  /** Ends the observation: the pool is as it was before. Not needed for a pool that is ended. */
  stop(): void;
  /**
   * Removes completion rows older than that, in batches; resolves with how many. Rows are needed for as long
   * as a request may be repeated: a day more than idempotency keys are kept (7 days by default) is safe.
   * Rejects where it is not one pool that is observed.
   */
  prune(olderThanMs: number): Promise<number>;
}

interface ObservedPool {
  readonly partition: string;
  readonly observation: PgObservation;
  readonly share: ConnectionShare;
  readonly contact: PgContact;
  readonly completions: PgCompletions;
  stop(): void;
  /** The pool was ended: it is no source any more, while connections that are out still are observed. */
  retire(): void;
}

const sessions = new WeakMap<object, PgSession>();
const pools = new WeakMap<object, ObservedPool>();
/** The pool whose own `connect` is being called. */
let connecting: object | undefined;
/** Options for whatever is not observed by itself, while observe() without arguments holds. */
let everything: Omit<ObserveOptions, 'partition'> | undefined;

/**
 * Observes a pool, or a single client: publishes each commit that wrote, keeps the last connection of a pool
 * free of work that may be postponed, and inserts completion rows for requests that are to be done once.
 *
 * Without arguments it observes every pool and client of the installed `pg`, whether it exists by now or not;
 * the partition is then `host:port/database`.
 *
 * Statements are told apart by their words. A text of several statements that commits (`begin; ...; commit`)
 * is one commit, from its sending to its answer. Clients in pipeline mode are measured from the sending.
 *
 * Throws `option-missing`, `option-unknown` or `option-invalid`, and `peer-missing` where it is called without
 * arguments and `pg` is not installed.
 */
export function observe(pool: Observable, options: ObserveOptions): Observed;
export function observe(options?: Omit<ObserveOptions, 'partition'>): Observed;
export function observe(first: unknown = {}, options?: unknown): Observed {
  if (options === undefined && !isObservable(first)) return observeEverything(first);
  if (!isObservable(first)) {
    throw new SlackwaterError(
      'option-invalid',
      "observe(): what was given is neither a pool nor a client of pg; give the pool, observe(pool, { partition: 'orders' }).",
    );
  }
  checkObserveOptions(options ?? {}, false);
  const given = options as ObserveOptions;
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

function observePool(pool: PgPool, options: ObserveOptions): ObservedPool {
  const observation = observationOf(options);
  const undo: (() => void)[] = [];
  const share = new ConnectionShare(pool);
  const contact = new PgContact(options.partition);
  const services = [
    new ServiceConnection(pool),
    new ServiceConnection(pool),
    new ServiceConnection(pool),
  ] as const;
  const completions = completionsOf(services[0], services[1], observation);
  const clients = new Set<PgClient>();
  const take = (client: PgClient): void => {
    if (clients.has(client)) return;
    clients.add(client);
    contact.watch(client);
    sessions.set(client, new PgSession(client, observation));
    client.once('end', () => clients.delete(client));
  };

  undo.push(patchMethod(pool.Client.prototype as object, 'query', onQuery));
  undo.push(patchMethod(pool, 'connect', onConnect));
  undo.push(patchMethod(pool, 'end', onEnd));
  pool.on('acquire', take);
  undo.push(() => pool.removeListener('acquire', take));
  pool.on('connect', contact.connected);
  undo.push(() => pool.removeListener('connect', contact.connected));
  undo.push(() => share.close());
  undo.push(() => {
    for (const client of clients) sessions.delete(client);
  });
  const withdraw = announceSource({
    partition: options.partition,
    driver: 'pg',
    server: serverOf(addressed(pool)),
    connections: pool.options.max,
    waiting: () => pool.waitingCount + share.waiting,
    probe: probeOf(services[2], options.probeTimeoutMs ?? 2_000),
    completions,
  });
  const retire = (): void => {
    withdraw();
    for (const service of services) service.close();
  };
  const observed: ObservedPool = {
    partition: options.partition,
    observation,
    share,
    contact,
    completions,
    stop() {
      pools.delete(pool);
      retire();
      for (const step of undo.splice(0)) step();
    },
    retire,
  };
  pools.set(pool, observed);
  return observed;
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

function observeEverything(options: unknown): Observed {
  checkObserveOptions(options, true);
  const undo: (() => void)[] = [];
  for (const pg of installedModules()) {
    undo.push(patchMethod(pg.Client.prototype, 'query', onQuery));
    undo.push(patchMethod(pg.Pool.prototype, 'connect', onConnect));
    undo.push(patchMethod(pg.Pool.prototype, 'end', onEnd));
  }
  everything = options;
  return {
    stop() {
      everything = undefined;
      for (const step of undo.splice(0)) step();
      for (const observed of learned) observed.stop();
      learned.clear();
    },
    prune: () => Promise.reject(new SlackwaterError('option-invalid', 'prune(): observe a pool for it.')),
  };
}

/** Pools that were observed because everything is. */
const learned = new Set<ObservedPool>();

function onQuery(client: object, original: (...args: unknown[]) => unknown, args: unknown[]): unknown {
  if (ownConnections.has(client)) return original.apply(client, args);
  let session = sessions.get(client);
  if (session === undefined && everything !== undefined) {
    session = new PgSession(
      client as PgClient,
      observationOf({ ...everything, partition: databaseOf(client as PgClient) }),
    );
    sessions.set(client, session);
  }
  if (session === undefined) return original.apply(client, args);
  return session.query(original as QueryFunction, args);
}

function onConnect(pool: object, original: (...args: unknown[]) => unknown, args: unknown[]): unknown {
  // The pool's own patch and its prototype's are one.
  if (connecting === pool || ownConnections.has(pool)) return original.apply(pool, args);
  let observed = pools.get(pool);
  if (observed === undefined && everything !== undefined) {
    observed = observePool(pool as PgPool, {
      ...everything,
      partition: databaseOf(addressed(pool as PgPool)),
    });
    learned.add(observed);
  }
  if (observed === undefined) return original.apply(pool, args);
  const { share, contact } = observed;
  const callOriginal: ConnectFunction = (callback) => {
    const before = connecting;
    connecting = pool;
    try {
      return contact.connect((...given) => original.apply(pool, given), callback);
    } finally {
      connecting = before;
    }
  };
  return share.connect(callOriginal, args[0] as ConnectCallback | undefined);
}

function onEnd(pool: object, original: (...args: unknown[]) => unknown, args: unknown[]): unknown {
  const observed = pools.get(pool);
  const result = original.apply(pool, args);
  if (observed !== undefined) {
    learned.delete(observed);
    observed.retire();
  }
  return result;
}

function observationOf(options: ObserveOptions): PgObservation {
  return {
    partition: options.partition,
    reader: new StatementReader(options.writingFunctions ?? []),
    tableToEnsure: options.ensure === true,
  };
}

/** A client that is never connected knows what the pool's options and the environment come to. */
function addressed(pool: PgPool): PgClient {
  return new pool.Client(pool.options);
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
