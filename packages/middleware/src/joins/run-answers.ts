import { createProblem, isSlackwaterError } from '@slackwater/shared';
import { systemClock as clock } from '../clock.ts';
import { TimedOutError } from '../in-time.ts';
import type { Outcome } from '../ledger/deferral.ts';
import { callInTime } from '../operations/call-in-time.ts';
import type { Values } from '../operations/operation.ts';
import { OperationError } from '../operations/operation-error.ts';
import type { RecordedRun } from '../operations/recorded-runs.ts';
import type { RunState } from '../operations/run-state.ts';
import { type OperationStatus, statusOf, type TaskStatus } from '../operations/status.ts';
import type { HandlerTerms } from '../options/check-operation-handler.ts';
import type { RunEnd } from '../perform/run-ends.ts';

/** How a handler answers for operations that succeeded. */
export type AnswerTerms = Pick<HandlerTerms, 'answer' | 'status'>;

/** An answer that takes longer can't be made, ms: other deferrals wait for it. */
const answerWithinMs = 10_000;

const asUsual: AnswerTerms = { answer: undefined, status: undefined };

/** How handlers answer, by the name of the operation. */
export class AnswerBook {
  readonly #byName = new Map<string | undefined, AnswerTerms>();

  /** Notes it; undefined for operations that requests name. Throws `operation-invalid` where another handler answers otherwise for that operation. */
  note(operation: string | undefined, terms: AnswerTerms): void {
    const known = this.#byName.get(operation);
    if (known !== undefined && (known.answer !== terms.answer || known.status !== terms.status)) {
      throw new OperationError(
        'operation-invalid',
        `operation ${JSON.stringify(operation)}: two handlers answer for it in different ways, and a run does not know which one is meant; give both the same answer and status`,
      );
    }
    this.#byName.set(operation, terms);
  }

  of(operation: string): AnswerTerms {
    return this.#byName.get(operation) ?? this.#byName.get(undefined) ?? asUsual;
  }
}

/** All labels that tasks of a run have given. */
export function labelsGiven({ tasks }: RunState): readonly string[] {
  return [...tasks.values()].flatMap(({ end, gave }) => (end === 'succeeded' ? Object.keys(gave) : []));
}

/**
 * The answer of a run that is settled. Of one that was undone a problem document, which names stage, tasks and checks, and no values. Rejects where values
 * can't be read. Undefined where the answer can't be made, for what `failed` is told.
 */
export async function answerOfRun(
  { state, values }: RecordedRun,
  terms: AnswerTerms,
  failed: (error: unknown) => void,
): Promise<Outcome | undefined> {
  const status = statusOf(state);
  if (status.status !== 'succeeded') return problemOfRun(status);
  let outputs: Values;
  try {
    outputs = await values.valuesOf(labelsGiven(state), state);
  } catch (error) {
    // What may come right is asked for again.
    if (isSlackwaterError(error) && !lost.has(error.code)) throw error;
    failed(error);
    return undefined;
  }
  // Whatever the application throws, for it may use the gate: it would be thrown again.
  const made = await callInTime(clock, answerWithinMs, new AbortController(), () =>
    successOf(status, outputs, terms),
  );
  if (made.end === 'answered') return made.answer;
  failed(made.end === 'threw' ? made.error : new TimedOutError('The answer', answerWithinMs));
  return undefined;
}

const lost: ReadonlySet<string> = new Set(['record-corrupt', 'requester-erased']);

async function successOf(
  { id, operation, version, status }: OperationStatus,
  outputs: Values,
  { answer, status: code }: AnswerTerms,
): Promise<Outcome> {
  const body =
    answer === undefined
      ? { id, operation, version, status, outputs }
      : await (answer as (outputs: Values, run: object) => unknown)(outputs, { id, operation, version });
  const json = JSON.stringify(body) as string | undefined;
  // 204 has no body, nor a length of one.
  if (json === undefined || code === 204) return { status: code ?? 204, headers: [], body: new Uint8Array() };
  return jsonOutcome(code ?? 200, 'application/json; charset=utf-8', json);
}

/** How a settled run ends a deferral: as {@link answerOfRun} answers. */
export function endOfRun(status: OperationStatus, outcome: Outcome | undefined): RunEnd {
  if (status.status === 'succeeded') return { is: 'performed', outcome, status: outcome?.status ?? 200 };
  if (status.error === 'operation-canceled') {
    return {
      is: 'canceled',
      error: { code: 'operation-canceled', message: 'It was canceled, and is undone.' },
    };
  }
  return { is: 'failed', outcome, error: { code: 'operation-undone', message: whyUndone(status) } };
}

function problemOfRun(status: OperationStatus): Outcome {
  const { id, operation, version, failure } = status;
  const isCanceled = status.error === 'operation-canceled';
  const problem = isCanceled
    ? createProblem(
        'operation-canceled',
        'It was canceled before it had ended. What had been done is undone.',
      )
    : createProblem('operation-undone', whyUndone(status));
  const tasks = new Map((status.stages[failure?.stage ?? -1]?.tasks ?? []).map((task) => [task.id, task]));
  const failed = (failure?.failed ?? []).map((name) => failedOf(name, tasks.get(name)));
  const about = { operation: { id, name: operation, version }, stage: failure?.stage, failed };
  return jsonOutcome(problem.status, 'application/problem+json', JSON.stringify({ ...problem, ...about }));
}

function failedOf(name: string, task: TaskStatus | undefined): object {
  return task === undefined ? { check: name } : { task: name, end: task.end, error: task.error };
}

/** Names of stage, tasks and checks: what they took and gave is nobody's business here. */
function whyUndone({ failure, stages }: OperationStatus): string {
  if (failure === undefined) return 'It failed. What had been done is undone.';
  const tasks = new Map(stages[failure.stage]?.tasks.map((task) => [task.id, task]));
  const names = failure.failed.map((name) => {
    const task = tasks.get(name);
    return task === undefined ? `check ${name}` : `${name}: ${task.error ?? task.end ?? 'failed'}`;
  });
  return `Stage ${failure.stage + 1} did not pass (${names.join(', ')}). What had been done is undone.`;
}

function jsonOutcome(status: number, contentType: string, json: string): Outcome {
  return { status, headers: [['content-type', contentType]], body: Buffer.from(json, 'utf8') };
}
