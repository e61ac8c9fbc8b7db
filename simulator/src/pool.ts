import { Line } from './line.ts';

/**
 * A host's connections to one partition. Work that may be postponed leaves the last one free, as the drivers see to; a
 * pool of one is not shared.
 */
export class Pool {
  readonly #connections: number;
  readonly #most: number;
  #taken = 0;
  #takenPostponable = 0;
  readonly #waiting = new Line<() => void>();
  readonly #waitingPostponable = new Line<() => void>();

  constructor(connections: number) {
    this.#connections = connections;
    this.#most = Math.max(1, connections - 1);
  }

  /** Calls `use` with a way to give the connection back, at once or when there is one. */
  take(postponable: boolean, use: (release: () => void) => void): void {
    const go = (): void => {
      this.#taken += 1;
      if (postponable) this.#takenPostponable += 1;
      use(() => this.#release(postponable));
    };
    if (this.#mayTake(postponable)) go();
    else (postponable ? this.#waitingPostponable : this.#waiting).push(go);
  }

  #mayTake(postponable: boolean): boolean {
    return this.#taken < this.#connections && (!postponable || this.#takenPostponable < this.#most);
  }

  #release(postponable: boolean): void {
    this.#taken -= 1;
    if (postponable) this.#takenPostponable -= 1;
    if (this.#waiting.length > 0 && this.#mayTake(false)) this.#waiting.shift()?.();
    else if (this.#waitingPostponable.length > 0 && this.#mayTake(true)) this.#waitingPostponable.shift()?.();
  }
}
