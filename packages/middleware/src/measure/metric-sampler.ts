import type { Clock, Timer } from '../clock.ts';

/** A metric: its value now, at once or as a promise. */
export type MetricReader = () => number | Promise<number>;

/** What a sampler stands on. */
export interface SamplerSetup {
  readonly clock: Pick<Clock, 'now' | 'after'>;
  readonly everyMs: number;
  readonly readers: ReadonlyMap<string, MetricReader>;
  /** A metric threw, rejected, or gave no finite number; once, until it has given one again. */
  readonly onTrouble: (name: string, error: unknown) => void;
}

interface Slot {
  readonly name: string;
  readonly read: MetricReader;
  value: number | undefined;
  at: number;
  asking: boolean;
  failing: boolean;
}

/** For so many intervals a value stands for a metric that does not answer. */
const mostMissed = 3;

/** Samples metrics on one timer, which runs only where there are any. Requests read what was sampled last. */
export class MetricSampler {
  readonly #setup: SamplerSetup;
  readonly #slots: ReadonlyMap<string, Slot>;
  #timer: Timer | undefined;

  constructor(setup: SamplerSetup) {
    this.#setup = setup;
    this.#slots = new Map(
      [...setup.readers].map(([name, read]) => [
        name,
        { name, read, value: undefined, at: Number.NEGATIVE_INFINITY, asking: false, failing: false },
      ]),
    );
    if (this.#slots.size > 0) this.#sample();
  }

  /** The value sampled last; undefined where there is none, or it is too old to be believed. */
  read(name: string): number | undefined {
    const slot = this.#slots.get(name);
    if (slot?.value === undefined) return undefined;
    const { clock, everyMs } = this.#setup;
    return clock.now() - slot.at <= mostMissed * everyMs ? slot.value : undefined;
  }

  /** Ends the sampling. */
  close(): void {
    this.#timer?.cancel();
  }

  #sample(): void {
    this.#timer = this.#setup.clock.after(this.#setup.everyMs, () => this.#sample());
    for (const slot of this.#slots.values()) {
      // One that hangs is asked once.
      if (!slot.asking) this.#ask(slot);
    }
  }

  #ask(slot: Slot): void {
    try {
      const answer: unknown = slot.read();
      if (!(answer instanceof Promise)) {
        this.#take(slot, answer);
        return;
      }
      slot.asking = true;
      answer
        .then(
          (value: unknown) => this.#take(slot, value),
          (error: unknown) => this.#fail(slot, error),
        )
        .finally(() => {
          slot.asking = false;
        });
    } catch (error) {
      this.#fail(slot, error);
    }
  }

  #take(slot: Slot, value: unknown): void {
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      this.#fail(slot, new RangeError(`It gave ${typeof value === 'number' ? value : `a ${typeof value}`}.`));
      return;
    }
    slot.value = value;
    slot.at = this.#setup.clock.now();
    slot.failing = false;
  }

  #fail(slot: Slot, error: unknown): void {
    slot.value = undefined;
    if (slot.failing) return;
    slot.failing = true;
    this.#setup.onTrouble(slot.name, error);
  }
}
