import type { RunState } from './run-state.ts';

/** Those who wait until runs are settled. */
export class SettledWaiters {
  readonly #waiting = new Map<string, ((state: RunState) => void)[]>();

  /** The runs that somebody waits for. */
  get runs(): readonly string[] {
    return [...this.#waiting.keys()];
  }

  /** Whether somebody still waits for that run. Many are told while the first are looked for, which reads the log. */
  has(id: string): boolean {
    return this.#waiting.has(id);
  }

  /** Resolves when {@link tell} is called for that run. */
  wait(id: string): Promise<RunState> {
    return new Promise((resolve) => {
      const others = this.#waiting.get(id);
      if (others === undefined) this.#waiting.set(id, [resolve]);
      else others.push(resolve);
    });
  }

  /** A run is settled. */
  tell(id: string, state: RunState): void {
    const waiting = this.#waiting.get(id) ?? [];
    this.#waiting.delete(id);
    for (const tell of waiting) tell(state);
  }
}
