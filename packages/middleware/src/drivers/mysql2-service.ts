import { systemClock } from '../clock.ts';
import { requestContext } from '../request-context.ts';
import type { Mysql2Connection, Mysql2Pool } from './mysql2-client.ts';
import { isServerError } from './mysql2-completion-error.ts';
import { contactFailure, tellContact } from './mysql2-contact.ts';

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

/**
 * A connection of the driver's own, beside the application's: opened when it is needed, closed when it has been idle for a while, never the
 * reason that a process stays alive. An exhausted pool can't keep it from asking.
 */
export class Mysql2Service {
  readonly #connect: Connect;
  readonly #partition: string;
  readonly #idleMs: number;
  #connection: Promise<ServedConnection> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #uses = 0;

  constructor(connect: Connect, partition: string, idleMs = 10_000) {
    this.#connect = connect;
    this.#partition = partition;
    this.#idleMs = idleMs;
  }

  /** Runs `work` outside of any request, after what was asked for before. A connection that failed is given up. */
  use<T>(work: (ask: Ask) => Promise<T>): Promise<T> {
    return requestContext.exit(() => {
      const answer = this.#last.then(() => this.#work(work));
      this.#last = answer.then(
        () => {},
        () => {},
      );
      return answer;
    });
  }

  /** Gives the connection up, answered or not; the next use opens another. */
  close(): void {
    if (this.#connection !== undefined) this.#drop(this.#connection);
  }

  async #work<T>(work: (ask: Ask) => Promise<T>): Promise<T> {
    const use = ++this.#uses;
    this.#connection ??= this.#open();
    const opened = this.#connection;
    try {
      const connection = await opened;
      return await work((sql) => ask(connection, sql));
    } catch (error) {
      if (!isServerError(error)) this.#drop(opened);
      throw error;
    } finally {
      systemClock.after(this.#idleMs, () => {
        if (use === this.#uses) this.close();
      });
    }
  }

  async #open(): Promise<ServedConnection> {
    let connection: ServedConnection;
    try {
      connection = (await this.#connect()) as ServedConnection;
    } catch (error) {
      tellContact(this.#partition, contactFailure(error));
      throw error;
    }
    tellContact(this.#partition, 'reached');
    connection.stream?.unref?.();
    const forget = (): void => {
      this.#connection = undefined;
    };
    connection.on('error', forget);
    connection.once('end', forget);
    await ask(connection, `SET SESSION autocommit = 1, innodb_lock_wait_timeout = ${lockWaitS}`);
    await ask(connection, 'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    return connection;
  }

  #drop(opened: Promise<ServedConnection>): void {
    if (this.#connection === opened) this.#connection = undefined;
    opened.then((connection) => connection.destroy()).catch(() => {});
  }
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
