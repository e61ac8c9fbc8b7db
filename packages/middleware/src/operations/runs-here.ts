import type { Letter } from './run-mail.ts';
import type { OperationRun } from './run-operation.ts';

/** So many runs that wait for values from outside are kept whole in memory; of the others, only what it takes to read them again. */
export const mostWholeRuns = 1_000;
/** Reading more entries than so many again takes longer than their memory is worth. */
const mostEntries = 500;

/** What is kept of a run that was set aside: nobody but this process records anything of it under that token. */
export interface AsideRun {
  readonly token: number;
  /** Where its entries stand in the log: all of them, in their order. */
  readonly at: readonly number[];
}

/** The runs that a process has. Of those that rest, the ones that began to most recently are whole, the others are set aside. */
export class RunsHere {
  readonly #whole = new Map<string, OperationRun>();
  readonly #aside = new Map<string, AsideRun>();
  /** Whole ones, the longest resting first. */
  readonly #resting = new Set<OperationRun>();
  readonly #reading = new Map<string, Promise<void>>();
  readonly #mostResting: number;
  readonly #readAgain: (id: string, aside: AsideRun) => Promise<(() => OperationRun) | undefined>;

  /**
   * @param mostResting so many that rest are whole
   * @param readAgain reads a run that was set aside, and gives how to go on with it; undefined where it is this process's no more
   */
  constructor(
    mostResting: number,
    readAgain: (id: string, aside: AsideRun) => Promise<(() => OperationRun) | undefined>,
  ) {
    this.#mostResting = mostResting;
    this.#readAgain = readAgain;
  }

  get size(): number {
    return this.#whole.size + this.#aside.size;
  }

  has(id: string): boolean {
    return this.#whole.has(id) || this.#aside.has(id);
  }

  /** A run that is whole. */
  get(id: string): OperationRun | undefined {
    return this.#whole.get(id);
  }

  /** What is kept of a run that is set aside. */
  aside(id: string): AsideRun | undefined {
    return this.#aside.get(id);
  }

  add(run: OperationRun): void {
    this.#aside.delete(run.owner.id);
    this.#whole.set(run.owner.id, run);
  }

  delete(run: OperationRun): void {
    this.#resting.delete(run);
    if (this.#whole.get(run.owner.id) === run) this.#whole.delete(run.owner.id);
  }

  /** A run has nothing to do for now. */
  rests(run: OperationRun): void {
    if (this.#whole.get(run.owner.id) !== run) return;
    this.#resting.delete(run);
    this.#resting.add(run);
    for (const longest of this.#resting) {
      if (this.#resting.size <= this.#mostResting) return;
      this.#resting.delete(longest);
      // One that goes on meanwhile tells when it rests again.
      if (longest.isResting && longest.at.length <= mostEntries) this.#setAside(longest);
    }
  }

  /** The run, whole: read again where it was set aside. Rejects with `record-corrupt`, or where the engine can't be asked. */
  async whole(id: string): Promise<OperationRun | undefined> {
    const aside = this.#aside.get(id);
    if (aside === undefined) return this.#whole.get(id);
    const reading = this.#reading.get(id) ?? this.#read(id, aside);
    this.#reading.set(id, reading);
    await reading;
    return this.#whole.get(id);
  }

  /** Records what another process says of a run; false where it is not here. */
  async hear({ run: id, type, step }: Letter): Promise<boolean> {
    const run = await this.whole(id);
    if (run === undefined || run.isOver) return false;
    await run.happen(type, step);
    return true;
  }

  wake(): void {
    for (const run of this.#whole.values()) run.wake();
  }

  /** Lets all of them go, as if the process ended here. */
  stop(): void {
    for (const run of this.#whole.values()) run.stop();
    for (const runs of [this.#whole, this.#aside, this.#resting]) runs.clear();
  }

  #setAside(run: OperationRun): void {
    const { id } = run.owner;
    this.#whole.delete(id);
    this.#aside.set(id, { token: run.token, at: run.at.slice() });
    run.stop();
  }

  async #read(id: string, aside: AsideRun): Promise<void> {
    try {
      const goOn = await this.#readAgain(id, aside);
      // Meanwhile all may have been let go.
      if (this.#aside.get(id) !== aside) return;
      this.#aside.delete(id);
      goOn?.().wake();
    } finally {
      this.#reading.delete(id);
    }
  }
}
