import type { Clock, Timer } from '../clock.ts';
import type { Claim, EngineQueue } from '../engines/queue.ts';
import { inTime } from '../in-time.ts';

/** A claimed item, kept for as long as something is done with it. */
export interface Lease {
  /** Aborted when the lease is lost, or can't be known to be held. */
  readonly lost: AbortSignal;
  /** Stops prolonging it. */
  end(): void;
}

/** Prolongs a claim's lease at each third of it. */
export function keepLease(
  queue: Pick<EngineQueue, 'extend'>,
  clock: Clock,
  claim: Claim,
  leaseMs: number,
  onTrouble: (error: unknown) => void,
): Lease {
  const lost = new AbortController();
  let heldUntil = clock.now() + leaseMs;
  let ended = false;
  let timer: Timer = clock.after(leaseMs / 3, () => void prolong());

  async function prolong(): Promise<void> {
    const askedAt = clock.now();
    try {
      const asked = queue.extend(claim.id, claim.token, leaseMs);
      if (await inTime(clock, leaseMs / 3, 'Prolonging a lease', asked)) heldUntil = askedAt + leaseMs;
      else lost.abort();
    } catch (error) {
      // The lease runs on without the engine; once it is over, somebody else may have the item.
      if (clock.now() >= heldUntil) lost.abort();
      if (!ended) onTrouble(error);
    }
    if (!ended && !lost.signal.aborted) timer = clock.after(leaseMs / 3, () => void prolong());
  }

  return {
    lost: lost.signal,
    end() {
      ended = true;
      timer.cancel();
    },
  };
}
