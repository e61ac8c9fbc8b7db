import type { DecisionEvent } from '../options/gate-events.ts';

/** A decision and when it was made. */
export interface KeptDecision extends DecisionEvent {
  /** RFC 3339. */
  readonly at: string;
}

/** Which decisions are wanted. */
export interface DecisionFilter {
  readonly partition?: string;
  readonly workType?: string;
  readonly decision?: DecisionEvent['decision'];
  /** The newest so many; 1 or more. Default all that are kept. */
  readonly limit?: number;
}

/** The most recent decisions, at most so many: each new one takes the place of the oldest. */
export class DecisionRing {
  readonly #keep: number;
  readonly #events: DecisionEvent[] = [];
  readonly #at: number[] = [];
  #next = 0;

  /** @param keep 0 keeps none */
  constructor(keep: number) {
    this.#keep = keep;
  }

  /** Whether any are kept. */
  get keeps(): boolean {
    return this.#keep > 0;
  }

  /** @param wallMs Unix milliseconds */
  add(event: DecisionEvent, wallMs: number): void {
    if (this.#keep === 0) return;
    this.#events[this.#next] = event;
    this.#at[this.#next] = wallMs;
    this.#next = (this.#next + 1) % this.#keep;
  }

  /** Those that fit, the newest first. */
  list({ partition, workType, decision, limit = this.#keep }: DecisionFilter = {}): readonly KeptDecision[] {
    const found: KeptDecision[] = [];
    const { length } = this.#events;
    for (let back = 1; back <= length && found.length < limit; back++) {
      const index = (this.#next - back + length) % length;
      const event = this.#events[index];
      const at = this.#at[index];
      if (event === undefined || at === undefined) continue;
      if (partition !== undefined && event.partition !== partition) continue;
      if (workType !== undefined && event.workType !== workType) continue;
      if (decision !== undefined && event.decision !== decision) continue;
      found.push({ at: new Date(at).toISOString(), ...event });
    }
    return found;
  }
}
