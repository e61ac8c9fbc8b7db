import type {
  DeferralPhase,
  DeferralStatus,
  ErrorCode,
  OperationProgress,
  TaskProgress,
} from '@slackwater/shared';
import type { OperationStatus, TaskStatus } from '../../operations/status.ts';

/** How a run stands, as callers are told it. Pure. */
export function progressOf(status: OperationStatus): OperationProgress {
  const { id, operation: name, version, error, failure, stages, waitsFor, startedAt, updatedAt } = status;
  return {
    ...{ id, name, version, status: status.status },
    ...(error !== undefined && { error: error as ErrorCode }),
    ...(failure !== undefined && { failure }),
    stages: stages.map(({ tasks, checks }) => ({ tasks: tasks.map(taskProgress), checks })),
    waitsFor,
    startedAt: rfc3339(startedAt),
    updatedAt: rfc3339(updatedAt),
  };
}

/** Where a deferral stands that is left to a run, and not settled yet. */
export function standingOf({ status }: Pick<OperationProgress, 'status'>): {
  readonly status: DeferralStatus;
  readonly phase: DeferralPhase;
} {
  return { status: 'Running', phase: status === 'parked' ? 'parked' : 'performing' };
}

function taskProgress({
  id,
  phase,
  attempt,
  end,
  error,
  startedAt,
  endedAt,
  undoneAt,
}: TaskStatus): TaskProgress {
  return {
    ...{ id, phase, attempt },
    ...(end !== undefined && { end }),
    ...(error !== undefined && { error: error as ErrorCode }),
    ...(startedAt !== undefined && { startedAt: rfc3339(startedAt) }),
    ...(endedAt !== undefined && { endedAt: rfc3339(endedAt) }),
    ...(undoneAt !== undefined && { undoneAt: rfc3339(undoneAt) }),
  };
}

function rfc3339(at: number): string {
  return new Date(at).toISOString();
}
