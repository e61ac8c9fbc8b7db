/** What entries say of operations of dependent tasks. `docs/ledger-format.md`, "Operations". */
import {
  faultOf,
  filledText,
  hashInBase64,
  integerFrom,
  isObject,
  type MemberShape,
  oneOf,
  optional,
  type Shape,
  text,
  texts,
  utcTime,
} from './json-shape.ts';

/** What can happen to an operation. Each happening is one entry of the ledger, with a {@link OperationStep}. */
export const operationEntryTypes = [
  'stage-planned',
  'operation-taken',
  'input-given',
  'task-begun',
  'task-ended',
  'stage-checked',
  'undo-begun',
  'undo-ended',
  'operation-canceled',
  'operation-parked',
  'operation-resumed',
  'operation-settled',
] as const;

/** One of {@link operationEntryTypes}. */
export type OperationEntryType = (typeof operationEntryTypes)[number];

/** Names a function, and which one of that name: a digest of its source. */
export interface FunctionPointer {
  readonly name: string;
  readonly version: string;
  /** Base64 of a SHA-256. */
  readonly digest: string;
  /** The function's source is kept beside the ledger under its digest, and run from there. */
  readonly isSource?: true;
}

/** An input of a task, as its block has it. */
export interface BlockInput {
  readonly label: string;
  readonly from: 'task' | 'input' | 'outside';
  /** By which it is checked, where no task gives it. */
  readonly schema?: FunctionPointer;
}

/** A task, as its block has it. */
export interface BlockTask {
  readonly id: string;
  readonly inputs: readonly BlockInput[];
  readonly outputs: readonly { readonly label: string; readonly schema?: FunctionPointer }[];
  readonly run: FunctionPointer;
  readonly validate?: readonly { readonly label?: string; readonly rule: FunctionPointer }[];
  readonly rollback?: FunctionPointer;
  readonly partition?: string | FunctionPointer;
  readonly timeoutMs: number;
  readonly retries: number;
}

/** A check over what several tasks gave, as its block has it. */
export interface BlockCheck {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly validate: FunctionPointer;
}

/** A stage of one run of an operation: the blocks of a run are a chain of their own within the ledger. */
export interface OperationBlock {
  readonly id: string;
  readonly operation: string;
  readonly version: string;
  readonly workType?: string;
  /** From 0. */
  readonly stage: number;
  /** Base64 of SHA-256 over the canonical JSON of the block before; absent in the first. */
  readonly previous?: string;
  /** The id of the block that runs next; absent in the last. */
  readonly next?: string;
  readonly first?: true;
  readonly last?: true;
  /** How many of its tasks run at once, at most. */
  readonly parallel: number;
  readonly tasks: readonly BlockTask[];
  readonly checks: readonly BlockCheck[];
}

/** How a step of a task ended: of running it, or of undoing it. */
export const stepEnds = ['succeeded', 'invalid', 'failed', 'timed-out', 'aborted', 'unknown'] as const;

/** One of {@link stepEnds}. */
export type StepEnd = (typeof stepEnds)[number];

/** What an entry of an operation says beside what all entries say. Its `id` is the run's. */
export interface OperationStep {
  /** Who ran it: it rises each time another process takes the run over. An entry with a lower one than an entry before it counts for nothing. */
  readonly token: number;
  /** `stage-planned`. */
  readonly block?: OperationBlock;
  /** The id of the block it is about. */
  readonly blockId?: string;
  readonly task?: string;
  /** From 1. Running and undoing are counted apart. */
  readonly attempt?: number;
  /** `task-ended`, `undo-ended`. */
  readonly end?: StepEnd;
  /** `stage-checked`: whether what its tasks gave goes on. */
  readonly valid?: boolean;
  /** `stage-checked`: names of the tasks and checks that did not pass. */
  readonly failed?: readonly string[];
  /** `task-begun`: what it was given; `task-ended`: what it gave; `input-given`. By label, base64 of SHA-256(salt || canonical JSON of the value). */
  readonly values?: Readonly<Record<string, string>>;
  /** `task-ended`, `undo-ended`: when it began. */
  readonly startedAt?: string;
  /** `task-ended`, `undo-ended`: it failed and is tried again, not before then. */
  readonly retryAt?: string;
  /** `task-ended`, `undo-ended`, `operation-parked`: an error code. */
  readonly error?: string;
  /** `task-ended`, `undo-ended` that did not succeed: the host that it ran on. */
  readonly host?: string;
  /** `operation-settled`. */
  readonly result?: 'succeeded' | 'undone';
}

const pointerShape: Shape = {
  name: filledText,
  version: filledText,
  digest: hashInBase64,
  isSource: optional(oneOf([true])),
} satisfies Record<keyof FunctionPointer, MemberShape>;

const pointer = object(pointerShape, 'a pointer to a function');
const label = object({ label: filledText, schema: optional(pointer) }, 'an output');

const taskShape: Shape = {
  id: filledText,
  inputs: listOf(
    object(
      { label: filledText, from: oneOf(['task', 'input', 'outside']), schema: optional(pointer) },
      'an input',
    ),
  ),
  outputs: listOf(label),
  run: pointer,
  validate: optional(listOf(object({ label: optional(filledText), rule: pointer }, 'a check'))),
  rollback: optional(pointer),
  partition: optional({
    check: (value) => filledText.check(value) || pointer.check(value),
    expected: 'a partition, or a pointer to a function',
  }),
  timeoutMs: integerFrom(1),
  retries: integerFrom(0),
} satisfies Record<keyof BlockTask, MemberShape>;

const checkShape: Shape = {
  name: filledText,
  inputs: texts,
  validate: pointer,
} satisfies Record<keyof BlockCheck, MemberShape>;

const blockShape: Shape = {
  id: filledText,
  operation: filledText,
  version: filledText,
  workType: optional(text),
  stage: integerFrom(0),
  previous: optional(hashInBase64),
  next: optional(filledText),
  first: optional(oneOf([true])),
  last: optional(oneOf([true])),
  parallel: integerFrom(1),
  tasks: listOf(object(taskShape, 'a task')),
  checks: listOf(object(checkShape, 'a check')),
} satisfies Record<keyof OperationBlock, MemberShape>;

const stepShape: Shape = {
  token: integerFrom(1),
  block: optional(object(blockShape, 'a block of an operation')),
  blockId: optional(filledText),
  task: optional(filledText),
  attempt: optional(integerFrom(1)),
  end: optional(oneOf(stepEnds)),
  valid: optional({ check: (value) => typeof value === 'boolean', expected: 'a boolean' }),
  failed: optional(texts),
  values: optional({
    check: (value) => isObject(value) && Object.values(value).every(hashInBase64.check),
    expected: 'digests, by label',
  }),
  startedAt: optional(utcTime),
  retryAt: optional(utcTime),
  error: optional(filledText),
  host: optional(filledText),
  result: optional(oneOf(['succeeded', 'undone'])),
} satisfies Record<keyof OperationStep, MemberShape>;

/** What an entry says of an operation, as a member of an entry. */
export const operationStep: MemberShape = object(stepShape, 'what happened to an operation');

function object(shape: Shape, expected: string): MemberShape {
  return { check: (value) => faultOf(value, shape) === undefined, expected };
}

function listOf(item: MemberShape): MemberShape {
  return {
    check: (value) => Array.isArray(value) && value.every(item.check),
    expected: `a list, each ${item.expected}`,
  };
}
