import type { KnownOperations } from './known-operations.ts';
import { pointersOf } from './pointers.ts';
import { readRuns } from './read-runs.ts';
import type { RunGround } from './run-ground.ts';
import type { RunnerLease } from './runner-lease.ts';
import type { LiveRun } from './stored-runs.ts';
import { taskFunctions } from './task-functions.ts';

/** What {@link FreeRuns} takes. */
export interface FreeRunsParts {
  readonly ground: Pick<RunGround, 'clock' | 'records' | 'registry' | 'sources'>;
  readonly known: KnownOperations;
  readonly lease: Pick<RunnerLease, 'holder' | 'isAlive'>;
  /** How long runs of operations that are not known here are left to others before they are parked, ms. */
  readonly strangeMs: number;
  /** See `RunnerParts`. */
  readonly learn?: (operation: string, version: string) => Promise<boolean>;
}

/** Tells which runs this process may take over: nobody has them, and it knows what they need. */
export class FreeRuns {
  readonly #parts: FreeRunsParts;
  readonly #isHere: (id: string) => boolean;
  /** Runs of operations that are not known here and that nobody has, and since when, monotonic ms. */
  readonly #strange = new Map<string, number>();
  /** Parked runs whose functions were looked for and not all there, and how many operations were known then. */
  readonly #lacking = new Map<string, number>();

  constructor(parts: FreeRunsParts, isHere: (id: string) => boolean) {
    this.#parts = parts;
    this.#isHere = isHere;
  }

  /** Whether a run is free. Rejects where the engine can't be asked. */
  async isFree(run: LiveRun): Promise<boolean> {
    const { lease } = this.#parts;
    if (this.#isHere(run.id)) return false;
    if (run.parked !== undefined) return run.parked.startsWith('function-') && this.#hasFunctions(run);
    // What this process has by the record and does not run it lost when its lease was over.
    if (run.runner !== lease.holder && (await lease.isAlive(run.runner))) return false;
    return (await this.#isKnown(run)) || this.#isStrangeForLong(run.id);
  }

  /** A definition that names functions which are not here is as good as none. */
  async #isKnown({ operation, version }: LiveRun): Promise<boolean> {
    const { known, learn } = this.#parts;
    return known.has(operation, version) || (await learn?.(operation, version).catch(() => false)) === true;
  }

  /** Who does not know an operation leaves its runs to others for a while; then it says, by parking them, what they lack. */
  #isStrangeForLong(id: string): boolean {
    const { clock } = this.#parts.ground;
    const since = this.#strange.get(id);
    if (since === undefined) this.#strange.set(id, clock.now());
    const isForLong = since !== undefined && clock.now() - since >= this.#parts.strangeMs;
    if (isForLong) this.#strange.delete(id);
    return isForLong;
  }

  async #hasFunctions(run: LiveRun): Promise<boolean> {
    const { known, ground } = this.#parts;
    if (!(await this.#isKnown(run)) || this.#lacking.get(run.id) === known.size) return false;
    const state = (await readRuns(ground.records, [run])).get(run.id)?.state;
    const tasks = [...(state?.blocks.values() ?? [])].flatMap(({ block }) => block.tasks);
    try {
      for (const task of tasks) {
        await ground.sources.load(pointersOf(task));
        taskFunctions(task, ground.registry);
      }
      this.#lacking.delete(run.id);
      return tasks.length > 0;
    } catch {
      this.#lacking.set(run.id, known.size);
      return false;
    }
  }
}
