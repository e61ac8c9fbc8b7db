import type { RecordedRun } from './recorded-runs.ts';

/** Somebody who waits for the end of a run. */
export interface SettledWait {
  /** Resolves when it is told; never where it was left before. */
  readonly settled: Promise<RecordedRun>;
  /** Waits no more. */
  leave(): void;
}

/** Those who wait until runs are settled. */
export class SettledWaiters {
  readonly #waiting = new Map<string, Set<(run: RecordedRun) => void>>();

  /** The runs that somebody waits for. */
  get runs(): readonly string[] {
    return [...this.#waiting.keys()];
  }

  /** Whether somebody still waits for that run. Many are told while the first are looked for, which reads the log. */
  has(id: string): boolean {
    return this.#waiting.has(id);
  }

  /** Waits until {@link tell} is called for that run. */
  wait(id: string): SettledWait {
    const waiting = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, waiting);
    let leave = (): void => {};
    const settled = new Promise<RecordedRun>((resolve) => {
      waiting.add(resolve);
      leave = () => {
        waiting.delete(resolve);
        if (waiting.size === 0 && this.#waiting.get(id) === waiting) this.#waiting.delete(id);
      };
    });
    return { settled, leave };
  }

  /** A run is settled. */
  tell(id: string, run: RecordedRun): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    for (const tell of waiting ?? []) tell(run);
  }
}
