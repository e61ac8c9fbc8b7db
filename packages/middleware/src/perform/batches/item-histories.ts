import type { ItemHistory } from './batch-types.ts';

/** Nothing was ever seen of it. */
const none: ItemHistory = { postponements: 0, attempts: 0 };

/** How often items were left and tried, of those that this was said of last. */
export class ItemHistories {
  readonly #most: number;
  readonly #histories = new Map<string, ItemHistory>();

  /** @param most so many items are remembered */
  constructor(most: number) {
    this.#most = most;
  }

  of(id: string): ItemHistory {
    return this.#histories.get(id) ?? none;
  }

  /** It was left where it is. */
  postponed(id: string): void {
    const { postponements, attempts } = this.of(id);
    this.#keep(id, { postponements: postponements + 1, attempts });
  }

  /** It was tried, and failed. */
  failed(id: string): ItemHistory {
    const { postponements, attempts } = this.of(id);
    const history = { postponements, attempts: attempts + 1 };
    this.#keep(id, history);
    return history;
  }

  /** It is done. */
  forget(id: string): void {
    this.#histories.delete(id);
  }

  #keep(id: string, history: ItemHistory): void {
    this.#histories.delete(id);
    const [oldest] = this.#histories.size < this.#most ? [] : this.#histories.keys();
    if (oldest !== undefined) this.#histories.delete(oldest);
    this.#histories.set(id, history);
  }
}
