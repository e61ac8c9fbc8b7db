import type { EngineStore } from '../engines/store.ts';

/** Beyond so many routes nothing more is kept in memory; the store is asked instead. */
const mostKnown = 1_000;

/**
 * How many transactions each route takes, as it was seen to, kept in the store: a process that starts after a crash must
 * know whether what it finds done is all that there is to do. The most that was ever seen counts.
 */
export class LearnedTransactions {
  readonly #store: EngineStore;
  readonly #known = new Map<string, number>();

  constructor(store: EngineStore) {
    this.#store = store;
  }

  /** Undefined where the route was never seen to end well. Rejects with an `EngineError`. */
  async known(method: string, route: string): Promise<number | undefined> {
    const key = keyOf(method, route);
    const inMemory = this.#known.get(key);
    if (inMemory !== undefined) return inMemory;
    const stored = await this.#store.get(key);
    if (stored === undefined) return undefined;
    const count = Number(Buffer.from(stored.value).toString('utf8'));
    if (!Number.isSafeInteger(count) || count < 0) return undefined;
    this.#remember(key, count);
    return count;
  }

  /** The route took so many and went well. Rejects with an `EngineError`. */
  async learn(method: string, route: string, count: number): Promise<void> {
    if (((await this.known(method, route)) ?? -1) >= count) return;
    const key = keyOf(method, route);
    await this.#store.put(key, Buffer.from(String(count), 'utf8'));
    this.#remember(key, count);
  }

  #remember(key: string, count: number): void {
    if (this.#known.size >= mostKnown) this.#known.clear();
    this.#known.set(key, count);
  }
}

/** A pattern has characters that the store's keys may not. */
function keyOf(method: string, route: string): string {
  return `transactions/${Buffer.from(`${method} ${route}`, 'utf8').toString('base64url').slice(0, 480)}`;
}
