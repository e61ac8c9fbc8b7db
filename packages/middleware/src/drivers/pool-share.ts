import { systemClock, type Timer } from '../clock.ts';
import type { RequestContext } from '../request-context.ts';

/** Gets a connection from a pool, or an error; `rest` is what else the pool's own callback is given. */
export type Answer<Connection> = (
  error: unknown,
  connection: Connection | undefined,
  ...rest: unknown[]
) => void;

/** What the share asks of a pool, in terms that every client has. */
export interface SharedPool<Connection> {
  /** How many connections it may hold; undefined where there is no such bound. */
  readonly connections: number | undefined;
  /** How long a caller waits for one, in ms; undefined: for ever. */
  readonly waitsMs: number | undefined;
  /** The pool's own error for who waited for too long. */
  lateError(): Error;
  /** The pool's own error for who may not wait at all, while `waiting` do; undefined where it may. */
  fullError(waiting: number): Error | undefined;
  /** Gives a connection that nobody waits for any more back. */
  giveBack(connection: Connection, rest: readonly unknown[]): void;
}

/**
 * Shares a pool's connections between work that may be postponed and work that may not: the former leaves the
 * last connection free. It waits in order, in front of the pool's own queue, and no longer than the pool lets it. A pool of
 * one connection is not shared: nothing would be left.
 *
 * A request that holds a connection gets further ones without waiting here, because to wait for itself would
 * be for ever. A connection counts until it is released.
 */
export class PoolShare<Connection extends object> {
  readonly #pool: SharedPool<Connection>;
  readonly #holders = new Map<Connection, RequestContext>();
  /** How many each of them holds; not weak, since an entry for each request is what makes weak maps slow. */
  readonly #heldBy = new Map<RequestContext, number>();
  readonly #waiting = new Set<() => void>();
  #taken = 0;

  constructor(pool: SharedPool<Connection>) {
    this.#pool = pool;
  }

  /** How many callers wait in front of the pool's own queue. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether work of this context is counted at all. */
  counts(context: RequestContext | undefined): context is RequestContext {
    return context?.postponable === true && this.#cap() !== undefined;
  }

  /** Lets all who wait go on to the pool. */
  close(): void {
    for (const go of [...this.#waiting]) go();
  }

  /** Takes a connection for work that counts, by `acquire`, the pool's own way. */
  take(
    acquire: (answer: Answer<Connection>) => void,
    context: RequestContext,
    answer: Answer<Connection>,
  ): void {
    if (this.#mayTake(context)) {
      this.#acquire(acquire, context, answer);
      return;
    }
    const full = this.#pool.fullError(this.#waiting.size);
    if (full !== undefined) {
      process.nextTick(answer, full, undefined);
      return;
    }
    let timer: Timer | undefined;
    let timedOut = false;
    const go = (): void => {
      this.#waiting.delete(go);
      this.#acquire(acquire, context, (error, connection, ...rest) => {
        timer?.cancel();
        if (!timedOut) answer(error, connection, ...rest);
        else if (connection !== undefined) this.#pool.giveBack(connection, rest);
      });
    };
    this.#waiting.add(go);
    const { waitsMs } = this.#pool;
    if (!waitsMs) return;
    timer = systemClock.after(waitsMs, () => {
      timedOut = true;
      this.#waiting.delete(go);
      answer(this.#pool.lateError(), undefined, () => {});
    });
  }

  /** A connection was released, whoever held it. */
  readonly released = (connection: Connection): void => {
    const context = this.#holders.get(connection);
    if (context === undefined) return;
    this.#holders.delete(connection);
    const left = (this.#heldBy.get(context) ?? 1) - 1;
    if (left === 0) this.#heldBy.delete(context);
    else this.#heldBy.set(context, left);
    this.#free();
  };

  /** How many connections such work may hold; undefined where it is not bounded. */
  #cap(): number | undefined {
    const { connections } = this.#pool;
    return connections !== undefined && connections > 1 ? connections - 1 : undefined;
  }

  #mayTake(context: RequestContext): boolean {
    return this.#taken < (this.#cap() ?? Number.POSITIVE_INFINITY) || (this.#heldBy.get(context) ?? 0) > 0;
  }

  #acquire(
    acquire: (answer: Answer<Connection>) => void,
    context: RequestContext,
    answer: Answer<Connection>,
  ): void {
    this.#taken++;
    acquire((error, connection, ...rest) => {
      if (error || connection === undefined) this.#free();
      else {
        // A pool that asked again for who waited has been seen to do so as another caller.
        this.released(connection);
        this.#holders.set(connection, context);
        this.#heldBy.set(context, (this.#heldBy.get(context) ?? 0) + 1);
      }
      answer(error, connection, ...rest);
    });
  }

  #free(): void {
    this.#taken--;
    const [next] = this.#waiting;
    if (next !== undefined && this.#taken < (this.#cap() ?? Number.POSITIVE_INFINITY)) next();
  }
}
