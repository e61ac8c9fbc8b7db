import type { Commit } from '../drivers/driver.ts';

/**
 * Which commits have finished, so that one which is told of again is known. They are marked rather than kept: each has its request with
 * it, and that its answer and whatever it carried.
 */
export class FinishedCommits {
  readonly #mark = Symbol('slackwater.finished');
  /** Those that their source has frozen. */
  #unmarkable: WeakSet<Commit> | undefined;

  add(commit: Commit): void {
    if (Object.isExtensible(commit)) (commit as Marked)[this.#mark] = true;
    else {
      this.#unmarkable ??= new WeakSet();
      this.#unmarkable.add(commit);
    }
  }

  has(commit: Commit): boolean {
    return (commit as Marked)[this.#mark] === true || this.#unmarkable?.has(commit) === true;
  }
}

type Marked = Commit & { [mark: symbol]: true | undefined };
