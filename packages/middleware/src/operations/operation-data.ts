import { canonicalJson } from '@slackwater/shared';
import type { Callable } from './callable.ts';
import { readOperation } from './define-operation.ts';
import { nameOf } from './functions.ts';
import { external, type } from './labels.ts';
import type { Operation } from './operation.ts';
import { invalid } from './operation-error.ts';
import { equals, matches, type Rule, shown } from './rules.ts';
import { fromSource } from './source.ts';

type Data = Readonly<Record<string, unknown>>;

/**
 * Defines an operation from data, such as JSON from a database: what `defineOperation` takes, with labels where it has declarations, and
 * functions by name. `docs/dependent-tasks.md` has the form. `functions` are what it may name, each made with `nameFunction`. A task that is added
 * to the data, or taken away, regroups the stages. Throws `operation-invalid`.
 */
export function operationFromData(data: unknown, functions: readonly Callable[]): Operation<never, never> {
  const { name, tasks, checks, input, ...rest } = objectOf(undefined, 'the definition', data);
  const reader = new DataReader(name, functions);
  return readOperation({
    name,
    ...rest,
    ...(input !== undefined && { input: reader.labels('its "input"', input) }),
    tasks: reader.each('its "tasks"', tasks, (task, what) => reader.task(task, what)),
    ...(checks !== undefined && {
      checks: reader.each('its "checks"', checks, ({ validate, ...check }, what) => ({
        ...check,
        validate: reader.call(`${what}: "validate"`, validate),
      })),
    }),
  });
}

class DataReader {
  readonly #operation: unknown;
  readonly #functions: ReadonlyMap<string, Callable>;

  constructor(operation: unknown, functions: readonly Callable[]) {
    this.#operation = operation;
    this.#functions = new Map(
      functions.map((call) => {
        const named = nameOf(call);
        if (named === undefined)
          throw invalid(operation, 'a function it may name has no name; give it one with nameFunction()');
        return [keyOf(named.name, named.version), call];
      }),
    );
  }

  each(
    what: string,
    given: unknown,
    read: (one: Data, what: string) => object,
  ): Readonly<Record<string, object>> {
    const entries = Object.entries(objectOf(this.#operation, what, given));
    return Object.fromEntries(
      entries.map(([id, one]) => {
        const where = JSON.stringify(id);
        return [id, read(objectOf(this.#operation, where, one), where)];
      }),
    );
  }

  task({ inputs, outputs, run, rollback, validate, partition, ...rest }: Data, what: string): object {
    return {
      ...rest,
      ...(inputs !== undefined && { inputs: this.#inputs(inputs) }),
      ...(outputs !== undefined && { outputs: this.labels(`${what}: "outputs"`, outputs) }),
      run: this.call(`${what}: "run"`, run),
      ...(rollback !== undefined && { rollback: this.call(`${what}: "rollback"`, rollback) }),
      ...(validate !== undefined && { validate: this.#validate(`${what}: "validate"`, validate) }),
      ...(partition !== undefined && {
        partition: typeof partition === 'string' ? partition : this.call(`${what}: "partition"`, partition),
      }),
    };
  }

  labels(what: string, given: unknown): Readonly<Record<string, unknown>> {
    if (!Array.isArray(given) || ![...given].every((one) => typeof one === 'string')) {
      throw invalid(this.#operation, `${what} is ${shown(given)}; give a list of labels`);
    }
    return Object.fromEntries(given.map((label: string) => [label, type()]));
  }

  /** `{ "function": name, "version": version }`, or `{ "source": text }`. */
  call(what: string, given: unknown): Callable {
    const { function: name, version, source } = objectOf(this.#operation, what, given);
    if (typeof source === 'string') return fromSource(source);
    const found = this.#functions.get(keyOf(name, version));
    if (found !== undefined) return found;
    throw invalid(
      this.#operation,
      `${what} names ${shown(given)}, and there is no function of that name and version; make it with nameFunction()`,
    );
  }

  #inputs(given: unknown): unknown {
    if (!Array.isArray(given)) return given;
    return given.map((one: unknown) => {
      const label = typeof one === 'object' && one !== null ? (one as Data)['external'] : undefined;
      return typeof label === 'string' ? external(label) : one;
    });
  }

  #validate(what: string, given: unknown): Callable | Readonly<Record<string, Rule>> {
    const rules = objectOf(this.#operation, what, given);
    if (typeof rules['function'] === 'string' || typeof rules['source'] === 'string')
      return this.call(what, rules);
    return Object.fromEntries(
      Object.entries(rules).map(([label, rule]) => [
        label,
        this.#rule(`${what} of ${JSON.stringify(label)}`, rule),
      ]),
    );
  }

  #json(what: string, value: unknown): unknown {
    try {
      canonicalJson(value);
      return value;
    } catch (error) {
      throw invalid(this.#operation, `${what}: "equals" can not be written as JSON: ${shown(error)}`);
    }
  }

  #rule(what: string, given: unknown): Rule {
    const rule = objectOf(this.#operation, what, given);
    if ('equals' in rule) return equals(this.#json(what, rule['equals']));
    const pattern = rule['matches'];
    if (typeof pattern !== 'string') return this.call(what, rule) as Rule;
    try {
      return matches(new RegExp(pattern, 'u'));
    } catch (error) {
      throw invalid(this.#operation, `${what}: ${shown(error)}`);
    }
  }
}

function keyOf(name: unknown, version: unknown): string {
  return JSON.stringify([name, version]);
}

function objectOf(operation: unknown, what: string, given: unknown): Data {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Data;
  throw invalid(operation, `${what} is ${shown(given)}; it has to be an object`);
}
