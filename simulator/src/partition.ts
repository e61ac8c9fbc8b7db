import type { Clock } from '../../packages/middleware/src/clock.ts';
import { doneAt, hangMs, isRefused } from './faults.ts';
import { Line } from './line.ts';
import type { Random } from './random.ts';
import type { Fault, PartitionModel } from './scenario.ts';

/** A database of bounded parallelism: commits beyond it wait in order, and that is in their latency. */
export class Partition {
  readonly #clock: Clock;
  readonly #model: PartitionModel;
  readonly #faults: readonly Fault[];
  readonly #random: Random;
  #working = 0;
  readonly #waiting = new Line<() => void>();

  constructor(clock: Clock, model: PartitionModel, random: Random) {
    this.#clock = clock;
    this.#model = model;
    this.#faults = model.faults ?? [];
    this.#random = random;
  }

  /** Whether a host's connections are refused now. */
  refuses(host: number): boolean {
    return this.#faults.length > 0 && isRefused(this.#faults, host, this.#clock.now());
  }

  /** A host begins a commit; `finished` is called once it is answered. */
  commit(host: number, finished: () => void): void {
    const hang = this.#faults.length === 0 ? 0 : hangMs(this.#faults, host, this.#clock.now());
    if (hang > 0) this.#clock.after(hang, () => this.#queue(finished));
    else this.#queue(finished);
  }

  #queue(finished: () => void): void {
    if (this.#working < this.#model.parallel) this.#work(finished);
    else this.#waiting.push(finished);
  }

  #work(finished: () => void): void {
    this.#working += 1;
    const now = this.#clock.now();
    const workMs = this.#model.serviceMs * (0.5 + this.#random());
    this.#clock.after(doneAt(this.#faults, now, workMs) - now, () => {
      this.#working -= 1;
      const next = this.#waiting.shift();
      if (next !== undefined) this.#work(next);
      finished();
    });
  }
}
