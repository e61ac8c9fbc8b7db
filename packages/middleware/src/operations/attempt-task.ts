import { createHash } from 'node:crypto';
import type { BlockTask, StepEnd } from '@slackwater/shared';
import type { Completions } from '../drivers/driver.ts';
import { type CompletionScope, requestContext } from '../request-context.ts';
import { callInTime } from './call-in-time.ts';
import { type CheckedAnswer, checkAnswer } from './check-answer.ts';
import type { TaskContext, TaskEnd } from './definition.ts';
import type { Values } from './operation.ts';
import { shown } from './rules.ts';
import type { RunGround } from './run-ground.ts';
import type { TaskFunctions } from './task-functions.ts';

// One attempt at running a task, or at undoing it. On a partition whose driver writes completion rows, the attempt's transaction has one:
// so what committed is known, and is not done again by an attempt that comes later or late. Their key is the same for all attempts.
//
//   rows looked up    crash after: the same at the next attempt
//   the function      crash before its COMMIT: the database rolled back. After: the row is there, and the next attempt finds it
//
// Before a task is undone of which it is not known whether it committed, its key is shut out: an attempt that still runs, here or in a
// process that was thought dead, can't commit any more.

/** Who is tried, and how often it was. */
export interface AttemptAt {
  readonly run: string;
  readonly task: BlockTask;
  readonly attempt: number;
  readonly abort: AbortController;
  readonly partition: string | undefined;
  readonly workType: string;
  readonly wrote?: ((partition: string) => void) | undefined;
}

/** What an attempt came to. */
export interface AttemptResult {
  readonly end: StepEnd;
  readonly error: string | undefined;
  /** What was thrown, or is wrong with the answer. */
  readonly issues: readonly string[];
  /** Undefined where there is none, or not what the task declares. */
  readonly answer: CheckedAnswer | undefined;
  /** Whether the partition has what it did, so that it must not be done again. */
  readonly committed: boolean;
}

/** Tries to run a task. Never rejects for what the task does; rejects where the database can't be asked for completion rows. */
export async function attemptRun(
  ground: RunGround,
  functions: TaskFunctions,
  inputs: Values,
  at: AttemptAt,
): Promise<AttemptResult> {
  const { task } = at;
  const { rows, key } = rowsFor(ground, at, '');
  if (at.attempt > 1 && (await isCommitted(rows, key))) return alreadyDone(task);
  const scope = scopeFor(rows, key);
  const called = await inContext(ground, at, scope, () =>
    callInTime(ground.clock, task.timeoutMs, at.abort, () => functions.run(inputs, contextOf(at, ''))),
  );
  // Somebody else's attempt committed first, and this one could not.
  if (scope?.duplicate === true) return alreadyDone(task);
  if (called.end === 'answered') {
    const answer = await checkAnswer(task, functions, called.answer, inputs);
    const isValid = answer.issues.length === 0;
    const error = isValid ? undefined : 'task-answer-invalid';
    return { end: isValid ? 'succeeded' : 'invalid', error, issues: answer.issues, answer, committed: false };
  }
  const committed = (scope?.nextOrdinal ?? 0) > 0 && (await isCommitted(rows, key));
  if (called.end === 'timed-out') {
    const issues = [`it took longer than ${task.timeoutMs} ms`];
    return { end: 'timed-out', error: 'task-timed-out', issues, answer: undefined, committed };
  }
  const wasAborted = at.abort.signal.aborted;
  return {
    end: wasAborted ? 'aborted' : 'failed',
    error: wasAborted ? 'task-aborted' : 'task-failed',
    issues: [shown(called.error)],
    answer: undefined,
    committed,
  };
}

/** What a rollback is told beside what ground and pointers say. */
export interface KnownOfTask {
  readonly inputs: Values;
  readonly outputs: Values | undefined;
  readonly end: TaskEnd;
}

/** Tries to undo a task. Rejects as {@link attemptRun} does. */
export async function attemptUndo(
  ground: RunGround,
  functions: TaskFunctions,
  known: KnownOfTask,
  at: AttemptAt,
): Promise<AttemptResult> {
  const done: AttemptResult = {
    end: 'succeeded',
    error: undefined,
    issues: [],
    answer: undefined,
    committed: true,
  };
  const { rows, key } = rowsFor(ground, at, '/undo');
  if (at.attempt > 1 && (await isCommitted(rows, key))) return done;
  const committed = rows && (await rows.shutOut(rowsFor(ground, at, '').key)) === 'completed';
  const facts = { ...known, ...(committed !== undefined && { committed }) };
  const scope = scopeFor(rows, key);
  const called = await inContext(ground, at, scope, () =>
    callInTime(ground.clock, at.task.timeoutMs, at.abort, () =>
      functions.rollback?.(facts, contextOf(at, '/undo')),
    ),
  );
  if (called.end === 'answered' || scope?.duplicate === true) return done;
  const issues =
    called.end === 'threw' ? [shown(called.error)] : [`it took longer than ${at.task.timeoutMs} ms`];
  const end = called.end === 'threw' ? 'failed' : 'timed-out';
  return { end, error: 'task-undo-failed', issues, answer: undefined, committed: false };
}

/** What was committed by an attempt that nobody heard the end of. Without outputs that is all there is to know. */
function alreadyDone({ outputs }: BlockTask): AttemptResult {
  const known = { issues: [], committed: true } as const;
  if (outputs.length === 0) {
    return { ...known, end: 'succeeded', error: undefined, answer: { raw: {}, values: {}, issues: [] } };
  }
  const issues = ['it committed in an attempt whose end is not known, and what it answered is lost'];
  return { ...known, end: 'unknown', error: 'task-outputs-lost', issues, answer: undefined };
}

function rowsFor(
  { completionsOf }: RunGround,
  { run, task, partition }: AttemptAt,
  suffix: '' | '/undo',
): { readonly rows: Completions | undefined; readonly key: string } {
  const rows = partition === undefined ? undefined : completionsOf(partition);
  // Databases bound the length of a key.
  const taskHash = createHash('sha256').update(task.id).digest('base64url').slice(0, 22);
  return { rows, key: `${run}/${taskHash}${suffix}` };
}

function scopeFor(rows: Completions | undefined, key: string): CompletionScope | undefined {
  return rows && { key, nextOrdinal: 0, duplicate: false };
}

async function isCommitted(rows: Completions | undefined, key: string): Promise<boolean> {
  return rows !== undefined && (await rows.find(key)).some(({ tombstone }) => !tombstone);
}

function inContext<Result>(
  { isPostponable }: RunGround,
  { workType, wrote = () => {} }: AttemptAt,
  completion: CompletionScope | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  return requestContext.run({ postponable: isPostponable(workType), completion, wrote }, work);
}

function contextOf({ run, task, attempt, abort }: AttemptAt, suffix: '' | '/undo'): TaskContext {
  const idempotencyKey = `${idempotencyKeyOf(run, task.id)}${suffix}`;
  return { operation: run, task: task.id, attempt, idempotencyKey, signal: abort.signal };
}

/** The same for all attempts at a task of a run, and for nothing else; ASCII, as a header takes it. */
export function idempotencyKeyOf(run: string, task: string): string {
  return `${run}/${encodeURIComponent(task)}`;
}
