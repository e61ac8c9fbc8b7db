const most = 10_000;

/** When revisions that this host wrote or read expire: an update of one need not look it up again. */
export class ExpiryOf {
  readonly #known = new Map<number, { readonly expiresAt: number | undefined }>();

  learn(revision: number, expiresAt: number | undefined): void {
    this.#known.set(revision, { expiresAt });
    if (this.#known.size <= most) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }

  find(revision: number): { readonly expiresAt: number | undefined } | undefined {
    return this.#known.get(revision);
  }
}
