import type { TaskContext, UndoFacts } from './definition.ts';
import type { Declared } from './labels.ts';
import type { Plan } from './plan.ts';
import type { Rule, Verdict } from './rules.ts';

/** Values by label, as tasks take and give them. */
export type Values = Readonly<Record<string, unknown>>;

/** Where a task's input comes from. */
export type InputSource = 'task' | 'input' | 'outside';

/** One input of a task. */
export interface TaskInput {
  readonly label: string;
  readonly from: InputSource;
}

/** A task of an operation, checked. */
export interface Task {
  readonly id: string;
  readonly inputs: readonly TaskInput[];
  readonly outputs: ReadonlyMap<string, Declared>;
  readonly after: readonly string[];
  readonly validate: ReadonlyMap<string, Rule> | ValidateTask | undefined;
  readonly run: RunTask;
  readonly rollback: UndoTask | undefined;
  readonly partition: string | PartitionOf | undefined;
  readonly timeoutMs: number;
  readonly retries: number;
}

/** Does a task. */
export type RunTask = (inputs: Values, context: TaskContext) => unknown;
/** Undoes a task. */
export type UndoTask = (facts: UndoFacts<Values, Values>, context: TaskContext) => unknown;
/** Checks all outputs of a task. */
export type ValidateTask = (outputs: Values, inputs: Values) => Verdict | Promise<Verdict>;
/** Says to which partition a task commits. */
export type PartitionOf = (inputs: Values) => string;

/** A check over what several tasks gave. */
export interface Check {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly validate: (values: Values) => Verdict | Promise<Verdict>;
}

/** Tasks that run side by side, and what is checked when all of them are done. */
export interface Stage {
  readonly tasks: readonly string[];
  readonly checks: readonly string[];
}

/** An operation, planned. `Start` is the type of what it is started with, `Outputs` of what its tasks give. */
export interface Operation<Start = unknown, Outputs = unknown> {
  readonly name: string;
  readonly version: string;
  readonly workType: string | undefined;
  /** How many of its tasks run at once, at most. */
  readonly parallel: number;
  /** What it is given when it starts, by label. */
  readonly input: ReadonlyMap<string, Declared>;
  /** What comes from outside, at the start or later, by label. */
  readonly outside: ReadonlyMap<string, Declared>;
  readonly tasks: ReadonlyMap<string, Task>;
  readonly checks: ReadonlyMap<string, Check>;
  readonly stages: readonly Stage[];
  /** By task: the tasks it depends on. */
  readonly dependencies: Plan['dependencies'];
  /** For the compiler alone; never there. */
  readonly types?: { readonly start: Start; readonly outputs: Outputs };
}
