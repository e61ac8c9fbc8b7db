import type { BlockTask, OperationStep } from '@slackwater/shared';
import { type AttemptResult, attemptRun, attemptUndo } from './attempt-task.ts';
import { pointersOf } from './pointers.ts';
import { retryDelayMs } from './retry-delay.ts';
import { shown } from './rules.ts';
import type { RunGround, TaskAdmission } from './run-ground.ts';
import type { RunState } from './run-state.ts';
import type { RunValues } from './run-values.ts';
import { taskFunctions } from './task-functions.ts';

/** Forward or backward. */
export type Way = 'run' | 'undo';

/** How an attempt ended, as its entry says it. */
export type AttemptEnded = Pick<
  OperationStep,
  'attempt' | 'end' | 'startedAt' | 'values' | 'error' | 'retryAt' | 'host'
>;

/** What {@link RunAttempts} takes. */
export interface RunAttemptsParts {
  readonly run: string;
  /** Of its tasks. */
  readonly workType: string;
  readonly ground: RunGround;
  readonly values: RunValues;
  readonly state: () => RunState;
  /** Its values are kept, and it may be recorded. */
  readonly onEnded: (way: Way, task: string, ended: AttemptEnded) => void;
  /** What it came to could not be kept. */
  readonly onFailed: (error: unknown) => void;
}

interface Live {
  readonly abort: AbortController;
  readonly admission: Extract<TaskAdmission, { admitted: true }> | undefined;
}

/** The attempts of one run that are under way in this process. */
export class RunAttempts {
  readonly #parts: RunAttemptsParts;
  readonly #live = new Map<string, Live>();
  readonly #held = new Map<string, number>();

  constructor(parts: RunAttemptsParts) {
    this.#parts = parts;
  }

  /** The tasks concerned. */
  get live(): ReadonlySet<string> {
    return new Set(this.#live.keys());
  }

  /** Tasks whose partition is over the threshold, and when to ask again, Unix milliseconds. */
  get held(): ReadonlyMap<string, number> {
    return this.#held;
  }

  /** Whether none is under way, or held back. */
  get isIdle(): boolean {
    return this.#live.size + this.#held.size === 0;
  }

  /**
   * Looks for everything that an attempt takes, before it is recorded that it begins. Gives how to begin it; undefined where its partition
   * holds it back. Rejects with `function-missing` or `record-corrupt`.
   */
  async ready(way: Way, task: BlockTask, attempt: number): Promise<(() => void) | undefined> {
    const { run, workType, ground, values, state } = this.#parts;
    await ground.sources.load(pointersOf(task));
    const functions = taskFunctions(task, ground.registry);
    const inputs = await values.inputsOf(task, state());
    const partition =
      typeof functions.partition === 'function' ? functions.partition(inputs) : functions.partition;
    const asked =
      way === 'undo' || partition === undefined ? undefined : ground.admit({ partition, workType });
    if (asked?.admitted === false) {
      this.#held.set(task.id, ground.clock.wallNow() + Math.max(1, asked.askAgainInMs));
      return undefined;
    }
    this.#held.delete(task.id);
    const abort = new AbortController();
    this.#live.set(task.id, { abort, admission: asked });
    const at = { run, task, attempt, abort, partition, workType, wrote: asked?.wrote };
    const attemptIt = async (): Promise<AttemptResult> => {
      if (way === 'run') return attemptRun(ground, functions, inputs, at);
      const known = state().tasks.get(task.id);
      const { outputs } = await values.attempt(task.id, known?.attempt ?? 0);
      return attemptUndo(ground, functions, { inputs, outputs, end: known?.end ?? 'unknown' }, at);
    };
    return () => {
      const startedAt = new Date(ground.clock.wallNow()).toISOString();
      attemptIt()
        .catch(rowsUnreadable)
        .then((result) => this.#ended(way, task, { attempt, startedAt }, result))
        .catch((error: unknown) => this.#parts.onFailed(error));
    };
  }

  /** Tells an attempt to stop. Its end is still waited for. */
  abort(task: string): void {
    this.#live.get(task)?.abort.abort();
  }

  /** Its end is known. */
  release(task: string): void {
    this.#live.get(task)?.admission?.finished();
    this.#live.delete(task);
  }

  /** Partitions may have recovered. */
  askAgain(): void {
    this.#held.clear();
  }

  /** Tells all of them to stop, and waits for none. */
  leave(): void {
    for (const task of this.live) {
      this.abort(task);
      this.release(task);
    }
  }

  async #ended(
    way: Way,
    task: BlockTask,
    began: Required<Pick<OperationStep, 'attempt' | 'startedAt'>>,
    { end, error, issues, answer, committed }: AttemptResult,
  ): Promise<void> {
    const { values, state, ground, onEnded } = this.#parts;
    if (!this.#live.has(task.id)) return;
    const raw = way === 'run' && Object.keys(answer?.raw ?? {}).length > 0 ? answer?.raw : undefined;
    if (raw !== undefined || issues.length > 0) {
      const kept = { ...(raw !== undefined && { outputs: raw }), ...(issues.length > 0 && { issues }) };
      await values.keepAttempt(
        way === 'run' ? task.id : `${task.id}/undo`,
        began.attempt,
        kept,
        answer?.values,
      );
    }
    const known = state().tasks.get(task.id);
    const failures = (way === 'run' ? known?.failures : known?.undoFailures) ?? 0;
    const isRetried =
      way === 'undo' ? end !== 'succeeded' : repeatable.has(end) && !committed && failures < task.retries;
    const retryAt = new Date(ground.clock.wallNow() + retryDelayMs(failures)).toISOString();
    onEnded(way, task.id, {
      ...began,
      end,
      ...(raw !== undefined && { values: await values.digests(raw) }),
      ...(error !== undefined && { error }),
      ...(isRetried && { retryAt }),
      ...(end !== 'succeeded' && { host: ground.host }),
    });
  }
}

const repeatable: ReadonlySet<string> = new Set(['failed', 'timed-out']);

/** The database could not be asked for completion rows: whether it committed is not known. */
function rowsUnreadable(error: unknown): AttemptResult {
  const issues = [`its completion rows could not be read: ${shown(error)}`];
  return { end: 'failed', error: 'task-failed', issues, answer: undefined, committed: false };
}
