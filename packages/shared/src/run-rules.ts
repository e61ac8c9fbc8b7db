/**
 * What may happen to a run of an operation, in the order of the log: `docs/ledger-format.md`, "The life of a run". A process that was overtaken
 * may go on saying things, under its lower token: they count for nothing, and are no fault. What no honest process can say is.
 */
import { toBase64 } from './base64.ts';
import { canonicalJson } from './canonical-json.ts';
import type { LedgerEntry } from './entry.ts';
import { type HashOptions, sha256 } from './hash.ts';
import type { BlockTask, OperationBlock, OperationStep } from './operation-entry.ts';
import { utf8 } from './text.ts';

/** What can be wrong with the happenings of a run. `docs/reference/errors.md` says what each means. */
export const runFaults = [
  'run-never-planned',
  'run-chain-broken',
  'run-out-of-order',
  'run-settled-otherwise',
] as const;

/** One of {@link runFaults}. */
export type RunFault = (typeof runFaults)[number];

/** How far a task of a run has come. */
type TaskLife = 'running' | 'succeeded' | 'not-succeeded' | 'undone';

/** What is known of a run. */
export interface RunLife {
  readonly token: number;
  /** In the order of the chain. */
  readonly blocks: readonly OperationBlock[];
  /** Ids of the blocks that were entered, in their order. */
  readonly entered: readonly string[];
  /** `passed`: every stage was checked and is valid. */
  readonly course: 'forward' | 'passed' | 'backward' | 'settled';
  readonly tasks: ReadonlyMap<string, TaskLife>;
  readonly isBegun: boolean;
}

/** What an entry comes to. */
export type RunJudgement =
  | { readonly fault: RunFault; readonly message: string }
  | { readonly fault?: never; readonly run: RunLife };

/** What the next entry of a run makes of it; undefined stands for the run that nothing is planned of. Pure. */
export function judgeRun(
  run: RunLife | undefined,
  entry: LedgerEntry,
  options: HashOptions,
): RunJudgement | undefined {
  const { type, id, step } = entry;
  if (step === undefined)
    return fault('run-never-planned', `${type} of run ${id} does not say what happened`);
  // A process that looked for runs to take over may have found one whose plan was never recorded.
  if (type === 'operation-taken' && run === undefined) return undefined;
  if (type === 'stage-planned') return judgePlanned(run, id, step, options);
  if (run === undefined)
    return fault('run-never-planned', `${type} of run ${id}, of which nothing is planned`);
  if (step.token < run.token) return { run };
  const next = { ...run, token: step.token, isBegun: true };
  if (run.course === 'settled') {
    if (type === 'operation-taken') return { run: next };
    return fault('run-settled-otherwise', `${type} of run ${id} after it was settled`);
  }
  switch (type) {
    case 'task-begun':
      return judgeBegun(next, id, step);
    case 'task-ended':
      return {
        run: withTask(next, step.task, step.end === 'succeeded' ? 'succeeded' : 'not-succeeded', 'running'),
      };
    case 'stage-checked':
      return judgeChecked(next, id, step);
    case 'operation-canceled':
      return { run: run.course === 'forward' ? { ...next, course: 'backward' } : next };
    case 'undo-begun':
      return judgeUndo(next, id, step);
    case 'undo-ended':
      return { run: step.end === 'succeeded' ? withTask(next, step.task, 'undone') : next };
    case 'operation-settled':
      return judgeSettled(next, id, step);
    default:
      return { run: next };
  }
}

function judgePlanned(
  run: RunLife | undefined,
  id: string,
  { block, token }: OperationStep,
  options: HashOptions,
): RunJudgement {
  const broken = (why: string): RunJudgement => fault('run-chain-broken', `a block of run ${id} ${why}`);
  if (block === undefined) return broken('is not there');
  const before = run?.blocks.at(-1);
  if (run?.isBegun === true) return broken('is planned after the run began');
  if (run !== undefined && token !== run.token) return broken('is planned by another process');
  if ((before === undefined) !== (block.first === true))
    return broken('is not the first, or is a second first one');
  if ((block.next === undefined) !== (block.last === true))
    return broken('does not say whether it is the last');
  if (block.stage !== (run?.blocks.length ?? 0)) return broken('is of another stage than comes next');
  if (before !== undefined && before.next !== block.id)
    return broken('is not the one that the block before it names');
  if (block.previous !== (before && hashOf(before, options)))
    return broken('does not have the hash of the one before it');
  const blocks = [...(run?.blocks ?? []), block];
  const first = run?.entered ?? [block.id];
  return { run: { token, blocks, entered: first, course: 'forward', tasks: new Map(), isBegun: false } };
}

function judgeBegun(run: RunLife, id: string, { task = '', blockId }: OperationStep): RunJudgement {
  const block =
    run.course === 'forward' ? run.blocks.find((one) => one.id === run.entered.at(-1)) : undefined;
  if (block === undefined || block.id !== blockId || !block.tasks.some((one) => one.id === task)) {
    return outOfOrder(`task ${JSON.stringify(task)} of run ${id} began out of its turn`);
  }
  return { run: withTask(run, task, 'running') };
}

function judgeChecked(run: RunLife, id: string, { blockId, valid }: OperationStep): RunJudgement {
  const block = run.blocks.find((one) => one.id === run.entered.at(-1));
  if (run.course !== 'forward' || block === undefined || block.id !== blockId) {
    return outOfOrder(`a stage of run ${id} was checked out of its turn`);
  }
  if (valid !== true) return { run: { ...run, course: 'backward' } };
  const left = block.tasks.find((task) => run.tasks.get(task.id) !== 'succeeded');
  if (left !== undefined) {
    return outOfOrder(
      `a stage of run ${id} passed although its task ${JSON.stringify(left.id)} has not succeeded`,
    );
  }
  if (block.next === undefined) return { run: { ...run, course: 'passed' } };
  return { run: { ...run, entered: [...run.entered, block.next] } };
}

function judgeUndo(run: RunLife, id: string, { task = '', blockId = '' }: OperationStep): RunJudgement {
  const stage = run.entered.indexOf(blockId);
  const later = run.entered.slice(stage + 1);
  const left = run.blocks.filter((block) => later.includes(block.id)).flatMap((block) => toUndo(run, block));
  if (run.course !== 'backward' || stage < 0 || left.length > 0) {
    return outOfOrder(`task ${JSON.stringify(task)} of run ${id} was undone out of its turn`);
  }
  return { run };
}

function judgeSettled(run: RunLife, id: string, { result }: OperationStep): RunJudgement {
  const left = result === 'undone' ? run.blocks.flatMap((block) => toUndo(run, block)) : [];
  const fits =
    result === 'succeeded' ? run.course === 'passed' : run.course === 'backward' && left.length === 0;
  if (!fits) return outOfOrder(`run ${id} was settled as ${result}, and what it did does not say so`);
  return { run: { ...run, course: 'settled', blocks: [], entered: [], tasks: new Map() } };
}

/** What began, has something to undo, and is not undone. */
function toUndo({ tasks }: RunLife, block: OperationBlock): readonly BlockTask[] {
  return block.tasks.filter(({ id, rollback }) => {
    const life = tasks.get(id);
    return rollback !== undefined && life !== undefined && life !== 'undone';
  });
}

/** `from`: what it has to be before, where that matters. */
function withTask(run: RunLife, task: string | undefined, life: TaskLife, from?: TaskLife): RunLife {
  if (task === undefined || (from !== undefined && run.tasks.get(task) !== from)) return run;
  return { ...run, tasks: new Map(run.tasks).set(task, life) };
}

function hashOf(block: OperationBlock, options: HashOptions): string {
  return toBase64(sha256(utf8(canonicalJson(block)), options));
}

function outOfOrder(message: string): RunJudgement {
  return fault('run-out-of-order', message);
}

function fault(kind: RunFault, message: string): RunJudgement {
  return { fault: kind, message };
}
