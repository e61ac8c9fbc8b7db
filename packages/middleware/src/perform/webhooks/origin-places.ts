/** Beyond so many the oldest is forgotten; its receiver is asked for again. */
const mostRemembered = 10_000;

/** Places by receiver: one that hangs has half of all at most, and does not hold up the others. */
export class OriginPlaces {
  readonly #most: number;
  readonly #taken = new Map<string, number>();
  /** To whom a message goes, by its position: so that what has no place now need not be asked for again. */
  readonly #origins = new Map<number, string>();

  /** @param places of all receivers together */
  constructor(places: number) {
    this.#most = Math.max(1, Math.floor(places / 2));
  }

  /** Whether the message is known to go where all places are taken. */
  isFull(position: number): boolean {
    const origin = this.#origins.get(position);
    return origin !== undefined && (this.#taken.get(origin) ?? 0) >= this.#most;
  }

  /** Takes a place for it; gives how to leave it, or undefined where there is none. */
  enter(position: number, url: string): (() => void) | undefined {
    const origin = URL.canParse(url) ? new URL(url).origin : '';
    if ((this.#taken.get(origin) ?? 0) >= this.#most) {
      this.#remember(position, origin);
      return undefined;
    }
    this.#origins.delete(position);
    this.#taken.set(origin, (this.#taken.get(origin) ?? 0) + 1);
    return () => {
      const left = (this.#taken.get(origin) ?? 1) - 1;
      if (left === 0) this.#taken.delete(origin);
      else this.#taken.set(origin, left);
    };
  }

  #remember(position: number, origin: string): void {
    const [oldest] = this.#origins.size < mostRemembered ? [] : this.#origins.keys();
    if (oldest !== undefined) this.#origins.delete(oldest);
    this.#origins.set(position, origin);
  }
}
