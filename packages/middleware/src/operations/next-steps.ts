import type { BlockTask, OperationBlock } from '@slackwater/shared';
import { currentBlock, type RunState, type TaskState } from './run-state.ts';

/** So many times a process may end while it runs a task, before the task counts as one that can't be run. */
export const mostInterruptions = 10;
/** So many times undoing a task may fail, before a person has to look. */
export const mostUndoFailures = 8;

/** What is to be done next about a run. What is recorded about a step is recorded before it begins. */
export type NextStep =
  | { readonly do: 'run'; readonly task: BlockTask; readonly attempt: number }
  /** Its process ended while it ran it, once too often: it counts as failed. */
  | { readonly do: 'give-up'; readonly task: BlockTask; readonly attempt: number }
  /** A sibling failed: it is told to stop, and its end is waited for. */
  | { readonly do: 'abort'; readonly task: string }
  /** All tasks of the stage succeeded: its checks decide. */
  | { readonly do: 'check'; readonly block: OperationBlock }
  /** The stage did not pass, and nothing of it runs any more. */
  | { readonly do: 'fail'; readonly block: OperationBlock; readonly failed: readonly string[] }
  | { readonly do: 'undo'; readonly task: BlockTask; readonly attempt: number }
  | { readonly do: 'park'; readonly error: 'task-undo-failed'; readonly tasks: readonly string[] }
  | { readonly do: 'settle'; readonly result: 'succeeded' | 'undone' }
  /** Nothing before then, Unix milliseconds. */
  | { readonly do: 'wait'; readonly until: number };

/** What is known of this process beside the state of the run. */
export interface NextFacts {
  /** Tasks that run here, or are undone here, at this moment. */
  readonly live: ReadonlySet<string>;
  /** Tasks whose partition is over the threshold, and when to ask again, Unix milliseconds. */
  readonly held: ReadonlyMap<string, number>;
  /** Unix milliseconds. */
  readonly nowMs: number;
}

/**
 * What is to be done next, given what is recorded. Pure. Nothing, where something here is to end first, a value from outside is awaited, or a
 * person has to look; `wait` where time has to pass.
 *
 * Forward: the tasks of one stage side by side; all of them succeeded, its checks; then the stage that its block points to. A stage
 * that fails is undone when nothing of it runs any more, then the one before it, and so on to the first.
 */
export function nextSteps(state: RunState, facts: NextFacts): readonly NextStep[] {
  const { phase } = state;
  switch (phase.is) {
    case 'forward':
      return forward(state, facts);
    case 'passed':
      return [{ do: 'settle', result: 'succeeded' }];
    case 'backward':
      return backward(state, facts);
    case 'parked':
    case 'settled':
      return [];
    default:
      return phase satisfies never;
  }
}

function forward(state: RunState, facts: NextFacts): readonly NextStep[] {
  const block = currentBlock(state);
  if (block === undefined) return [];
  const failed = block.tasks.filter(({ id }) => hasFailed(state.tasks.get(id)));
  if (failed.length > 0) {
    const live = liveOf(block, facts);
    if (live.length > 0) return live.map((task) => ({ do: 'abort', task }));
    return [{ do: 'fail', block, failed: failed.map(({ id }) => id) }];
  }
  const isDone = block.tasks.every(({ id }) => state.tasks.get(id)?.phase.is === 'ended');
  if (isDone) return [{ do: 'check', block }];
  const wanted = block.tasks
    .filter(({ id }) => !facts.live.has(id))
    .flatMap((task) => forwardStep(task, state, facts));
  return limited(wanted, block.parallel - liveOf(block, facts).length);
}

function forwardStep(task: BlockTask, state: RunState, { held, nowMs }: NextFacts): readonly NextStep[] {
  const known = state.tasks.get(task.id);
  if (known?.phase.is === 'ended') return [];
  if (known?.phase.is === 'retrying' && known.phase.at > nowMs)
    return [{ do: 'wait', until: known.phase.at }];
  if (known?.phase.is === 'running' && known.interruptions >= mostInterruptions) {
    return [{ do: 'give-up', task, attempt: known.attempt }];
  }
  const waitsForOutside = task.inputs.some(
    ({ label, from }) => from === 'outside' && !Object.hasOwn(state.given, label),
  );
  if (waitsForOutside) return [];
  const heldUntil = held.get(task.id) ?? 0;
  if (heldUntil > nowMs) return [{ do: 'wait', until: heldUntil }];
  return [{ do: 'run', task, attempt: (known?.attempt ?? 0) + 1 }];
}

/** The newest stage that is not undone yet, and no other. */
function backward(state: RunState, facts: NextFacts): readonly NextStep[] {
  for (const id of state.entered.toReversed()) {
    const block = state.blocks.get(id)?.block;
    if (block === undefined) return [];
    // What still runs forward is told to stop, and undone when it has ended.
    const running = liveOf(block, facts).filter((task) => state.tasks.get(task)?.phase.is === 'running');
    if (running.length > 0) return running.map((task) => ({ do: 'abort', task }));
    const left = block.tasks.filter((task) => isToUndo(task, state.tasks.get(task.id)));
    if (left.length > 0) return undoing(left, state, facts, block.parallel);
  }
  return [{ do: 'settle', result: 'undone' }];
}

function undoing(
  left: readonly BlockTask[],
  state: RunState,
  { live, nowMs }: NextFacts,
  parallel: number,
): readonly NextStep[] {
  const idle = left.filter(({ id }) => !live.has(id));
  const stuck = idle.filter(({ id }) => isStuck(state.tasks.get(id)));
  // Siblings are undone first, as far as they can be: but no stage before this one.
  if (stuck.length === left.length) {
    return [{ do: 'park', error: 'task-undo-failed', tasks: stuck.map(({ id }) => id) }];
  }
  const wanted = idle
    .filter((task) => !stuck.includes(task))
    .map((task): NextStep => {
      const known = state.tasks.get(task.id);
      if (known?.phase.is === 'undo-retrying' && known.phase.at > nowMs)
        return { do: 'wait', until: known.phase.at };
      return { do: 'undo', task, attempt: (known?.undo ?? 0) + 1 };
    });
  return limited(wanted, parallel - (left.length - idle.length));
}

/** As many as there is room for; what waits takes none. */
function limited(steps: readonly NextStep[], room: number): readonly NextStep[] {
  const begun = steps.filter((step) => step.do !== 'wait').slice(0, Math.max(0, room));
  const waits = steps.filter((step) => step.do === 'wait').map(({ until }) => until);
  return waits.length === 0 ? begun : [...begun, { do: 'wait', until: Math.min(...waits) }];
}

function liveOf({ tasks }: OperationBlock, { live }: NextFacts): readonly string[] {
  return tasks.map(({ id }) => id).filter((id) => live.has(id));
}

function hasFailed(task: TaskState | undefined): boolean {
  return task?.phase.is === 'ended' && task.end !== 'succeeded';
}

/** What was begun and has something to undo. What never began did nothing. */
function isToUndo({ rollback }: BlockTask, task: TaskState | undefined): boolean {
  return rollback !== undefined && task !== undefined && task.phase.is !== 'undone';
}

function isStuck(task: TaskState | undefined): boolean {
  return (task?.undoFailures ?? 0) >= mostUndoFailures;
}
