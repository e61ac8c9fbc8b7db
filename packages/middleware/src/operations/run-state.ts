import type {
  BlockTask,
  OperationBlock,
  OperationEntryType,
  OperationStep,
  StepEnd,
} from '@slackwater/shared';

// What became of one run of an operation, from what its entries say, in their order. Pure: what a resumed process knows, and what the
// one knew that ended, is the same.

/** One entry about a run. */
export interface Happened {
  readonly type: OperationEntryType;
  readonly step: OperationStep;
  /** Unix milliseconds. */
  readonly at: number;
  /** Where it stands in the log; undefined for one that is not there yet. */
  readonly position?: number | undefined;
}

/** Digests of values, by label. */
export type Digests = Readonly<Record<string, string>>;

/** How far a task has come. */
export type TaskPhase =
  | { readonly is: 'running' }
  | { readonly is: 'retrying'; readonly at: number }
  | { readonly is: 'ended' }
  | { readonly is: 'undoing' }
  | { readonly is: 'undo-retrying'; readonly at: number }
  | { readonly is: 'undone' };

/** A task that was begun at least once. */
export interface TaskState {
  readonly phase: TaskPhase;
  /** The newest attempt at running it. */
  readonly attempt: number;
  /** How many attempts failed, and were to be repeated. */
  readonly failures: number;
  /** How many attempts were begun by a process that ended. */
  readonly interruptions: number;
  /** How the newest attempt ended; undefined while it runs, and where nobody knows. */
  readonly end: StepEnd | undefined;
  readonly error: string | undefined;
  /** What it was given, and what it gave. */
  readonly given: Digests;
  readonly gave: Digests;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  /** The newest attempt at undoing it; 0 where there was none. */
  readonly undo: number;
  /** How many attempts at undoing failed since a person looked at it last. */
  readonly undoFailures: number;
  readonly undoneAt: number | undefined;
}

/** Which way a run goes, and where it stands. */
export type Course =
  | { readonly is: 'forward'; readonly blockId: string }
  /** Every stage passed. */
  | { readonly is: 'passed' }
  | { readonly is: 'backward' };

/** Where a run stands. */
export type RunPhase =
  | Course
  | { readonly is: 'parked'; readonly from: Course; readonly error: string }
  | { readonly is: 'settled'; readonly result: 'succeeded' | 'undone' };

/** Why a run went backward. */
export interface RunFailure {
  readonly blockId: string;
  readonly stage: number;
  /** Tasks and checks that did not pass; none where it was canceled. */
  readonly failed: readonly string[];
  readonly error: 'stage-invalid' | 'operation-canceled';
}

/** All that is known of a run. */
export interface RunState {
  readonly id: string;
  readonly token: number;
  readonly phase: RunPhase;
  readonly blocks: ReadonlyMap<string, PlannedBlock>;
  /** Ids of the blocks that were entered, in their order. */
  readonly entered: readonly string[];
  readonly tasks: ReadonlyMap<string, TaskState>;
  /** What came from outside, by label. */
  readonly given: Digests;
  readonly failure: RunFailure | undefined;
  readonly startedAt: number;
  readonly updatedAt: number;
}

/** A block, and where the log has it. */
export interface PlannedBlock {
  readonly block: OperationBlock;
  readonly position: number | undefined;
}

/** The state after the entries of a run, in the order of the log; undefined where they plan nothing. */
export function runStateOf(id: string, entries: readonly Happened[]): RunState | undefined {
  return entries.reduce<RunState | undefined>((state, entry) => afterEntry(id, state, entry), undefined);
}

/** The state after one more entry. What a process says that was overtaken changes nothing. */
export function afterEntry(id: string, state: RunState | undefined, entry: Happened): RunState | undefined {
  const { type, step, at } = entry;
  if (state === undefined)
    return type === 'stage-planned' ? planned(emptyState(id, entry), entry) : undefined;
  if (step.token < state.token || state.phase.is === 'settled') return state;
  const next = { ...state, token: step.token, updatedAt: at };
  switch (type) {
    case 'stage-planned':
      return planned(next, entry);
    case 'operation-taken':
      return next;
    case 'input-given':
      // The first one given counts.
      return { ...next, given: { ...step.values, ...state.given } };
    case 'task-begun':
    case 'task-ended':
    case 'undo-begun':
    case 'undo-ended':
      return withTask(next, step.task, afterStep(state.tasks.get(step.task ?? ''), entry));
    case 'stage-checked':
      return checked(next, step);
    case 'operation-canceled':
      return canceled(next);
    case 'operation-parked':
      return state.phase.is === 'parked'
        ? next
        : { ...next, phase: { is: 'parked', from: state.phase, error: step.error ?? 'internal-error' } };
    case 'operation-resumed':
      return state.phase.is === 'parked'
        ? { ...next, phase: state.phase.from, tasks: triedAnew(state.tasks) }
        : next;
    case 'operation-settled':
      return { ...next, phase: { is: 'settled', result: step.result ?? 'undone' } };
    default:
      return type satisfies never;
  }
}

/** The block that a run stands at, going forward; undefined where it does not. */
export function currentBlock({ phase, blocks }: RunState): OperationBlock | undefined {
  return phase.is === 'forward' ? blocks.get(phase.blockId)?.block : undefined;
}

/** The block of a task, where the run has come to it. */
export function enteredBlock({ entered, blocks }: RunState, task: string): OperationBlock | undefined {
  return entered
    .map((id) => blocks.get(id)?.block)
    .find((block) => block?.tasks.some(({ id }) => id === task));
}

/** A task in the blocks of a run. */
export function plannedTask({ blocks }: RunState, id: string): BlockTask | undefined {
  for (const { block } of blocks.values()) {
    const found = block.tasks.find((task) => task.id === id);
    if (found !== undefined) return found;
  }
  return undefined;
}

function emptyState(id: string, { step, at }: Happened): RunState {
  return {
    id,
    token: step.token,
    phase: { is: 'passed' },
    blocks: new Map(),
    entered: [],
    tasks: new Map(),
    given: {},
    failure: undefined,
    startedAt: at,
    updatedAt: at,
  };
}

function planned(state: RunState, { step: { block }, position }: Happened): RunState {
  if (block === undefined) return state;
  const blocks = new Map(state.blocks).set(block.id, { block, position });
  if (block.first !== true) return { ...state, blocks };
  return { ...state, blocks, phase: { is: 'forward', blockId: block.id }, entered: [block.id] };
}

function withTask(state: RunState, id: string | undefined, task: TaskState | undefined): RunState {
  if (id === undefined || task === undefined) return state;
  return { ...state, tasks: new Map(state.tasks).set(id, task) };
}

function afterStep(task: TaskState | undefined, { type, step, at }: Happened): TaskState | undefined {
  const { attempt = 1, values = {}, end, error } = step;
  if (type === 'task-begun') return begun(task, attempt, values, at);
  if (task === undefined) return undefined;
  const retryAt = step.retryAt === undefined ? undefined : Date.parse(step.retryAt);
  if (type === 'task-ended') {
    if (attempt !== task.attempt || task.phase.is !== 'running') return task;
    const ended = { ...task, end, error, gave: values, endedAt: at };
    if (retryAt === undefined) return { ...ended, phase: { is: 'ended' } };
    return { ...ended, phase: { is: 'retrying', at: retryAt }, failures: task.failures + 1 };
  }
  if (type === 'undo-begun') {
    // One that was begun and never ended was its process's last.
    const undoFailures = task.undoFailures + (task.phase.is === 'undoing' ? 1 : 0);
    return { ...task, phase: { is: 'undoing' }, undo: attempt, undoFailures };
  }
  if (attempt !== task.undo || task.phase.is !== 'undoing') return task;
  if (end === 'succeeded') return { ...task, phase: { is: 'undone' }, undoneAt: at };
  return {
    ...task,
    phase: { is: 'undo-retrying', at: retryAt ?? at },
    undoFailures: task.undoFailures + 1,
    error,
  };
}

function begun(task: TaskState | undefined, attempt: number, given: Digests, at: number): TaskState {
  return {
    phase: { is: 'running' },
    attempt,
    failures: task?.failures ?? 0,
    interruptions: (task?.interruptions ?? 0) + (task?.phase.is === 'running' ? 1 : 0),
    end: undefined,
    error: undefined,
    given,
    gave: {},
    startedAt: at,
    endedAt: undefined,
    undo: 0,
    undoFailures: 0,
    undoneAt: undefined,
  };
}

function checked(state: RunState, { blockId = '', valid, failed = [] }: OperationStep): RunState {
  if (state.phase.is !== 'forward' || state.phase.blockId !== blockId) return state;
  const block = currentBlock(state);
  if (valid !== true) {
    const failure: RunFailure = { blockId, stage: block?.stage ?? 0, failed, error: 'stage-invalid' };
    return { ...state, phase: { is: 'backward' }, failure };
  }
  const next = block?.next;
  if (next === undefined) return { ...state, phase: { is: 'passed' } };
  return { ...state, phase: { is: 'forward', blockId: next }, entered: [...state.entered, next] };
}

function canceled(state: RunState): RunState {
  const { phase } = state;
  const course = phase.is === 'parked' ? phase.from : phase;
  if (course.is !== 'forward') return state;
  const stage = state.blocks.get(course.blockId)?.block.stage ?? 0;
  const failure: RunFailure = { blockId: course.blockId, stage, failed: [], error: 'operation-canceled' };
  return { ...state, phase: { is: 'backward' }, failure };
}

function triedAnew(tasks: ReadonlyMap<string, TaskState>): ReadonlyMap<string, TaskState> {
  return new Map([...tasks].map(([id, task]) => [id, { ...task, interruptions: 0, undoFailures: 0 }]));
}
