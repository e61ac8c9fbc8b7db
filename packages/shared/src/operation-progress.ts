import type { ErrorCode } from './codes.ts';
import {
  faultOf,
  filledText,
  integerFrom,
  isObject,
  type MemberShape,
  oneOf,
  optional,
  type Shape,
  texts,
  utcTime,
} from './json-shape.ts';
import { type StepEnd, stepEnds } from './operation-entry.ts';

/** How a run of an operation stands, where a deferral's answer comes from one. Times are RFC 3339 in UTC. */
export interface OperationProgress {
  /** Of the run: a ULID. */
  readonly id: string;
  readonly name: string;
  readonly version: string;
  /** `parked`: it waits for a person, or for functions that are not deployed; `error` says which. */
  readonly status: OperationRunStatus;
  /** Why it is parked, or is or was undone. */
  readonly error?: ErrorCode;
  readonly failure?: OperationFailurePlace;
  /** In their order. */
  readonly stages: readonly StageProgress[];
  /** Labels of inputs that come from outside, and have not come: `POST /deferrals/:id/inputs`. */
  readonly waitsFor: readonly string[];
  readonly startedAt: string;
  readonly updatedAt: string;
}

/** Where a run stands. */
export const operationRunStatuses = ['running', 'undoing', 'parked', 'succeeded', 'undone'] as const;

/** One of {@link operationRunStatuses}. */
export type OperationRunStatus = (typeof operationRunStatuses)[number];

/** Which stage of a run did not pass. */
export interface OperationFailurePlace {
  /** From 0. */
  readonly stage: number;
  /** Tasks and checks; none where it was canceled. */
  readonly failed: readonly string[];
}

/** Tasks that run side by side, and the checks that stand behind them. */
export interface StageProgress {
  readonly tasks: readonly TaskProgress[];
  readonly checks: readonly string[];
}

/** How far a task can have come. */
export const taskProgressPhases = ['waiting', 'running', 'retrying', 'ended', 'undoing', 'undone'] as const;

/** How a task stands. */
export interface TaskProgress {
  readonly id: string;
  readonly phase: (typeof taskProgressPhases)[number];
  /** From 1; 0 where it never began. */
  readonly attempt: number;
  readonly end?: StepEnd;
  readonly error?: ErrorCode;
  /** Of the newest attempt. */
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly undoneAt?: string;
}

const listOf = (one: Shape, expected: string): MemberShape => ({
  check: (value) => Array.isArray(value) && value.every((item) => faultOf(item, one) === undefined),
  expected,
});

const taskShape: Shape = {
  id: filledText,
  phase: oneOf(taskProgressPhases),
  attempt: integerFrom(0),
  end: optional(oneOf(stepEnds)),
  error: optional(filledText),
  startedAt: optional(utcTime),
  endedAt: optional(utcTime),
  undoneAt: optional(utcTime),
} satisfies Record<keyof TaskProgress, MemberShape>;

const stageShape: Shape = {
  tasks: listOf(taskShape, 'tasks'),
  checks: texts,
} satisfies Record<keyof StageProgress, MemberShape>;

const failureShape: Shape = {
  stage: integerFrom(0),
  failed: texts,
} satisfies Record<keyof OperationFailurePlace, MemberShape>;

const progressShape: Shape = {
  id: filledText,
  name: filledText,
  version: filledText,
  status: oneOf(operationRunStatuses),
  error: optional(filledText),
  failure: optional({
    check: (value) => faultOf(value, failureShape) === undefined,
    expected: 'an object with stage and failed',
  }),
  stages: listOf(stageShape, 'stages'),
  waitsFor: texts,
  startedAt: utcTime,
  updatedAt: utcTime,
} satisfies Record<keyof OperationProgress, MemberShape>;

/** Whether untrusted JSON says how a run stands. Never throws. */
export function isOperationProgress(value: unknown): value is OperationProgress {
  return isObject(value) && faultOf(value, progressShape) === undefined;
}
