import { requestContext } from '../request-context.ts';
import { inThisContext } from './in-this-context.ts';
import type { PgClient } from './pg-client.ts';
import { type Answer, PoolShare } from './pool-share.ts';

/** What the driver uses of a pool. */
export interface PgPool {
  readonly options: {
    readonly max?: number;
    readonly connectionTimeoutMillis?: number;
    readonly password?: unknown;
  };
  readonly Client: new (options: object) => PgClient;
  /** Callers that wait for a connection. */
  readonly waitingCount: number;
  /** Its clients, also those that are being connected. pg's own. */
  readonly _clients?: readonly PgClient[];
  connect: ConnectFunction;
  end: (...args: unknown[]) => unknown;
  on(event: string, listener: (first: never, second: never) => void): unknown;
  removeListener(event: string, listener: (first: never, second: never) => void): unknown;
}

export type ConnectCallback = (error: unknown, client: PgClient | undefined, release?: unknown) => void;
export type ConnectFunction = (callback?: ConnectCallback) => unknown;

/** Shares the connections of one pg pool, see {@link PoolShare}. Who waits does so no longer than `connectionTimeoutMillis`. */
export class ConnectionShare {
  readonly #pool: PgPool;
  readonly #share: PoolShare<PgClient>;

  constructor(pool: PgPool) {
    this.#pool = pool;
    this.#share = new PoolShare<PgClient>({
      get connections() {
        return typeof pool.options.max === 'number' ? pool.options.max : undefined;
      },
      get waitsMs() {
        return pool.options.connectionTimeoutMillis;
      },
      // pg's own words, for whoever goes by them.
      lateError: () => new Error('timeout exceeded when trying to connect'),
      fullError: () => undefined,
      giveBack: (_client, [release]) => {
        if (typeof release === 'function') release();
      },
    });
    pool.on('release', this.#onRelease);
  }

  /** How many callers wait in front of the pool's own queue. */
  get waiting(): number {
    return this.#share.waiting;
  }

  /** Stops counting; who waits goes through. */
  close(): void {
    this.#pool.removeListener('release', this.#onRelease);
    this.#share.close();
  }

  /** Runs a call of `pool.connect`. */
  connect(original: ConnectFunction, callback: ConnectCallback | undefined): unknown {
    const context = requestContext.getStore();
    // The pool answers its callbacks from whichever request released a connection.
    const answer = typeof callback === 'function' ? inThisContext(callback) : undefined;
    if (!this.#share.counts(context)) return this.#pass(original, answer);
    const acquire = (given: Answer<PgClient>): void => void original.call(this.#pool, given);
    if (answer !== undefined) {
      this.#share.take(acquire, context, (error, client, release) => answer(error, client, release));
      return undefined;
    }
    return new Promise((resolve, reject) => {
      this.#share.take(acquire, context, (error, client) => (error ? reject(error) : resolve(client)));
    }).catch((error: unknown) => {
      if (error instanceof Error) Error.captureStackTrace(error);
      throw error;
    });
  }

  #pass(original: ConnectFunction, callback: ConnectCallback | undefined): unknown {
    return callback === undefined ? original.call(this.#pool) : original.call(this.#pool, callback);
  }

  readonly #onRelease = (_error: unknown, client: PgClient): void => this.#share.released(client);
}
