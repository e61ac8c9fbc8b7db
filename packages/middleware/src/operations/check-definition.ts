import type { Declared } from './labels.ts';
import type { Check, Task, TaskInput } from './operation.ts';
import { invalid } from './operation-error.ts';
import { isRule, type Rule, shown } from './rules.ts';
import { isStandardSchema } from './standard-schema.ts';

const taskMembers = [
  'inputs',
  'outputs',
  'after',
  'validate',
  'run',
  'rollback',
  'partition',
  'timeoutMs',
  'retries',
] as const;
const defaultTimeoutMs = 60_000;
const mostRetries = 1_000;
/** What a timer takes. */
const longestMs = 2 ** 31 - 1;

/** An object with members of these names alone, as it is. Throws `operation-invalid`. */
export function refuseUnknown(
  operation: unknown,
  what: string,
  given: unknown,
  names: readonly string[],
): Readonly<Record<string, unknown>> {
  if (!isPlain(given)) throw invalid(operation, `${what} is ${shown(given)}; it has to be an object`);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw invalid(
      operation,
      `${what} has a member "${unknown}", and there is none of that name; there are ${names.join(', ')}`,
    );
  }
  return given;
}

/** What an operation is given when it starts. */
export function readInput(operation: string, given: unknown): ReadonlyMap<string, Declared> {
  return readDeclarations(operation, 'its "input"', given ?? {});
}

/** The tasks, and what they take from outside. */
export function readTasks(
  operation: string,
  given: unknown,
  input: ReadonlyMap<string, Declared>,
): { readonly tasks: ReadonlyMap<string, Task>; readonly outside: ReadonlyMap<string, Declared> } {
  if (!isPlain(given) || Object.keys(given).length === 0) {
    throw invalid(operation, 'its "tasks" have to be an object with at least one task, by id');
  }
  const outside = new Map<string, Declared>();
  const tasks = new Map<string, Task>();
  for (const [id, task] of Object.entries(given))
    tasks.set(id, readTask(operation, id, task, input, outside));
  return { tasks, outside };
}

/** The checks over several outputs. */
export function readChecks(
  operation: string,
  given: unknown,
  labels: ReadonlySet<string>,
): ReadonlyMap<string, Check> {
  if (given !== undefined && !isPlain(given))
    throw invalid(operation, 'its "checks" have to be an object, by name');
  const checks = new Map<string, Check>();
  for (const [name, one] of Object.entries(given ?? {})) {
    const what = nameOf(operation, 'check', name);
    const { inputs, validate } = refuseUnknown(operation, what, one, ['inputs', 'validate']);
    const unknown = texts(operation, `${what}: "inputs"`, inputs).find((label) => !labels.has(label));
    if (unknown !== undefined) throw invalid(operation, `${what} looks at "${unknown}", which no task gives`);
    if (typeof validate !== 'function') throw invalid(operation, `${what} has no function "validate"`);
    checks.set(name, { name, inputs: inputs as readonly string[], validate: validate as Check['validate'] });
  }
  return checks;
}

function readTask(
  operation: string,
  id: string,
  given: unknown,
  input: ReadonlyMap<string, Declared>,
  outside: Map<string, Declared>,
): Task {
  const what = nameOf(operation, 'task', id);
  const task = refuseUnknown(operation, what, given, taskMembers);
  const { run, rollback, partition, timeoutMs = defaultTimeoutMs, retries = 0, after = [] } = task;
  const { inputs = [], validate } = task;
  if (typeof run !== 'function') throw invalid(operation, `${what} has no function "run"`);
  if (rollback !== undefined && typeof rollback !== 'function') {
    throw invalid(
      operation,
      `${what}: "rollback" is ${shown(rollback)}; give a function, or leave it out where there is nothing to undo`,
    );
  }
  if (
    partition !== undefined &&
    typeof partition !== 'function' &&
    (typeof partition !== 'string' || partition === '')
  ) {
    throw invalid(
      operation,
      `${what}: "partition" is ${shown(partition)}; give a name, or a function of the inputs that gives one`,
    );
  }
  const outputs = readDeclarations(operation, `${what}: "outputs"`, task['outputs'] ?? {});
  return {
    id,
    inputs: readInputs(operation, what, inputs, input, outside),
    outputs,
    after: texts(operation, `${what}: "after"`, after),
    validate: readValidate(operation, what, validate, outputs),
    run: run as Task['run'],
    rollback: rollback as Task['rollback'],
    partition: partition as Task['partition'],
    timeoutMs: integer(operation, `${what}: "timeoutMs"`, timeoutMs, 1, longestMs),
    retries: integer(operation, `${what}: "retries"`, retries, 0, mostRetries),
  };
}

function readInputs(
  operation: string,
  what: string,
  given: unknown,
  input: ReadonlyMap<string, Declared>,
  outside: Map<string, Declared>,
): readonly TaskInput[] {
  if (!Array.isArray(given))
    throw invalid(operation, `${what}: "inputs" is ${shown(given)}; give a list of labels`);
  const inputs = given.map((one: unknown): TaskInput => {
    if (typeof one === 'string') return { label: one, from: input.has(one) ? 'input' : 'task' };
    const { external: label, declared } = (one ?? {}) as { external?: unknown; declared?: unknown };
    if (typeof label !== 'string' || !isDeclared(declared)) {
      throw invalid(operation, `${what} takes ${shown(one)}; name a label, or give external('...')`);
    }
    nameOf(operation, 'input', label);
    outside.set(label, outside.get(label) ?? declared);
    return { label, from: 'outside' };
  });
  const seen = new Set<string>();
  const twice = inputs.map(({ label }) => label).find((label) => seen.size === seen.add(label).size);
  if (twice !== undefined) throw invalid(operation, `${what} takes "${twice}" twice`);
  return inputs;
}

function readValidate(
  operation: string,
  what: string,
  given: unknown,
  outputs: ReadonlyMap<string, Declared>,
): Task['validate'] {
  if (given === undefined) return undefined;
  if (typeof given === 'function') return given as Task['validate'];
  if (!isPlain(given))
    throw invalid(operation, `${what}: "validate" is ${shown(given)}; give a function, or rules by label`);
  for (const [label, rule] of Object.entries(given)) {
    if (!outputs.has(label)) throw invalid(operation, `${what} checks "${label}", which it does not give`);
    if (!isRule(rule))
      throw invalid(
        operation,
        `${what} checks "${label}" by ${shown(rule)}; give equals(), matches(), a Standard Schema or a function`,
      );
  }
  return new Map(Object.entries(given) as [string, Rule][]);
}

function readDeclarations(operation: string, what: string, given: unknown): ReadonlyMap<string, Declared> {
  if (!isPlain(given))
    throw invalid(operation, `${what} is ${shown(given)}; give type<T>() or a Standard Schema, by label`);
  for (const [label, declared] of Object.entries(given)) {
    nameOf(operation, 'label', label);
    if (!isDeclared(declared))
      throw invalid(
        operation,
        `${what}: "${label}" is ${shown(declared)}; give type<T>() or a Standard Schema`,
      );
  }
  return new Map(Object.entries(given) as [string, Declared][]);
}

function isDeclared(value: unknown): value is Declared {
  return isStandardSchema(value) || (isPlain(value) && value['kind'] === 'type');
}

function nameOf(operation: string, kind: string, name: string): string {
  if (!isName(name))
    throw invalid(operation, `a ${kind} is called ${shown(name)}; its name has to have 1 to 200 characters`);
  return `${kind} "${name}"`;
}

function texts(operation: string, what: string, given: unknown): readonly string[] {
  if (Array.isArray(given) && [...given].every((one) => typeof one === 'string')) return given;
  throw invalid(operation, `${what} is ${shown(given)}; give a list of names`);
}

/** A whole number within bounds. Throws `operation-invalid`. */
export function integer(
  operation: string,
  what: string,
  given: unknown,
  least: number,
  most: number,
): number {
  if (typeof given === 'number' && Number.isSafeInteger(given) && given >= least && given <= most)
    return given;
  throw invalid(operation, `${what} is ${shown(given)}; give a whole number from ${least} to ${most}`);
}

/** Whether it can be a name: 1 to 200 characters that can be written in UTF-8. */
export function isName(value: unknown): value is string {
  return (
    typeof value === 'string' && value.length > 0 && value.length <= 200 && !/\p{Surrogate}/u.test(value)
  );
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
