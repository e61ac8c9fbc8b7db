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
  /** Those that drivers' probes feel. */
  readonly #ofProbes: readonly Fault[];
  readonly #random: Random;
  #working = 0;
  readonly #waiting = new Line<() => void>();

  constructor(clock: Clock, model: PartitionModel, random: Random) {
    this.#clock = clock;
    this.#model = model;
    this.#faults = model.faults ?? [];
    this.#ofProbes = this.#faults.filter(({ sparesProbes }) => sparesProbes !== true);
    this.#random = random;
  }

  /** Whether a host's connections are refused now. */
  refuses(host: number): boolean {
    return this.#faults.length > 0 && isRefused(this.#faults, host, this.#clock.now());
  }

  /** A host begins a commit; `finished` is called once it is answered. */
  commit(host: number, finished: () => void): void {
    this.#begin(host, this.#faults, finished);
  }

  /** The same of a probe that a host's driver commits by itself. */
  probe(host: number, finished: () => void): void {
    this.#begin(host, this.#ofProbes, finished);
  }

  #begin(host: number, faults: readonly Fault[], finished: () => void): void {
    const hang = faults.length === 0 ? 0 : hangMs(faults, host, this.#clock.now());
    if (hang > 0) this.#clock.after(hang, () => this.#queue(faults, finished));
    else this.#queue(faults, finished);
  }

  #queue(faults: readonly Fault[], finished: () => void): void {
    if (this.#working < this.#model.parallel) this.#work(faults, finished);
    else this.#waiting.push(() => this.#work(faults, finished));
  }

  #work(faults: readonly Fault[], finished: () => void): void {
    this.#working += 1;
    const now = this.#clock.now();
    const workMs = this.#model.serviceMs * (0.5 + this.#random());
    this.#clock.after(doneAt(faults, now, workMs) - now, () => {
      this.#working -= 1;
      this.#waiting.shift()?.();
      finished();
    });
  }
}
