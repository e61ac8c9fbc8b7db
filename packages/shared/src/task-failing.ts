/** What entries say of tasks that fail too often. `docs/ledger-format.md`, "Tasks that fail too often". */
import {
  faultOf,
  filledText,
  integerFrom,
  type MemberShape,
  oneOf,
  optional,
  type Shape,
  texts,
  utcTime,
} from './json-shape.ts';
import { type StepEnd, stepEnds } from './operation-entry.ts';

/** One time that a task ended for good and did not succeed. */
export interface TaskFailure {
  /** Of the run. */
  readonly run: string;
  /** The operation's name and version; absent where the run is not kept any more. */
  readonly operation?: string;
  readonly version?: string;
  /** From 0; absent where the run is not kept any more. */
  readonly stage?: number;
  readonly attempt: number;
  readonly end: StepEnd;
  /** An error code. */
  readonly error: string;
  /** The host that it ran on; absent where none says so. */
  readonly host?: string;
  readonly at: string;
  /** Where its entry stands in the log. */
  readonly position: number;
}

/** That a type of task failed more often than it may. */
export interface TaskFailing {
  /** The type of task: the name that it has in its operations. */
  readonly task: string;
  /** So often within the window that the last failure ends. */
  readonly count: number;
  /** More often than this is too often. */
  readonly threshold: number;
  readonly windowMs: number;
  /** Where the entry stands by which it became too often. */
  readonly position: number;
  /** The hosts that the failures happened on. */
  readonly hosts: readonly string[];
  /** Some of the failures, the newest first. */
  readonly failures: readonly TaskFailure[];
}

const failureShape: Shape = {
  run: filledText,
  operation: optional(filledText),
  version: optional(filledText),
  stage: optional(integerFrom(0)),
  attempt: integerFrom(1),
  end: oneOf(stepEnds),
  error: filledText,
  host: optional(filledText),
  at: utcTime,
  position: integerFrom(0),
} satisfies Record<keyof TaskFailure, MemberShape>;

const failingShape: Shape = {
  task: filledText,
  count: integerFrom(1),
  threshold: integerFrom(1),
  windowMs: integerFrom(1),
  position: integerFrom(0),
  hosts: texts,
  failures: {
    check: (value) => Array.isArray(value) && value.every((one) => faultOf(one, failureShape) === undefined),
    expected: 'a list of failures',
  },
} satisfies Record<keyof TaskFailing, MemberShape>;

/** What an entry says of a type of task, as a member of an entry. */
export const taskFailing: MemberShape = {
  check: (value) => faultOf(value, failingShape) === undefined,
  expected: 'what failed too often',
};
