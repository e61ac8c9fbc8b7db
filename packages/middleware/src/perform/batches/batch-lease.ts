import type { Clock, Timer } from '../../clock.ts';
import { type BatchState, withoutHolder } from './batch-state.ts';
import type { SharedState, StoredState } from './shared-state.ts';

// A run, by crash point.
//
//   holder, token    written     crash after: others see the state stand still, and take over once it has for the lease
//   items            performed   crash after: the same. What the source gives again is performed again
//   beats            written     at each third of the lease
//   no holder        written     with what is known then. Crash before: another host takes over, and runs it once more
//
// Whether a holder is alive is told by no wall clock: each host goes by how long it has seen the same revision itself.

/** What {@link BatchLease} takes. Durations in ms. */
export interface BatchLeaseSetup {
  readonly clock: Clock;
  readonly shared: SharedState;
  readonly leaseMs: number;
  /** By which this gate knows its own lease: no two have the same. */
  readonly holder: string;
  readonly onTrouble: (doing: string, error: unknown) => void;
}

/** A batch that this gate holds. */
export interface HeldBatch {
  /** As it was taken. */
  readonly state: BatchState;
  /** Aborted when somebody else may have it. */
  readonly lost: AbortSignal;
  /** Whether it is surely this gate's at this instant. */
  isHeld(): boolean;
  /** Whether somebody has paused it, as far as is known here. */
  isPaused(): boolean;
  /** Lets others have it, with what is known now. Undefined where it was lost. Rejects where that can't be written; then it runs out. */
  giveBack(change: (state: BatchState) => BatchState): Promise<BatchState | undefined>;
  /** Lets it run out: nobody is to begin before what was begun here has had time to end. */
  abandon(): void;
}

/** Lets one host at a time run a batch. */
export class BatchLease {
  readonly #setup: BatchLeaseSetup;
  /** The revision that was seen last, and since when, monotonic ms. */
  #stands: { readonly revision: number; readonly since: number } | undefined;

  constructor(setup: BatchLeaseSetup) {
    this.#setup = setup;
  }

  /** What is known of the batch. A holder that has not moved for its lease is none. */
  async read(): Promise<BatchState> {
    return this.#withoutDead(await this.#setup.shared.read());
  }

  /** Takes the batch; undefined where somebody else has it, or was quicker. */
  async take(): Promise<HeldBatch | undefined> {
    const { clock, shared, holder, leaseMs } = this.#setup;
    const seen = await shared.read();
    const free = this.#withoutDead(seen);
    if (free.holder !== undefined) return undefined;
    // Above every token there was, also where the store was thrown away meanwhile.
    const token = Math.max(free.token + 1, Math.floor(clock.wallNow()));
    const askedAt = clock.now();
    const taken = await shared.write(seen, { ...free, token, holder, leaseMs, beats: 0 });
    return taken && holdBatch(this.#setup, taken, askedAt);
  }

  #withoutDead({ state, revision }: StoredState): BatchState {
    const now = this.#setup.clock.now();
    if (state.holder === undefined) {
      this.#stands = undefined;
      return state;
    }
    if (this.#stands?.revision !== revision) this.#stands = { revision, since: now };
    return now - this.#stands.since >= (state.leaseMs ?? 0) ? withoutHolder(state) : state;
  }
}

function holdBatch(
  { clock, shared, leaseMs, onTrouble }: BatchLeaseSetup,
  taken: StoredState,
  askedAt: number,
): HeldBatch {
  const lost = new AbortController();
  let last = taken;
  let heldUntil = askedAt + leaseMs;
  let ended = false;
  let beating: Promise<void> | undefined;
  let timer = next();
  let watch = watchEnd();

  /** However long the engine takes to answer: when the lease is over, it is. */
  function watchEnd(): Timer {
    return clock.after(Math.max(1, heldUntil - clock.now()), () => {
      if (clock.now() >= heldUntil) lost.abort();
      else watch = watchEnd();
    });
  }

  function next(): Timer {
    const delayMs = Math.max(1, Math.min(leaseMs / 3, heldUntil - clock.now()));
    return clock.after(delayMs, () => {
      beating = beat();
    });
  }

  async function beat(): Promise<void> {
    const beganAt = clock.now();
    try {
      if (await change((state) => ({ ...state, beats: (state.beats ?? 0) + 1 })))
        heldUntil = beganAt + leaseMs;
      else lost.abort();
    } catch (error) {
      // Without the engine the lease runs on.
      if (!ended) onTrouble('prolonging the lease of a batch', error);
    }
    if (!ended && !lost.signal.aborted) timer = next();
  }

  /** Others may have written as well, such as that the batch is to pause; the token tells whether it is still held. */
  async function change(how: (state: BatchState) => BatchState): Promise<boolean> {
    for (;;) {
      const written = await shared.write(last, how(last.state));
      if (written !== undefined) {
        last = written;
        return true;
      }
      const seen = await shared.read();
      const isOurs = seen.state.token === taken.state.token && seen.state.holder === taken.state.holder;
      if (!isOurs) return false;
      last = seen;
    }
  }

  function end(): void {
    ended = true;
    timer.cancel();
    watch.cancel();
  }

  return {
    state: taken.state,
    lost: lost.signal,
    isHeld: () => !lost.signal.aborted && clock.now() < heldUntil,
    isPaused: () => last.state.paused,
    async giveBack(how) {
      end();
      await beating;
      return (await change((state) => withoutHolder(how(state)))) ? last.state : undefined;
    },
    abandon: end,
  };
}
