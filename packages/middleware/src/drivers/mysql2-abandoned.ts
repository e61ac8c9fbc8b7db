import { systemClock, type Timer } from '../clock.ts';
import type { Mysql2Connection } from './mysql2-client.ts';

/** How long a connection whose BEGIN was refused may be held without a word, ms. */
const heldWithoutWordMs = 10_000;

/**
 * Ends a pool's connection whose BEGIN was refused, if it is neither given back nor used: Drizzle does neither, and each would be missing from
 * its pool for good.
 */
export class AbandonedConnection {
  readonly #connection: Mysql2Connection & { readonly _pool?: unknown; destroy?(): void };
  #timer: Timer | undefined;

  constructor(connection: Mysql2Connection) {
    this.#connection = connection;
  }

  /** Its BEGIN was refused. */
  refused(): void {
    this.used();
    // Whoever has a single connection made it.
    if (!this.#connection._pool) return;
    this.#timer = systemClock.after(heldWithoutWordMs, () => this.#connection.destroy?.());
  }

  /** It was used, or given back. */
  used(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
