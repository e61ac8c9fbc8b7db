import type { BlockCheck, BlockTask, FunctionPointer } from '@slackwater/shared';
import type { Callable } from './callable.ts';
import type { FunctionRegistry } from './functions.ts';
import type { Check, PartitionOf, RunTask, UndoTask, ValidateTask } from './operation.ts';
import { OperationError } from './operation-error.ts';
import { isRule, type Rule } from './rules.ts';
import { isStandardSchema, type StandardSchema } from './standard-schema.ts';

// What a block's pointers lead to, found before anything of it begins: a function that is missing is found out while nothing has happened.

/** The functions of one task. */
export interface TaskFunctions {
  readonly run: RunTask;
  readonly rollback: UndoTask | undefined;
  /** Over all outputs. */
  readonly validate: ValidateTask | undefined;
  /** By label, in the order in which they are asked. */
  readonly rules: readonly (readonly [label: string, rule: Rule])[];
  /** By label, of the outputs that have one. */
  readonly schemas: ReadonlyMap<string, StandardSchema>;
  readonly partition: string | PartitionOf | undefined;
}

/** What the pointers of a task name. Throws `function-missing`. */
export function taskFunctions(task: BlockTask, registry: FunctionRegistry): TaskFunctions {
  const { run, rollback, validate = [], outputs, partition } = task;
  const whole = validate.find(({ label }) => label === undefined);
  const byLabel = validate.flatMap(({ label, rule }) =>
    label === undefined ? [] : [[label, ruleOf(rule, registry)] as const],
  );
  return {
    run: functionOf<RunTask>(run, registry),
    rollback: rollback && functionOf<UndoTask>(rollback, registry),
    validate: whole && functionOf<ValidateTask>(whole.rule, registry),
    rules: byLabel,
    schemas: schemasOf(outputs, registry),
    partition: typeof partition === 'object' ? functionOf<PartitionOf>(partition, registry) : partition,
  };
}

/** What the pointer of a check names. Throws `function-missing`. */
export function checkFunction({ validate }: BlockCheck, registry: FunctionRegistry): Check['validate'] {
  return functionOf<Check['validate']>(validate, registry);
}

/** The schemas among labels of a block. Throws `function-missing`. */
export function schemasOf(
  labels: readonly { readonly label: string; readonly schema?: FunctionPointer }[],
  registry: FunctionRegistry,
): ReadonlyMap<string, StandardSchema> {
  const schemas = new Map<string, StandardSchema>();
  for (const { label, schema } of labels) {
    if (schema === undefined) continue;
    const found = registry.find(schema);
    if (!isStandardSchema(found)) throw unfit(schema, 'a Standard Schema');
    schemas.set(label, found);
  }
  return schemas;
}

function functionOf<Call extends (...given: never) => unknown>(
  pointer: FunctionPointer,
  registry: FunctionRegistry,
): Call {
  const found: Callable = registry.find(pointer);
  if (typeof found !== 'function') throw unfit(pointer, 'a function');
  return found as unknown as Call;
}

function ruleOf(pointer: FunctionPointer, registry: FunctionRegistry): Rule {
  const found = registry.find(pointer);
  if (!isRule(found)) throw unfit(pointer, 'a rule');
  return found;
}

function unfit({ name, version }: FunctionPointer, wanted: string): OperationError {
  return new OperationError(
    'function-missing',
    `what is known as "${name}" version "${version}" is not ${wanted}, as the block needs it`,
  );
}
