import { systemClock as clock } from '../clock.ts';
import type { Callable } from '../operations/callable.ts';
import { nameOf } from '../operations/functions.ts';
import { KnownOperations } from '../operations/known-operations.ts';
import type { Operation } from '../operations/operation.ts';
import { operationFromData } from '../operations/operation-data.ts';
import { invalid, OperationError } from '../operations/operation-error.ts';
import { type StoredDefinition, StoredDefinitions } from '../operations/stored-definitions.ts';
import type { DefinedOperation } from '../options/gate-operations.ts';
import type { Runners } from './runners.ts';

/** So many are kept ready to be started. */
const mostReady = 1_000;

/** Definitions that are data, in the home group's store, and the functions that they may name. */
export class Definitions {
  readonly #runners: Runners;
  readonly #functions = new Map<string, Callable>();
  readonly #ready = new Map<string, Operation>();

  constructor(runners: Runners) {
    this.#runners = runners;
  }

  /** Lets definitions name these. Throws `operation-invalid` for one without a name, or where another one has it. */
  allow(functions: readonly Callable[]): void {
    for (const call of functions) {
      const named = nameOf(call);
      if (named === undefined)
        throw invalid(undefined, 'a function for definitions has no name; give it one with nameFunction()');
      const key = JSON.stringify([named.name, named.version]);
      const known = this.#functions.get(key);
      if (known !== undefined && known !== call) {
        throw invalid(
          undefined,
          `function "${named.name}" version "${named.version}" is another one already; give what changed another version`,
        );
      }
      this.#functions.set(key, call);
    }
  }

  /** Keeps a definition, and has it started from now on. Throws `operation-invalid`. */
  async define(data: unknown, by: string): Promise<DefinedOperation> {
    const operation = this.#read(data);
    // What would be refused when it is started is not kept. Apart: of a definition that is refused nothing is known.
    new KnownOperations().add(operation);
    await (await this.#stored()).put(operation, data, by);
    this.#runners.known.add(operation);
    const { name, version, stages } = operation;
    return { name, version, stages: stages.map(({ tasks }) => tasks) };
  }

  /** What is started under a name. Rejects with `operation-unknown`. */
  async operation(name: string): Promise<Operation> {
    const found = await (await this.#stored()).find(name);
    if (found !== undefined) return this.#made(found);
    throw new OperationError(
      'operation-unknown',
      `there is no operation ${JSON.stringify(name)}; store a definition of it`,
    );
  }

  /** Makes a stored version known, for a run that goes on with it. False where there is none. */
  async learn(name: string, version: string): Promise<boolean> {
    const found = await (await this.#stored()).find(name, version);
    if (found === undefined) return false;
    this.#runners.known.add(this.#made(found));
    return true;
  }

  async find(name: string, version?: string): Promise<StoredDefinition | undefined> {
    return (await this.#stored()).find(name, version);
  }

  async list(): Promise<readonly Omit<StoredDefinition, 'definition'>[]> {
    return (await this.#stored()).list();
  }

  async remove(name: string): Promise<boolean> {
    return (await this.#stored()).remove(name);
  }

  async #stored(): Promise<StoredDefinitions> {
    const { open } = await this.#runners.of(undefined);
    return new StoredDefinitions(open.engine.store, clock);
  }

  #made({ name, version, definition }: StoredDefinition): Operation {
    const key = JSON.stringify([name, version]);
    const ready = this.#ready.get(key);
    if (ready !== undefined) return ready;
    const made = this.#read(definition);
    if (this.#ready.size >= mostReady) this.#ready.clear();
    this.#ready.set(key, made);
    return made;
  }

  #read(data: unknown): Operation {
    return operationFromData(data, [...this.#functions.values()]) as Operation;
  }
}
