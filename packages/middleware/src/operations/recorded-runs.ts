import type { OperationEntryType, OperationStep } from '@slackwater/shared';
import type { OperationOwner } from '../ledger/operation-records.ts';
import { readRuns } from './read-runs.ts';
import type { RunGround } from './run-ground.ts';
import type { RunState } from './run-state.ts';
import { RunValues } from './run-values.ts';
import { isLeft, type StoredRuns } from './stored-runs.ts';

/** A run as it is recorded. */
export interface RecordedRun {
  readonly state: RunState;
  readonly values: RunValues;
  /** Where its entries stand in the log, in their order. */
  readonly at: readonly number[];
}

/** A run, and how to have something recorded of it, whoever runs it. */
export interface ToldRun extends RecordedRun {
  say(type: OperationEntryType, step: Omit<OperationStep, 'token'>): Promise<void>;
}

/** Runs as the ledger has them, whoever runs them. */
export class RecordedRuns {
  readonly #ground: RunGround;
  readonly #stored: Pick<StoredRuns, 'live' | 'done'>;

  constructor(ground: RunGround, stored: Pick<StoredRuns, 'live' | 'done'>) {
    this.#ground = ground;
    this.#stored = stored;
  }

  /** Undefined where there is none, or it was settled too long ago. */
  async find(id: string): Promise<RecordedRun | undefined> {
    const live = (await this.#stored.live(id))?.run;
    const run = live ?? (await this.#stored.done(id));
    if (run === undefined) return undefined;
    const isWhole = live === undefined || isLeft(live);
    const found = (await readRuns(this.#ground.records, [{ ...run, isWhole }])).get(id);
    return found && { ...found, values: this.valuesOf(run) };
  }

  /** The values of a run. */
  valuesOf(owner: OperationOwner): RunValues {
    const { records, registry, digest, corrupt } = this.#ground;
    return new RunValues({ records, registry, digest, corrupt }, owner);
  }
}
