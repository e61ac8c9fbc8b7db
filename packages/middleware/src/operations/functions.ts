import { createHash } from 'node:crypto';
import { canonicalJson, type FunctionPointer } from '@slackwater/shared';
import type { Callable } from './callable.ts';
import type { Declared } from './labels.ts';
import type { Operation, Task } from './operation.ts';
import { OperationError } from './operation-error.ts';
import { sourceDigest, sourceOf } from './source.ts';
import { isStandardSchema } from './standard-schema.ts';

// Which function a block's pointer names. A pointer has a name, a version and a digest; what runs is what it names and nothing else,
// whatever a task of the same name does today.

/** A function with a name and a version of its own, so that several operations, and definitions that are data, may name it. */
export interface NamedFunction {
  readonly name: string;
  readonly version: string;
  readonly call: Callable;
}

const named = new WeakMap<object, NamedFunction>();

/**
 * Gives a function, or rule, a name and a version of its own. Used in a definition in its place, it is what the block's pointers name,
 * rather than a name made of operation and task. Change the version whenever it does something else.
 */
export function nameFunction<Call extends Callable>(name: string, version: string, call: Call): Call {
  named.set(call, { name, version, call });
  return call;
}

/** The name and version that a function was given; undefined where it was given none. */
export function nameOf(call: Callable): Pick<NamedFunction, 'name' | 'version'> | undefined {
  return named.get(call);
}

/** The functions that this process can run, by what pointers name. */
export class FunctionRegistry {
  readonly #byName = new Map<string, { readonly pointer: FunctionPointer; readonly call: Callable }>();

  /** Makes a function known, under its own name where it has one. Known already it must be the same one: throws `operation-invalid`. */
  add(name: string, version: string, call: Callable): FunctionPointer {
    const source = sourceOf(call);
    if (source !== undefined) {
      const digest = sourceDigest(source);
      return { name: 'source', version: digest, digest, isSource: true };
    }
    const own = named.get(call);
    const pointer = { name: own?.name ?? name, version: own?.version ?? version, digest: digestOf(call) };
    const key = keyOf(pointer);
    const known = this.#byName.get(key);
    if (known !== undefined && known.pointer.digest !== pointer.digest) {
      throw new OperationError(
        'operation-invalid',
        `function "${pointer.name}" version "${pointer.version}" is known already, and does something else; give what changed another version`,
      );
    }
    this.#byName.set(key, { pointer, call });
    return known?.pointer ?? pointer;
  }

  /** Whether a pointer leads somewhere. */
  has(pointer: FunctionPointer): boolean {
    return this.#byName.has(keyOf(pointer));
  }

  /** Makes what was compiled from a source known, under the pointer that names it. */
  addSource(pointer: FunctionPointer, call: Callable): void {
    this.#byName.set(keyOf(pointer), { pointer, call });
  }

  /** What a pointer names. Throws `function-missing` where this process has none of that name and version, or another one under them. */
  find(pointer: FunctionPointer): Callable {
    const known = this.#byName.get(keyOf(pointer));
    const wanted = `function "${pointer.name}" version "${pointer.version}"`;
    if (known === undefined) {
      throw new OperationError(
        'function-missing',
        `${wanted} is not known here; register an operation that has it, and what waits for it goes on`,
      );
    }
    if (known.pointer.digest !== pointer.digest) {
      throw new OperationError(
        'function-missing',
        `${wanted} is another one here than the block names (${known.pointer.digest}, not ${pointer.digest}); register the one that was ` +
          'there when the operation was planned, and give what changed another version',
      );
    }
    return known.call;
  }
}

/** What of an operation's parts the blocks of its runs point to. */
export interface OperationPointers {
  of(part: string): FunctionPointer;
  /** The sources among its functions, by digest: to be kept before it is planned. */
  readonly sources: ReadonlyMap<string, string>;
}

/** Makes all functions of an operation known, and gives their pointers. Throws `operation-invalid`. */
export function registerFunctions(
  { name, version, tasks, checks, input, outside }: Operation,
  registry: FunctionRegistry,
): OperationPointers {
  const pointers = new Map<string, FunctionPointer>();
  const sources = new Map<string, string>();
  const add = (part: string, call: Callable | undefined): void => {
    if (call === undefined) return;
    const pointer = registry.add(`${name}/${part}`, version, call);
    const source = sourceOf(call);
    if (source !== undefined) sources.set(pointer.digest, source);
    pointers.set(part, pointer);
  };
  for (const task of tasks.values()) {
    for (const [part, call] of partsOf(task)) add(part, call);
  }
  for (const [label, declared] of [...input, ...outside]) add(`input/${label}`, schemaOf(declared));
  for (const check of checks.values()) add(`check/${check.name}`, check.validate);
  return {
    sources,
    of(part) {
      const pointer = pointers.get(part);
      if (pointer === undefined) throw new Error(`Operation ${name} has no part ${part}.`);
      return pointer;
    },
  };
}

function* partsOf({
  id,
  run,
  rollback,
  partition,
  validate,
  outputs,
}: Task): Iterable<[string, Callable | undefined]> {
  yield [`${id}/run`, run];
  yield [`${id}/rollback`, rollback];
  if (typeof partition === 'function') yield [`${id}/partition`, partition];
  if (typeof validate === 'function') yield [`${id}/validate`, validate];
  else for (const [label, rule] of validate ?? []) yield [`${id}/validate/${label}`, rule];
  for (const [label, declared] of outputs) yield [`${id}/outputs/${label}`, schemaOf(declared)];
}

/** The schema in a declaration, where there is one. */
export function schemaOf(declared: Declared): Callable | undefined {
  return isStandardSchema(declared) ? declared : undefined;
}

/**
 * Base64 of a SHA-256 over a function's source text, or over what a rule says. A function's text does not say what it closes over, and a
 * schema has none: for them the version has to.
 */
export function digestOf(call: Callable): string {
  return createHash('sha256').update(textOf(call)).digest('base64');
}

function textOf(call: Callable): string {
  if (isStandardSchema(call)) return `schema\n${call['~standard'].vendor}`;
  if (typeof call === 'function') return `function\n${Function.prototype.toString.call(call)}`;
  if (call.kind === 'matches') return `matches\n${call.pattern}`;
  return `equals\n${canonicalJson(call.value)}`;
}

function keyOf({ name, version, isSource }: FunctionPointer): string {
  return JSON.stringify([name, version, isSource === true]);
}
