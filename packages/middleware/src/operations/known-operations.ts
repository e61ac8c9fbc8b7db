import { FunctionRegistry, type OperationPointers, registerFunctions } from './functions.ts';
import { refuseLongStages } from './long-stages.ts';
import type { Operation } from './operation.ts';
import { invalid } from './operation-error.ts';
import { shown } from './rules.ts';

/** The operations that this process knows, and all functions that they have. */
export class KnownOperations {
  readonly registry = new FunctionRegistry();
  readonly #pointers = new WeakMap<object, OperationPointers>();
  readonly #names = new Set<string>();

  /** Digests of the sources that may run. */
  readonly allowed = new Set<string>();

  /** How many there are: it changes when one is added. */
  get size(): number {
    return this.#names.size + this.allowed.size;
  }

  /** Makes one known, and gives what the blocks of its runs point to. Throws `operation-invalid`. */
  add(operation: Operation): OperationPointers {
    if (typeof operation !== 'object' || operation === null || !(operation.tasks instanceof Map)) {
      throw invalid(undefined, `${shown(operation)} is no operation; give what defineOperation() made`);
    }
    const known = this.#pointers.get(operation);
    if (known !== undefined) return known;
    const pointers = registerFunctions(operation, this.registry);
    refuseLongStages(operation, pointers);
    this.#pointers.set(operation, pointers);
    this.#names.add(keyOf(operation.name, operation.version));
    return pointers;
  }

  /** Whether one of that name and version is known. */
  has(name: string, version: string): boolean {
    return this.#names.has(keyOf(name, version));
  }
}

function keyOf(name: string, version: string): string {
  return JSON.stringify([name, version]);
}
