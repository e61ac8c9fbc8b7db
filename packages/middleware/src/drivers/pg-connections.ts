import { AsyncResource } from 'node:async_hooks';
import { systemClock, type Timer } from '../clock.ts';
import { type RequestContext, requestContext } from '../request-context.ts';
import type { PgClient } from './pg-client.ts';

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

export type ConnectCallback = (error: unknown, client: PgClient | undefined, release: unknown) => void;
export type ConnectFunction = (callback?: ConnectCallback) => unknown;

/**
 * Shares a pool's connections between work that may be postponed and work that may not: the former leaves the
 * last connection free. It waits in order, in front of the pool's own queue, and no longer than the pool's
 * `connectionTimeoutMillis`. A pool of one connection is not shared: nothing would be left.
 *
 * A request that holds a connection gets further ones without waiting here, because to wait for itself would
 * be for ever. A connection counts until it is released.
 */
export class ConnectionShare {
  readonly #pool: PgPool;
  readonly #holders = new Map<PgClient, RequestContext>();
  /** How many each of them holds; not weak, since an entry for each request is what makes weak maps slow. */
  readonly #heldBy = new Map<RequestContext, number>();
  readonly #waiting = new Set<() => void>();
  #taken = 0;

  constructor(pool: PgPool) {
    this.#pool = pool;
    pool.on('release', this.#onRelease);
  }

  /** How many callers wait in front of the pool's own queue. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Stops counting; who waits goes through. */
  close(): void {
    this.#pool.removeListener('release', this.#onRelease);
    for (const go of [...this.#waiting]) go();
  }

  /** Runs a call of `pool.connect`. */
  connect(original: ConnectFunction, callback: ConnectCallback | undefined): unknown {
    const context = requestContext.getStore();
    // The pool answers its callbacks from whichever request released a connection.
    const answer = typeof callback === 'function' ? inThisContext(callback) : undefined;
    if (context?.postponable !== true || this.#cap() === undefined) return this.#pass(original, answer);
    if (answer !== undefined) {
      this.#take(original, context, answer);
      return undefined;
    }
    return new Promise((resolve, reject) => {
      this.#take(original, context, (error, client) => (error ? reject(error) : resolve(client)));
    }).catch((error: unknown) => {
      if (error instanceof Error) Error.captureStackTrace(error);
      throw error;
    });
  }

  #pass(original: ConnectFunction, callback: ConnectCallback | undefined): unknown {
    return callback === undefined ? original.call(this.#pool) : original.call(this.#pool, callback);
  }

  /** How many connections such work may hold; undefined where it is not bounded. */
  #cap(): number | undefined {
    const { max } = this.#pool.options;
    return typeof max === 'number' && max > 1 ? max - 1 : undefined;
  }

  #mayTake(context: RequestContext): boolean {
    return this.#taken < (this.#cap() ?? Number.POSITIVE_INFINITY) || (this.#heldBy.get(context) ?? 0) > 0;
  }

  #take(original: ConnectFunction, context: RequestContext, answer: ConnectCallback): void {
    if (this.#mayTake(context)) {
      this.#acquire(original, context, answer);
      return;
    }
    let timer: Timer | undefined;
    let timedOut = false;
    const go = (): void => {
      this.#waiting.delete(go);
      this.#acquire(original, context, (error, client, release) => {
        timer?.cancel();
        if (!timedOut) answer(error, client, release);
        else if (typeof release === 'function') release();
      });
    };
    this.#waiting.add(go);
    const { connectionTimeoutMillis } = this.#pool.options;
    if (!connectionTimeoutMillis) return;
    timer = systemClock.after(connectionTimeoutMillis, () => {
      timedOut = true;
      this.#waiting.delete(go);
      // pg's own words, for whoever goes by them.
      answer(new Error('timeout exceeded when trying to connect'), undefined, () => {});
    });
  }

  #acquire(original: ConnectFunction, context: RequestContext, answer: ConnectCallback): void {
    this.#taken++;
    original.call(this.#pool, (error, client, release) => {
      if (error || client === undefined) this.#free();
      else {
        this.#holders.set(client, context);
        this.#heldBy.set(context, (this.#heldBy.get(context) ?? 0) + 1);
      }
      answer(error, client, release);
    });
  }

  readonly #onRelease = (_error: unknown, client: PgClient): void => {
    const context = this.#holders.get(client);
    if (context === undefined) return;
    this.#holders.delete(client);
    const left = (this.#heldBy.get(context) ?? 1) - 1;
    if (left === 0) this.#heldBy.delete(context);
    else this.#heldBy.set(context, left);
    this.#free();
  };

  #free(): void {
    this.#taken--;
    const [next] = this.#waiting;
    if (next !== undefined && this.#taken < (this.#cap() ?? Number.POSITIVE_INFINITY)) next();
  }
}

/** What AsyncResource.bind does, at a hundredth of its cost. */
function inThisContext(callback: ConnectCallback): ConnectCallback {
  const resource = new AsyncResource('slackwater.connect');
  return (error, client, release) => resource.runInAsyncScope(callback, undefined, error, client, release);
}
