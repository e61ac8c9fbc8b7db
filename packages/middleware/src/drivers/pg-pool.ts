import { ownConnections } from './driver.ts';
import { databaseOf } from './pg-address.ts';
import type { PgClient } from './pg-client.ts';
import {
  type ConnectCallback,
  type ConnectFunction,
  ConnectionShare,
  type PgPool,
} from './pg-connections.ts';
import { PgContact } from './pg-contact.ts';
import { everythingOf } from './pg-everything.ts';
import type { ObservedPool } from './pg-observed-pool.ts';
import type { ObserveOptions } from './pg-options.ts';
import { patchMethod } from './pg-patch.ts';
import { onQuery } from './pg-query.ts';
import { observationOf, PgSession, sessions } from './pg-session.ts';
import { addressed, announcePg } from './pg-source.ts';

/** The pools that are observed. */
export const pools = new WeakMap<object, ObservedPool>();
/** The pool whose own `connect` is being called. */
let connecting: object | undefined;

/** Observes a pool that is not observed. */
export function observePool(pool: PgPool, options: ObserveOptions): ObservedPool {
  const observation = observationOf(options);
  const undo: (() => void)[] = [];
  const share = new ConnectionShare(pool);
  const contact = new PgContact(options.partition);
  const clients = new Set<PgClient>();
  const take = (client: PgClient): PgSession => {
    const known = sessions.get(client);
    if (known !== undefined && clients.has(client)) return known;
    clients.add(client);
    contact.watch(client);
    const session = new PgSession(client, observation);
    sessions.set(client, session);
    client.once('end', () => clients.delete(client));
    return session;
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
  const source = announcePg(pool, observation, options, {
    connections: pool.options.max,
    waiting: () => pool.waitingCount + share.waiting,
  });
  const observed: ObservedPool = {
    partition: options.partition,
    database: databaseOf(addressed(pool)),
    share,
    contact,
    completions: source.completions,
    holds: (client) => clients.has(client) || pool._clients?.includes(client) === true,
    take,
    stop() {
      pools.delete(pool);
      source.close();
      for (const step of undo.splice(0)) step();
    },
    retire: source.close,
  };
  pools.set(pool, observed);
  return observed;
}

/** Runs a call of a pool's `connect`. */
export function onConnect(pool: object, original: (...args: unknown[]) => unknown, args: unknown[]): unknown {
  // The pool's own patch and its prototype's are one.
  if (connecting === pool) return original.apply(pool, args);
  if (ownConnections.has(pool)) return within(pool, () => original.apply(pool, args));
  const observed = pools.get(pool) ?? observeWithEverything(pool as PgPool);
  if (observed === undefined) return original.apply(pool, args);
  const { share, contact } = observed;
  const callOriginal: ConnectFunction = (callback) =>
    within(pool, () => contact.connect((...given) => original.apply(pool, given), callback));
  return share.connect(callOriginal, args[0] as ConnectCallback | undefined);
}

/** Runs a call of a pool's `end`. */
export function onEnd(pool: object, original: (...args: unknown[]) => unknown, args: unknown[]): unknown {
  const observed = pools.get(pool);
  const result = original.apply(pool, args);
  if (observed !== undefined) {
    everythingOf(pool)?.pools.delete(observed);
    observed.retire();
  }
  return result;
}

/** Runs a call of a client's `connect`, and tells what came of it where no pool does. */
export function onClientConnect(
  client: object,
  original: (...args: unknown[]) => unknown,
  args: unknown[],
): unknown {
  const one = client as PgClient;
  const all = connecting === undefined && !ownConnections.has(client) ? everythingOf(client) : undefined;
  if (all === undefined || sessions.has(client) || all.poolOf(one) !== undefined) {
    return original.apply(client, args);
  }
  const { contact } = all.databaseOf(one, all.optionsFor(one));
  one.once('connect', () => contact.connected(one));
  const callOriginal: ConnectFunction = (...given) => original.apply(client, given);
  return contact.connect(callOriginal, args[0] as ConnectCallback | undefined);
}

function observeWithEverything(pool: PgPool): ObservedPool | undefined {
  const all = everythingOf(pool);
  if (all === undefined) return undefined;
  const observed = observePool(pool, all.optionsFor(addressed(pool)));
  all.pools.add(observed);
  return observed;
}

function within<T>(pool: object, connect: () => T): T {
  const before = connecting;
  connecting = pool;
  try {
    return connect();
  } finally {
    connecting = before;
  }
}
