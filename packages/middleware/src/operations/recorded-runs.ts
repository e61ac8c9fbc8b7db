import type { OperationEntryType, OperationStep } from '@slackwater/shared';
import type { OperationOwner } from '../ledger/operation-records.ts';
import { readRuns } from './read-runs.ts';
import type { RunGround } from './run-ground.ts';
import type { RunState } from './run-state.ts';
import { RunValues } from './run-values.ts';
import type { StoredRuns } from './stored-runs.ts';

/** A run as it is recorded. */
export interface RecordedRun {
  readonly state: RunState;
  readonly values: RunValues;
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
    const found = (await this.#stored.live(id))?.run ?? (await this.#stored.done(id));
    if (found === undefined) return undefined;
    const state = (await readRuns(this.#ground.records, [found])).get(id);
    return state && { state, values: this.valuesOf(found) };
  }

  /** The values of a run. */
  valuesOf(owner: OperationOwner): RunValues {
    const { records, registry, digest, corrupt } = this.#ground;
    return new RunValues({ records, registry, digest, corrupt }, owner);
  }
}
