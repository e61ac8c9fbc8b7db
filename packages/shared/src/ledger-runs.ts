import type { LedgerEntry } from './entry.ts';
import type { HashOptions } from './hash.ts';
import { operationEntryTypes } from './operation-entry.ts';
import { judgeRun, type RunFault, type RunLife } from './run-rules.ts';

const types: ReadonlySet<string> = new Set(operationEntryTypes);

/** The runs of a ledger's operations, entry by entry. Remembers those that are not settled, and the most recently settled ones' ids. */
export class LedgerRuns {
  readonly #open = new Map<string, RunLife>();
  /** Settled ones, the oldest first. */
  readonly #over = new Map<string, RunLife>();
  readonly #options: HashOptions;
  readonly #rememberSettled: number;
  /** ULIDs are in the order of their making: an unknown one up to this may have been known. */
  #forgottenUpTo = '';

  constructor(options: HashOptions, rememberSettled: number) {
    this.#options = options;
    this.#rememberSettled = rememberSettled;
  }

  /** Takes the next entry. What is wrong with it, if anything is; entries about nothing of the kind have nothing wrong. */
  entry(entry: LedgerEntry): { readonly fault: RunFault; readonly message: string } | undefined {
    if (!types.has(entry.type)) return undefined;
    const { id } = entry;
    const before = this.#open.get(id) ?? this.#over.get(id);
    if (before === undefined && entry.type !== 'stage-planned' && id <= this.#forgottenUpTo) return undefined;
    const judged = judgeRun(before, entry, this.#options);
    if (judged?.fault !== undefined) return judged;
    if (judged === undefined) return undefined;
    if (judged.run.course !== 'settled') {
      this.#open.set(id, judged.run);
      return undefined;
    }
    this.#open.delete(id);
    this.#over.set(id, judged.run);
    if (this.#over.size > this.#rememberSettled) this.#forgetOldest();
    return undefined;
  }

  #forgetOldest(): void {
    for (const oldest of this.#over.keys()) {
      this.#over.delete(oldest);
      if (oldest > this.#forgottenUpTo) this.#forgottenUpTo = oldest;
      return;
    }
  }
}
