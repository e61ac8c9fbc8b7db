import type { Declarations, Declared, ExternalInput, RawOf, ValueOf } from './labels.ts';
import type { Rule, Verdict } from './rules.ts';

// How a definition is typed. From the literal are inferred, each by task: what it gives (Given), and which labels it takes (Taken). A
// member that is left out is inferred as unknown, and stands for none.

/** Members by name, before anything is known of them. */
export type Members = Readonly<Record<string, unknown>>;

type Flat<Type> = { readonly [Name in keyof Type]: Type[Name] };
type None = Readonly<Record<never, never>>;
type Intersection<Union> = (Union extends unknown ? (one: Union) => void : never) extends (
  all: infer All,
) => void
  ? All
  : never;

type Declares<Given> = unknown extends Given ? None : Given;
type ItemsOf<Taken> = Taken extends readonly (infer Item)[] ? Item : never;

/** All labels that tasks may take: what the operation is given, and what any of its tasks gives. */
export type LabelsOf<Input, Given> = Flat<
  Input & Intersection<{ [Task in keyof Given]: Declares<Given[Task]> }[keyof Given]>
>;

/** What a task is given: exactly the labels that it takes, from wherever. */
export type InputsOf<Taken, Labels> = Flat<
  {
    readonly [Label in Extract<ItemsOf<Taken>, keyof Labels>]: ValueOf<Labels[Label]>;
  } & {
    readonly [Outside in Extract<ItemsOf<Taken>, ExternalInput> as Outside['external']]: ValueOf<
      Outside['declared']
    >;
  }
>;

/** What a task gives, as others are given it. */
export type OutputsOf<Given> = { readonly [Label in keyof Declares<Given>]: ValueOf<Declares<Given>[Label]> };

/** What a task has to answer: exactly the labels that it declares. */
export type AnswerOf<Given> = { readonly [Label in keyof Declares<Given>]: RawOf<Declares<Given>[Label]> };

/** The values that an operation is started with. */
export type StartOf<Input> = { readonly [Label in keyof Input]: RawOf<Input[Label]> };

/** What a function of a task hears beside its values. */
export interface TaskContext {
  /** Of the run of the operation: a ULID. */
  readonly operation: string;
  readonly task: string;
  /** From 1. It goes on counting where a process ended during an attempt. */
  readonly attempt: number;
  /**
   * The same for every attempt at running this task (and another one for undoing it) of this operation, and for no other: to be given to the
   * outside world, as an Idempotency-Key, so that what was done is not done again.
   */
  readonly idempotencyKey: string;
  /** Aborted when the time is up, when a sibling failed, and when this process may no longer go on with the operation. */
  readonly signal: AbortSignal;
}

/** How the last attempt at running a task ended, as far as is known. */
export type TaskEnd =
  /** It was done, and its outputs are valid. */
  | 'succeeded'
  /** It was done, and its outputs are not valid, or not what it declares. */
  | 'invalid'
  /** It threw. */
  | 'failed'
  /** It did not end in time. Whether it did something, or still does, is not known. */
  | 'timed-out'
  /** It was told to stop, because a sibling failed. */
  | 'aborted'
  /** The process ended while it ran, and nobody knows how far it came. */
  | 'unknown';

/** What a rollback is told. It has to cope with a task that did nothing, or a part of its work. */
export interface UndoFacts<Inputs, Outputs> {
  readonly inputs: Inputs;
  /** What the task gave; absent where it never came to that. Of an `invalid` one it may be anything. */
  readonly outputs: Outputs | undefined;
  readonly end: TaskEnd;
  /**
   * What the completion rows of its partition say: whether it committed. Where it did not, it can't any more. Absent where there are no
   * rows to ask.
   */
  readonly committed?: boolean;
}

/** A task of a definition. */
export interface TaskDefinition<Input, Given, Taken, Task extends keyof Given> {
  /** What it takes: labels that other tasks give or the operation is given, and `external(...)` ones. Its order follows from them. */
  readonly inputs?: readonly (keyof LabelsOf<Input, Given> | ExternalInput<string, Declared>)[];
  /** What it gives, by label: `type<T>()`, or a Standard Schema that checks it. No two tasks give one label. */
  readonly outputs?: Given[Task] & Declarations;
  /** Tasks that have to be done before it, although it takes nothing of them. */
  readonly after?: readonly Exclude<keyof Given, Task>[];
  /** Checks what it gave, by label or all of it. Only what is valid goes on; else the operation is undone. */
  readonly validate?:
    | { readonly [Label in keyof Declares<Given[Task]>]?: Rule<ValueOf<Declares<Given[Task]>[Label]>> }
    | ((
        outputs: OutputsOf<Given[Task]>,
        inputs: InputsAt<Input, Given, Taken, Task>,
      ) => Verdict | Promise<Verdict>);
  /** Does it. Answers exactly the declared outputs, all of them what JSON can hold. */
  run(
    inputs: InputsAt<Input, Given, Taken, Task>,
    context: TaskContext,
  ): AnswerOf<Given[Task]> | Promise<AnswerOf<Given[Task]>>;
  /** Undoes it. Called when its stage or a later one fails, also where it failed itself. Absent: there is nothing to undo. */
  rollback?(
    facts: UndoFacts<InputsAt<Input, Given, Taken, Task>, OutputsOf<Given[Task]>>,
    context: TaskContext,
  ): unknown;
  /** The partition that it commits to: it waits while that one is over the threshold. Its rollback never waits. */
  readonly partition?: string | ((inputs: InputsAt<Input, Given, Taken, Task>) => string);
  /** How long an attempt at it, or at undoing it, may take. Default 60,000. */
  readonly timeoutMs?: number;
  /** How often it is tried again after it threw or timed out. Default 0. */
  readonly retries?: number;
}

type InputsAt<Input, Given, Taken, Task> = Task extends keyof Taken
  ? InputsOf<Taken[Task], LabelsOf<Input, Given>>
  : None;

/** A check over what several tasks gave. It belongs to the stage in which the last of its labels is given. */
export interface CheckDefinition<Labels, Wanted> {
  /** The labels that it looks at. */
  readonly inputs: Wanted & readonly (keyof Labels)[];
  validate(values: InputsOf<Wanted, Labels>): Verdict | Promise<Verdict>;
}

/** What {@link defineOperation} takes. */
export interface OperationDefinition<Input, Given, Taken, Wanted> {
  /** What it is called: 1 to 200 characters. */
  readonly name: string;
  /**
   * Of the definition, its functions included. Another version is another operation: runs that began keep theirs, so leave the old one
   * registered until they have ended.
   */
  readonly version: string;
  /** What it is given when it starts, by label. Every task may take it. */
  readonly input?: Input;
  /** The tasks, by id. */
  readonly tasks: {
    readonly [Task in keyof Given]: TaskDefinition<Input, Given, Taken, Task>;
  } & {
    readonly [Task in keyof Taken]: { readonly inputs?: Taken[Task] } & OtherMembers;
  };
  /** Checks over several outputs, by name. */
  readonly checks?: {
    readonly [Name in keyof Wanted]: CheckDefinition<LabelsOf<Input, Given>, Wanted[Name]>;
  };
  /** The work type whose threshold holds tasks with a partition back. Default: the gate's default work type. */
  readonly workType?: string;
  /** How many of its tasks run at once, at most. Default 16. */
  readonly parallel?: number;
}

/** Named, and typed elsewhere: so that they are not taken for unknown ones. */
type OtherMembers = {
  readonly [Name in Exclude<keyof TaskDefinition<None, None, None, never>, 'inputs'>]?: unknown;
};
