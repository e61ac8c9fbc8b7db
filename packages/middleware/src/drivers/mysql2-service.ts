import type { Mysql2Connection, Mysql2Pool } from './mysql2-client.ts';
import { isServerError } from './mysql2-completion-error.ts';
import { contactFailure, tellContact } from './mysql2-contact.ts';
import { OwnConnection } from './own-connection.ts';

/** How long one of the driver's own questions may take before the answer is that there is none, ms. */
const answerWithinMs = 10_000;
/** How long it waits for what somebody else has locked, s. */
const lockWaitS = 5;

/** Asks one question on a connection of the driver's own; resolves with its rows as arrays, or with what the server said. */
export type Ask = (sql: string) => Promise<ServiceAnswer>;

/** What one of the driver's own questions was answered with. */
export interface ServiceAnswer {
  readonly rows: readonly (readonly unknown[])[];
  readonly affectedRows: number;
}

interface ServedConnection extends Mysql2Connection {
  readonly stream?: { unref?(): void };
  query(options: object, callback: (error: unknown, result: unknown) => void): unknown;
  on(event: string | symbol, listener: (first: unknown) => void): unknown;
  destroy(): void;
}

/** Opens a further connection to the same database. */
export type Connect = () => Promise<Mysql2Connection>;

/** A connection of the driver's own, which is never the reason that a process stays alive. */
export interface Mysql2Service {
  /** Runs `work` outside of any request, after what was asked for before. A connection that failed is given up. */
  use<T>(work: (ask: Ask) => Promise<T>): Promise<T>;
  /** Gives the connection up, answered or not; the next use opens another. */
  close(): void;
}

/** A connection beside the application's, opened when it is needed. */
export function mysql2Service(connect: Connect, partition: string): Mysql2Service {
  const own = new OwnConnection({
    open: (onGone) => open(connect, partition, onGone),
    end: (connection) => connection.destroy(),
    isServerError,
  });
  return {
    use: (work) => own.use((connection) => work((sql) => ask(connection, sql))),
    close: () => own.close(),
  };
}

async function open(connect: Connect, partition: string, onGone: () => void): Promise<ServedConnection> {
  let connection: ServedConnection;
  try {
    connection = (await connect()) as ServedConnection;
  } catch (error) {
    tellContact(partition, contactFailure(error));
    throw error;
  }
  tellContact(partition, 'reached');
  connection.stream?.unref?.();
  connection.on('error', onGone);
  connection.once('end', onGone);
  try {
    await ask(connection, `SET SESSION autocommit = 1, innodb_lock_wait_timeout = ${lockWaitS}`);
    await ask(connection, 'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
  } catch (error) {
    connection.destroy();
    throw error;
  }
  return connection;
}

/** How to make connections as a pool does, which are none of the pool's. */
export function connectLikePool(pool: Mysql2Pool): Connect {
  return () => {
    const Pool = pool.constructor as new (options: object) => Mysql2Pool;
    const { config } = pool;
    const connectionConfig = plainly(config.connectionConfig);
    // A pool of its own, as large as may be and without a timer, which is forgotten at once.
    const own = new Pool({
      config: { ...config, connectionLimit: 0, maxIdle: 0, waitForConnections: false, connectionConfig },
    });
    return new Promise((resolve, reject) => {
      own.getConnection((error, connection) =>
        connection === undefined ? reject(error) : resolve(connection),
      );
    });
  };
}

/** How to make connections like a single one. */
export function connectLike(connection: Mysql2Connection): Connect {
  return () => {
    const One = plainClass(connection) as new (options: object) => Mysql2Connection;
    const made = new One({ config: plainly(connection.config) });
    return new Promise((resolve, reject) => {
      made.once('connect', () => resolve(made));
      made.once('error', reject);
    });
  };
}

/** Of a connection that a pool handed out: what it extends. */
function plainClass(connection: Mysql2Connection): unknown {
  const own: unknown = connection.constructor;
  return '_pool' in connection ? Object.getPrototypeOf(own) : own;
}

/** A configuration of which nothing shapes the driver's own statements and their results. */
function plainly<T extends object>(config: T): T {
  const copy = Object.create(Object.getPrototypeOf(config), Object.getOwnPropertyDescriptors(config)) as T;
  const neutral = { queryFormat: undefined, namedPlaceholders: false, nestTables: undefined, typeCast: true };
  return Object.assign(copy, neutral);
}

function ask(connection: ServedConnection, sql: string): Promise<ServiceAnswer> {
  return new Promise((resolve, reject) => {
    connection.query({ sql, rowsAsArray: true, timeout: answerWithinMs }, (error, result) => {
      if (error) reject(error);
      else if (Array.isArray(result)) resolve({ rows: result, affectedRows: 0 });
      else resolve({ rows: [], affectedRows: Number((result as { affectedRows?: unknown }).affectedRows) });
    });
  });
}
