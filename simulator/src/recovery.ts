import type { Fault, Scenario } from './scenario.ts';

/** For so long after a fault has ended, at most to the next one, being over again is a re-trip, ms. */
export const recoveryMs = 30_000;

interface Recovery {
  /** Entry of `partitions`. */
  readonly partition: string;
  readonly faultToMs: number;
  readonly untilMs: number;
  firstAdmissionAt: number | undefined;
}

/** Looks at how states go on after faults, on all hosts. */
export class Recoveries {
  readonly #recoveries: readonly Recovery[];
  /** Since when a work type on a partition of a host has been out of over, having been over since the fault began. */
  readonly #left = new Map<string, number>();
  #retrips = 0;

  constructor({ partitions, durationMs }: Scenario) {
    this.#recoveries = Object.entries(partitions).flatMap(([partition, { faults = [] }]) =>
      endsOf(faults, durationMs).map(({ endMs, nextMs }) => ({
        ...{ partition, faultToMs: endMs, untilMs: Math.min(endMs + recoveryMs, nextMs) },
        firstAdmissionAt: undefined,
      })),
    );
  }

  /** A work type has changed its state. `place` names host, partition and work type; `partition` the scenario's entry. */
  changed(place: string, partition: string, from: string, to: string, at: number): void {
    const recovery = this.#at(partition, at);
    if (from === 'over') {
      if (recovery === undefined) this.#left.delete(place);
      else this.#left.set(place, at);
    } else if (to === 'over') {
      const left = this.#left.get(place);
      if (recovery !== undefined && left !== undefined && left >= recovery.faultToMs) this.#retrips += 1;
      this.#left.delete(place);
    }
  }

  /** A request that may be postponed was let through, and not as a probe. */
  admitted(partition: string, at: number): void {
    const recovery = this.#at(partition, at);
    if (recovery !== undefined) recovery.firstAdmissionAt ??= at;
  }

  get retrips(): number {
    return this.#retrips;
  }

  /** The longest of all faults, ms; null where there was no fault that ended, or after one of them nothing was let through. */
  get timeToFirstAdmissionMs(): number | null {
    if (this.#recoveries.length === 0) return null;
    let longest = 0;
    for (const { firstAdmissionAt, faultToMs } of this.#recoveries) {
      if (firstAdmissionAt === undefined) return null;
      longest = Math.max(longest, firstAdmissionAt - faultToMs);
    }
    return Math.round(longest * 1_000) / 1_000;
  }

  #at(partition: string, at: number): Recovery | undefined {
    for (const recovery of this.#recoveries) {
      if (recovery.partition === partition && at >= recovery.faultToMs && at < recovery.untilMs)
        return recovery;
    }
    return undefined;
  }
}

/** When nothing is wrong any more with a partition, and when something is again, or the simulation ends. */
export function endsOf(
  faults: readonly Fault[],
  durationMs: number,
): readonly { readonly endMs: number; readonly nextMs: number }[] {
  const ends = new Set(faults.map(({ toMs }) => toMs));
  return [...ends]
    .filter((end) => end < durationMs && !faults.some(({ fromMs, toMs }) => fromMs <= end && end < toMs))
    .map((endMs) => {
      const begins = faults.map(({ fromMs }) => fromMs).filter((fromMs) => fromMs > endMs);
      return { endMs, nextMs: Math.min(durationMs, ...begins) };
    });
}
