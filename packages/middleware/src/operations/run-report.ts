import type {
  BlockTask,
  LedgerEntry,
  OperationReport,
  OperationStep,
  ReportedAttempt,
  ReportedFailure,
  ReportedStage,
  ReportedTask,
  ReportedValue,
} from '@slackwater/shared';
import type { Digests, PlannedBlock, RunState } from './run-state.ts';
import { statusOf } from './status.ts';

/** An entry about a run, and where it stands. */
export interface RunEntry {
  readonly position: number;
  readonly entry: LedgerEntry;
}

/** What became of a run, from its entries. Pure. */
export function reportOf(state: RunState, entries: readonly RunEntry[]): OperationReport {
  const { id, operation, version, status, error, startedAt, updatedAt } = statusOf(state);
  const counting = ofToken(entries);
  const planned = [...state.blocks.values()].toSorted((a, b) => a.block.stage - b.block.stage);
  const stages = planned.map((block) => stageOf(block, counting));
  const [first] = entries;
  return {
    ...{ id, operation, version, status },
    group: first?.entry.group ?? '',
    workType: first?.entry.workType ?? '',
    requester: first?.entry.requester ?? '',
    ...(error !== undefined && { error }),
    startedAt: new Date(startedAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
    given: valuesOf(state.given),
    stages,
    ...(state.failure !== undefined && { failure: failureOf(state.failure, stages) }),
    positions: entries.map(({ position }) => position),
  };
}

type Placed = {
  readonly position: number;
  readonly at: string;
  readonly type: string;
  readonly step: OperationStep;
};

/** What a process says that was overtaken counts for nothing. */
function ofToken(entries: readonly RunEntry[]): readonly Placed[] {
  let token = 0;
  return entries.flatMap(({ position, entry: { type, at, step } }) => {
    if (step === undefined || step.token < token) return [];
    token = step.token;
    return [{ position, at, type, step }];
  });
}

function stageOf({ block, position }: PlannedBlock, entries: readonly Placed[]): ReportedStage {
  const own = entries.filter(({ step }) => step.blockId === block.id);
  const checked = own.find(({ type }) => type === 'stage-checked');
  return {
    stage: block.stage,
    block: block.id,
    position: position ?? 0,
    tasks: block.tasks.map((task) =>
      taskOf(
        task,
        own.filter(({ step }) => step.task === task.id),
      ),
    ),
    checks: block.checks.map(({ name, validate }) => ({ name, validate })),
    ...(checked !== undefined && {
      checked: {
        position: checked.position,
        at: checked.at,
        valid: checked.step.valid === true,
        failed: checked.step.failed ?? [],
      },
    }),
  };
}

function taskOf({ id, run, rollback, validate = [] }: BlockTask, entries: readonly Placed[]): ReportedTask {
  return {
    id,
    run,
    ...(rollback !== undefined && { rollback }),
    validate: validate.map(({ rule }) => rule),
    attempts: attemptsOf('task', entries),
    undo: attemptsOf('undo', entries),
  };
}

/** One that was begun and has no end was its process's last. */
function attemptsOf(way: 'task' | 'undo', entries: readonly Placed[]): readonly ReportedAttempt[] {
  const ends = new Map(
    entries.filter(({ type }) => type === `${way}-ended`).map((one) => [one.step.attempt ?? 1, one] as const),
  );
  return entries
    .filter(({ type }) => type === `${way}-begun`)
    .map(({ position, at, step }): ReportedAttempt => {
      const attempt = step.attempt ?? 1;
      const ended = ends.get(attempt);
      const { end, error, retryAt, startedAt = at, values = {} } = ended?.step ?? { token: 0 };
      return {
        ...{ attempt, position, startedAt },
        ...(ended !== undefined && { endedAt: ended.at }),
        ...(end !== undefined && { end }),
        ...(error !== undefined && { error }),
        ...(retryAt !== undefined && { retryAt }),
        inputs: valuesOf(step.values ?? {}),
        outputs: valuesOf(values),
      };
    });
}

function failureOf(
  { stage, blockId, error, failed }: NonNullable<RunState['failure']>,
  stages: readonly ReportedStage[],
): ReportedFailure {
  const place = stages.find(({ block }) => block === blockId);
  const names = new Set(failed);
  return {
    ...{ stage, block: blockId, error },
    tasks: (place?.tasks ?? [])
      .filter(({ id }) => names.has(id))
      .flatMap(({ id, attempts }) => {
        const last = attempts.at(-1);
        if (last === undefined) return [];
        const { retryAt, ...rest } = last;
        return [{ id, ...rest }];
      }),
    checks: (place?.checks ?? []).filter(({ name }) => names.has(name)),
  };
}

function valuesOf(digests: Digests): Readonly<Record<string, ReportedValue>> {
  return Object.fromEntries(Object.entries(digests).map(([label, digest]) => [label, { digest }]));
}
