import {
  isSlackwaterError,
  type OperationReport,
  type ReportedAttempt,
  type ReportedStage,
  type ReportedTask,
  type ReportedValue,
} from '@slackwater/shared';
import type { Digests, RunState } from './run-state.ts';
import type { RunValues } from './run-values.ts';

type Reported = Readonly<Record<string, ReportedValue>>;

/** The same report with its values in plain text, and what was thrown or found wrong. What is kept no longer, or was altered, is said to be lost. */
export async function revealReport(
  report: OperationReport,
  state: RunState,
  values: RunValues,
): Promise<OperationReport> {
  const revealer = new Revealer(state, values);
  const stages: ReportedStage[] = [];
  for (const stage of report.stages) stages.push(await revealer.stage(stage));
  const { failure } = report;
  const place = stages.find(({ block }) => block === failure?.block);
  return {
    ...report,
    given: await revealer.taken(report.given),
    stages,
    ...(failure !== undefined && {
      failure: {
        ...failure,
        tasks: failure.tasks.map((task) => {
          const known = place?.tasks.find(({ id }) => id === task.id)?.attempts.at(-1);
          return known === undefined ? task : { ...task, ...known };
        }),
        checks: failure.checks.map((check) => place?.checks.find(({ name }) => name === check.name) ?? check),
      },
    }),
  };
}

class Revealer {
  readonly #state: RunState;
  readonly #values: RunValues;

  constructor(state: RunState, values: RunValues) {
    this.#state = state;
    this.#values = values;
  }

  async stage(stage: ReportedStage): Promise<ReportedStage> {
    const issues = (await orLost(() => this.#values.checkIssues(stage.block))) ?? {};
    const tasks: ReportedTask[] = [];
    for (const task of stage.tasks) {
      const attempts = await this.#attempts(task.id, task.attempts);
      tasks.push({ ...task, attempts, undo: await this.#attempts(`${task.id}/undo`, task.undo) });
    }
    const checks = stage.checks.map((check) => {
      const found = Object.hasOwn(issues, check.name) ? issues[check.name] : undefined;
      return found === undefined ? check : { ...check, issues: found };
    });
    return { ...stage, tasks, checks };
  }

  /** What a task took, or the run was given. */
  async taken(reported: Reported): Promise<Reported> {
    const shown: [string, ReportedValue][] = [];
    for (const [label, { digest }] of Object.entries(reported)) {
      const value = await orLost(() => this.#values.rawOf(label, this.#state));
      shown.push([label, await this.#compared(label, digest, value)]);
    }
    return Object.fromEntries(shown);
  }

  async #attempts(name: string, attempts: readonly ReportedAttempt[]): Promise<readonly ReportedAttempt[]> {
    const shown: ReportedAttempt[] = [];
    for (const one of attempts) {
      const kept = (await orLost(() => this.#values.attempt(name, one.attempt))) ?? {};
      const outputs: [string, ReportedValue][] = [];
      for (const [label, { digest }] of Object.entries(one.outputs)) {
        outputs.push([label, await this.#compared(label, digest, kept.outputs?.[label])]);
      }
      shown.push({
        ...one,
        inputs: await this.taken(one.inputs),
        outputs: Object.fromEntries(outputs),
        ...(kept.issues !== undefined && { issues: kept.issues }),
      });
    }
    return shown;
  }

  async #compared(label: string, digest: string, value: unknown): Promise<ReportedValue> {
    const known: Digests | undefined =
      value === undefined ? undefined : await orLost(() => this.#values.digests({ [label]: value }));
    return known?.[label] === digest ? { digest, value } : { digest, lost: true };
  }
}

/** Undefined for what is gone or was altered; everything else is the engine's trouble. */
async function orLost<Value>(read: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isSlackwaterError(error) && (error.code === 'record-corrupt' || error.code === 'requester-erased'))
      return undefined;
    throw error;
  }
}
