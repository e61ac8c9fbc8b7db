import { requestContext } from '../request-context.ts';
import { serverName } from './driver.ts';
import { inThisContext } from './in-this-context.ts';
import type {
  GetConnectionCallback,
  Mysql2Connection,
  Mysql2ConnectionConfig,
  Mysql2Pool,
} from './mysql2-client.ts';
import { watchConnection } from './mysql2-connection.ts';
import { contactFailure, tellContact } from './mysql2-contact.ts';
import { connectLikePool } from './mysql2-service.ts';
import type { Mysql2Observation } from './mysql2-session.ts';
import { announceMysql2, type Mysql2Source } from './mysql2-source.ts';
import { PoolShare } from './pool-share.ts';
import { replaceMethod } from './replace-method.ts';

/** What is watched, until it is ended. */
export interface Watched extends Pick<Mysql2Source, 'completions'> {
  end(): void;
}

/** Watches a pool: its connections, who gets them, and whether they can be made. */
export function watchPool(pool: Mysql2Pool, observation: Mysql2Observation, retired: () => void): Watched {
  const { partition } = observation;
  const share = shareOf(pool);
  const asked = new WeakSet<object>();
  const connections = new Map<Mysql2Connection, () => void>();
  const take = (connection: Mysql2Connection): void => {
    if (connections.has(connection)) return;
    const forget = (): void => void connections.delete(connection);
    const unwatch = watchConnection(connection, observation, () => {
      forget();
      tellContact(partition, 'lost');
    });
    connections.set(connection, unwatch);
    connection.once('end', forget);
  };
  const made = (connection: Mysql2Connection): void => {
    take(connection);
    tellContact(partition, 'reached');
  };

  for (let at = 0; at < (pool._allConnections?.length ?? 0); at++) {
    const connection = pool._allConnections?.get(at);
    if (connection !== undefined) take(connection);
  }
  pool.on('connection', made);
  const source = announceMysql2(connectLikePool(pool), observation, {
    server: serverOf(pool.config.connectionConfig),
    connections: limitOf(pool),
    waiting: () => (pool._connectionQueue?.length ?? 0) + share.waiting,
  });
  const undo = [
    replaceMethod(pool, 'getConnection', (original, [callback]) => {
      // mysql2 asks again for who waited, from wherever a connection was given up.
      if (typeof callback !== 'function' || asked.has(callback)) return original(callback);
      getConnection(original, callback as GetConnectionCallback);
      return undefined;
    }),
    replaceMethod(pool, 'releaseConnection', (release, args) => {
      const result = release(...args);
      share.released(args[0] as Mysql2Connection);
      return result;
    }),
    replaceMethod(pool, 'end', (end, args) => {
      const result = end(...args);
      source.close();
      share.close();
      retired();
      return result;
    }),
    source.close,
    () => pool.removeListener('connection', made),
    () => share.close(),
  ];

  function getConnection(original: (callback: unknown) => unknown, callback: GetConnectionCallback): void {
    const context = requestContext.getStore();
    // The pool calls back from whichever request released a connection.
    const bound = inThisContext(callback);
    const acquire = (answer: GetConnectionCallback): void => {
      const given: GetConnectionCallback = (error, connection) => {
        if (error) tellContact(partition, contactFailure(error));
        answer(error, connection);
      };
      asked.add(given);
      original(given);
    };
    if (share.counts(context)) share.take(acquire, context, bound);
    else acquire(bound);
  }

  return {
    completions: source.completions,
    end() {
      for (const step of undo.splice(0)) step();
      for (const unwatch of connections.values()) unwatch();
      connections.clear();
    },
  };
}

function shareOf(pool: Mysql2Pool): PoolShare<Mysql2Connection> {
  return new PoolShare<Mysql2Connection>({
    connections: limitOf(pool),
    // mysql2's pools let wait for ever.
    waitsMs: undefined,
    lateError: () => new Error('No connections available.'),
    // mysql2's own words, for whoever goes by them.
    fullError(waiting) {
      const { waitForConnections, queueLimit } = pool.config;
      if (waitForConnections === false) return new Error('No connections available.');
      return queueLimit && waiting >= queueLimit ? new Error('Queue limit reached.') : undefined;
    },
    giveBack: (connection) => pool.releaseConnection(connection),
  });
}

/** 0 is no limit. */
function limitOf({ config: { connectionLimit } }: Mysql2Pool): number | undefined {
  return typeof connectionLimit === 'number' && connectionLimit > 0 ? connectionLimit : undefined;
}

/** The server that a connection is made to, as every driver and engine names it. */
export function serverOf({ socketPath, host, port }: Mysql2ConnectionConfig): string {
  return serverName({ host: socketPath ?? host ?? 'localhost', port: Number(port ?? 3306) });
}
