import type { OperationEntryType, OperationStep } from '@slackwater/shared';
import type { OperationOwner } from '../ledger/operation-records.ts';
import { glanceAtRun, readRuns } from './read-runs.ts';
import type { RunGround } from './run-ground.ts';
import type { RunState } from './run-state.ts';
import { RunValues } from './run-values.ts';
import type { AsideRun } from './runs-here.ts';
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

  /**
   * Undefined where there is none, or it was settled too long ago.
   *
   * @param aside where its entries stand, as this process knows: it counts as long as no other took the run over
   */
  async find(id: string, aside?: AsideRun): Promise<RecordedRun | undefined> {
    const live = (await this.#stored.live(id))?.run;
    const run = live ?? (await this.#stored.done(id));
    if (run === undefined) return undefined;
    const known = live !== undefined && live.token === aside?.token ? { at: aside.at } : undefined;
    const isWhole = live === undefined || known !== undefined || isLeft(live);
    const { records } = this.#ground;
    const toRead = { ...run, ...known, isWhole };
    // What is set aside may be gone on with; anything else is only shown.
    const found =
      aside === undefined ? await glanceAtRun(records, toRead) : (await readRuns(records, [toRead])).get(id);
    return found && { ...found, values: this.valuesOf(run) };
  }

  /** The values of a run. */
  valuesOf(owner: OperationOwner): RunValues {
    const { records, registry, digest, corrupt } = this.#ground;
    return new RunValues({ records, registry, digest, corrupt }, owner);
  }
}
