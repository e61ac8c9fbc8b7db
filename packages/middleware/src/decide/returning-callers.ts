interface Expected {
  readonly partition: string;
  readonly dueAt: number;
}

/** Beyond so many the one told first is forgotten. */
const mostExpected = 10_000;
/** Of a name by which a caller is recognised; with a longer one it is not. */
const mostCharacters = 512;
/** So long after its time nobody is expected any more, ms. */
const graceMs = 60_000;

/**
 * The callers that were asked to come back and will be recognised when they do, by a name that is theirs. Others can't be told
 * from strangers, and neither can those that come back to another host. Instants are monotonic ms.
 */
export class ReturningCallers {
  readonly #expected = new Map<string, Expected>();
  #lastDueAt = Number.NEGATIVE_INFINITY;

  /** Whether anybody is; false again at the first look after all were due long ago. */
  get expects(): boolean {
    return this.#lastDueAt !== Number.NEGATIVE_INFINITY;
  }

  /** How many will be recognised. */
  get size(): number {
    return this.#expected.size;
  }

  /** A caller was asked to come back at an instant. */
  tell(name: string | undefined, partition: string, dueAt: number): void {
    this.#lastDueAt = Math.max(this.#lastDueAt, dueAt);
    if (name === undefined || name.length > mostCharacters) return;
    this.#expected.delete(name);
    if (this.#expected.size >= mostExpected) {
      const [first] = this.#expected.keys();
      if (first !== undefined) this.#expected.delete(first);
    }
    this.#expected.set(name, { partition, dueAt });
  }

  /**
   * Somebody is here. Gives the partition that it was asked to come back to, once, where it was asked and has come in its time or after
   * it: who comes earlier says nothing about the time it was asked for.
   */
  take(name: string | undefined, now: number): string | undefined {
    if (now > this.#lastDueAt + graceMs) {
      this.#lastDueAt = Number.NEGATIVE_INFINITY;
      this.#expected.clear();
    }
    const expected = name === undefined ? undefined : this.#expected.get(name);
    if (name === undefined || expected === undefined || now < expected.dueAt) return undefined;
    this.#expected.delete(name);
    return expected.partition;
  }
}
