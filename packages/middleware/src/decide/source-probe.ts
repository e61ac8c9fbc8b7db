import type { AdmissionsSetup } from './admissions-setup.ts';
import type { ProbeSlot } from './probe-slot.ts';

/** What a probe by the driver has shown. Durations in ms. */
export interface ProbeResult {
  /** Monotonic ms. */
  readonly startedAt: number;
  /** Infinite where no answer came. */
  readonly durationMs: number;
  /** The longest that a probe took since there was trouble. */
  readonly worstMs: number;
}

/**
 * Whether it is good news for a threshold: it was answered within it, and an earlier one was not. A probe that was never
 * slow while commits were touches nothing that makes them slow, and says nothing about them.
 */
export function isGoodNews({ durationMs, worstMs }: ProbeResult, thresholdMs: number): boolean {
  return worstMs > thresholdMs && durationMs <= thresholdMs;
}

/** Lets a partition's driver commit probes of its own, where nobody else shows how the partition does. */
export class SourceProbe {
  readonly #partition: string;
  readonly #setup: AdmissionsSetup;
  readonly #slot: ProbeSlot;
  readonly #onResult: (result: ProbeResult) => void;
  #worstMs = 0;
  /** The last one had no answer: what may never have any must not be waited for by requests. */
  #failed = false;

  constructor(
    partition: string,
    setup: AdmissionsSetup,
    slot: ProbeSlot,
    onResult: (result: ProbeResult) => void,
  ) {
    this.#partition = partition;
    this.#setup = setup;
    this.#slot = slot;
    this.#onResult = onResult;
  }

  /** Whether one is to be expected, and an answer to it. */
  get possible(): boolean {
    return !this.#failed && this.#commit() !== undefined;
  }

  /** Trouble has begun: what earlier probes showed was of another time. */
  forget(): void {
    this.#worstMs = 0;
  }

  /** Probes, if it is time: `evidenceAt` is when a commit last showed how the partition does. */
  beginIfDue(now: number, evidenceAt: number): void {
    const { probeEveryMs, onProbeFailed } = this.#setup;
    // A request that is due gets a little time to come first.
    const graceMs = this.#slot.spoiled ? 0 : probeEveryMs / 4;
    const isDue = now >= Math.max(this.#slot.lastAt, evidenceAt) + probeEveryMs + graceMs;
    const commit = isDue && !this.#slot.isBusy(now) ? this.#commit() : undefined;
    if (commit === undefined) return;
    const { startedAt } = this.#slot.takeForSource(now, !this.#failed);
    commit()
      .catch((error: unknown) => {
        onProbeFailed(this.#partition, error);
        return Number.POSITIVE_INFINITY;
      })
      .then((durationMs) => {
        this.#slot.freeSource(startedAt);
        this.#failed = durationMs === Number.POSITIVE_INFINITY;
        this.#worstMs = Math.max(this.#worstMs, durationMs);
        this.#onResult({ startedAt, durationMs, worstMs: this.#worstMs });
      });
  }

  #commit(): (() => Promise<number>) | undefined {
    return this.#setup.sourcesOf(this.#partition).find(({ probe }) => probe !== undefined)?.probe;
  }
}
