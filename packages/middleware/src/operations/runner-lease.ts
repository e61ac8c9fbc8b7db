import type { Clock, Timer } from '../clock.ts';
import type { EngineStore } from '../engines/store.ts';

// Which processes are alive: operation/runner/<process>, written at each third of the lease. One lease for all runs of a process. Whether
// another one is alive is told by no wall clock: each goes by how long it has seen the same revision itself.

const prefix = 'operation/runner/';

/** What {@link RunnerLease} takes. Durations in ms. */
export interface RunnerLeaseSetup {
  readonly store: EngineStore;
  readonly clock: Clock;
  readonly leaseMs: number;
  /** No two processes have the same: `A-Z a-z 0-9 _ -`. */
  readonly holder: string;
  /** Called once each time the lease is over: others may take over what this process had. */
  readonly onLost: () => void;
  readonly onTrouble: (doing: string, error: unknown) => void;
}

/** Tells the others that this process is alive, and which of them are. */
export class RunnerLease {
  readonly #setup: RunnerLeaseSetup;
  readonly #seen = new Map<string, { readonly revision: number; readonly since: number }>();
  #heldUntil = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #isHolding = false;
  #isClosed = false;
  #beats = 0;
  #beating: Promise<void> | undefined;

  constructor(setup: RunnerLeaseSetup) {
    this.#setup = setup;
  }

  get holder(): string {
    return this.#setup.holder;
  }

  /** Whether this process surely has what it took, at this instant. */
  isHeld(): boolean {
    return this.#isHolding && this.#setup.clock.now() < this.#heldUntil;
  }

  /** Resolves when it is held. Rejects where the engine can't be written. */
  async hold(): Promise<void> {
    if (this.isHeld()) return;
    await this.#beat();
    this.#schedule();
  }

  /** Whether a process is alive, as far as can be seen from here. */
  async isAlive(holder: string): Promise<boolean> {
    if (holder === this.#setup.holder) return true;
    const { store, clock, leaseMs } = this.#setup;
    const stored = holder === '' ? undefined : await store.get(prefix + holder);
    if (stored === undefined) {
      this.#seen.delete(holder);
      return false;
    }
    const now = clock.now();
    const known = this.#seen.get(holder);
    if (known?.revision !== stored.revision) {
      this.#seen.set(holder, { revision: stored.revision, since: now });
      return true;
    }
    if (now - known.since < leaseMs) return true;
    this.#seen.delete(holder);
    // Where it is not deleted it was written meanwhile: by a process that is alive, unless another one deleted it.
    if (await store.delete(prefix + holder, stored.revision)) return false;
    return (await store.get(prefix + holder)) !== undefined;
  }

  /** Others may take over at once. To be called when nothing of this process goes on any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#beating?.catch(() => {});
    if (this.#isHolding) await this.#setup.store.delete(prefix + this.#setup.holder).catch(() => false);
    this.#isHolding = false;
  }

  #beat(): Promise<void> {
    this.#beating ??= this.#write().finally(() => {
      this.#beating = undefined;
    });
    return this.#beating;
  }

  async #write(): Promise<void> {
    const { store, clock, leaseMs, holder } = this.#setup;
    const beganAt = clock.now();
    this.#beats += 1;
    await store.put(prefix + holder, Buffer.from(String(this.#beats), 'utf8'));
    this.#heldUntil = beganAt + leaseMs;
    this.#isHolding = true;
  }

  #schedule(): void {
    this.#timer?.cancel();
    if (this.#isClosed) return;
    const { clock, leaseMs, onTrouble } = this.#setup;
    this.#timer = clock.after(leaseMs / 3, () => {
      const beating = this.#beat().catch((error: unknown) =>
        onTrouble('saying that operations are run here', error),
      );
      void beating.then(() => {
        if (this.#isClosed) return;
        if (!this.isHeld() && this.#isHolding) {
          this.#isHolding = false;
          this.#setup.onLost();
        }
        this.#schedule();
      });
    });
  }
}
