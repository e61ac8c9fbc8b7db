import type { Commit } from '../drivers/driver.ts';

/** The commits that finished last, so that one which is told of again is known: as a rule it is again at once. */
export class RecentCommits {
  readonly #commits: (Commit | undefined)[];
  #next = 0;

  constructor(size: number) {
    this.#commits = new Array<Commit | undefined>(size).fill(undefined);
  }

  add(commit: Commit): void {
    this.#commits[this.#next] = commit;
    this.#next = (this.#next + 1) % this.#commits.length;
  }

  has(commit: Commit): boolean {
    return this.#commits.includes(commit);
  }
}
