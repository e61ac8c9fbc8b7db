import type { BlockTask, StepEnd } from '@slackwater/shared';
import type { Course, RunState, TaskState } from './run-state.ts';
import { openInputs } from './start-values.ts';

/** How a run stands. */
export interface OperationStatus {
  /** A ULID. */
  readonly id: string;
  readonly operation: string;
  readonly version: string;
  /** `parked`: it waits for a person, or for functions that are not deployed; `error` says which. */
  readonly status: 'running' | 'undoing' | 'parked' | 'succeeded' | 'undone';
  /** Why it is parked, or was undone: an error code. */
  readonly error?: string;
  /** What did not pass, where something did not. */
  readonly failure?: OperationFailure;
  readonly stages: readonly StageStatus[];
  /** Labels that come from outside, and have not come. */
  readonly waitsFor: readonly string[];
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly updatedAt: number;
}

/** Where a run failed. */
export interface OperationFailure {
  /** From 0. */
  readonly stage: number;
  /** Tasks and checks; none where it was canceled. */
  readonly failed: readonly string[];
}

/** How a stage stands. */
export interface StageStatus {
  readonly tasks: readonly TaskStatus[];
  readonly checks: readonly string[];
}

/** How a task stands. */
export interface TaskStatus {
  readonly id: string;
  readonly phase: 'waiting' | 'running' | 'retrying' | 'ended' | 'undoing' | 'undone';
  /** From 1; 0 where it never began. */
  readonly attempt: number;
  readonly end?: StepEnd;
  readonly error?: string;
  /** Unix milliseconds, of the newest attempt. */
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly undoneAt?: number;
}

/** How a run stands, from what is recorded of it. Pure. */
export function statusOf(state: RunState): OperationStatus {
  const blocks = [...state.blocks.values()].map(({ block }) => block).toSorted((a, b) => a.stage - b.stage);
  const { phase, failure } = state;
  const error = phase.is === 'parked' ? phase.error : failure?.error;
  return {
    id: state.id,
    operation: blocks[0]?.operation ?? '',
    version: blocks[0]?.version ?? '',
    status: phase.is === 'settled' ? phase.result : phase.is === 'parked' ? 'parked' : going(phase),
    ...(error !== undefined && { error }),
    ...(failure !== undefined && { failure: { stage: failure.stage, failed: failure.failed } }),
    stages: blocks.map(({ tasks, checks }) => ({
      tasks: tasks.map((task) => taskStatus(task, state.tasks.get(task.id))),
      checks: checks.map(({ name }) => name),
    })),
    waitsFor: isGoing(phase) ? [...new Set(openInputs(state).map(({ label }) => label))] : [],
    startedAt: state.startedAt,
    updatedAt: state.updatedAt,
  };
}

function going({ is }: Course): 'running' | 'undoing' {
  return is === 'backward' ? 'undoing' : 'running';
}

function isGoing({ is }: RunState['phase']): boolean {
  return is === 'forward' || is === 'parked';
}

function taskStatus({ id }: BlockTask, task: TaskState | undefined): TaskStatus {
  if (task === undefined) return { id, phase: 'waiting', attempt: 0 };
  const { phase, attempt, end, error, startedAt, endedAt, undoneAt } = task;
  return {
    id,
    phase: phase.is === 'undo-retrying' ? 'undoing' : phase.is,
    attempt,
    ...(end !== undefined && { end }),
    ...(error !== undefined && { error }),
    startedAt,
    ...(endedAt !== undefined && { endedAt }),
    ...(undoneAt !== undefined && { undoneAt }),
  };
}
