import { createHash } from 'node:crypto';
import { Script } from 'node:vm';
import type { BlockTask, FunctionPointer, OperationBlock } from '@slackwater/shared';
import type { OperationRecords } from '../ledger/operation-records.ts';
import type { Callable, FunctionRegistry } from './functions.ts';
import { OperationError } from './operation-error.ts';

// Functions that are kept as their source, beside the ledger, under its digest: the block names the digest, and so what runs is what was
// written when the operation was planned, whatever is deployed today. It runs with all the rights of the process; so only such a source
// is run whose digest was deployed as one that may.

const sources = new WeakMap<object, string>();

/** Longest source, in characters. */
const mostCharacters = 262_144;

/**
 * A function that is written into the chain as its source: a JavaScript expression that gives a function, which sees nothing but its parameters and what is global. To
 * be used in a definition in a function's place. It runs only where its digest ({@link sourceDigest}) is among those that were allowed. Throws `operation-invalid`.
 */
export function fromSource(source: string): (...given: readonly unknown[]) => never {
  if (typeof source !== 'string' || source.length === 0 || source.length > mostCharacters) {
    throw new OperationError(
      'operation-invalid',
      `fromSource(): give the text of a function, ${mostCharacters} characters at most`,
    );
  }
  const stub = (): never => {
    throw new OperationError('function-refused', 'a function from source is run by operations alone');
  };
  sources.set(stub, source);
  return stub;
}

/** The source of a function that {@link fromSource} made; undefined for every other. */
export function sourceOf(call: Callable): string | undefined {
  return sources.get(call);
}

/** What a source is called, for the list of those that may run: base64 of a SHA-256. */
export function sourceDigest(source: string): string {
  return createHash('sha256').update(`source\n${source}`).digest('base64');
}

/** The sources of one ledger that this process may run. */
export class Sources {
  readonly #records: Pick<OperationRecords, 'source'>;
  readonly #registry: FunctionRegistry;
  readonly #allowed: ReadonlySet<string>;

  constructor(
    records: Pick<OperationRecords, 'source'>,
    registry: FunctionRegistry,
    allowed: ReadonlySet<string>,
  ) {
    this.#records = records;
    this.#registry = registry;
    this.#allowed = allowed;
  }

  /** Has everything ready that pointers name as a source. Rejects with `function-refused`. */
  async load(pointers: Iterable<FunctionPointer>): Promise<void> {
    for (const pointer of pointers) {
      if (pointer.isSource !== true) continue;
      this.refuseForeign(pointer.digest);
      if (this.#registry.has(pointer)) continue;
      const source = await this.#records.source(pointer.digest);
      if (source === undefined || sourceDigest(source) !== pointer.digest) {
        throw refused(pointer.digest, 'is not kept beside the ledger, or was changed');
      }
      this.#registry.addSource(pointer, compiled(source, pointer.digest));
    }
  }

  /** Throws `function-refused` for a source that was not deployed as one that may run. */
  refuseForeign(digest: string): void {
    if (!this.#allowed.has(digest))
      throw refused(digest, 'is not among those that may run here: allow it when the process starts');
  }
}

/** All pointers to functions in a block. */
export function pointersIn({
  tasks,
  checks,
}: Pick<OperationBlock, 'tasks' | 'checks'>): readonly FunctionPointer[] {
  return [...tasks.flatMap(pointersOf), ...checks.map(({ validate }) => validate)];
}

/** All pointers to functions of a task. */
export function pointersOf({
  run,
  rollback,
  partition,
  validate = [],
  inputs,
  outputs,
}: BlockTask): readonly FunctionPointer[] {
  const schemas = [...inputs, ...outputs].map(({ schema }) => schema);
  const some = [run, rollback, typeof partition === 'object' ? partition : undefined, ...schemas];
  return [...some.filter((one) => one !== undefined), ...validate.map(({ rule }) => rule)];
}

function compiled(source: string, digest: string): Callable {
  try {
    const made: unknown = new Script(`(${source}\n)`, {
      filename: `slackwater-source:${digest}`,
    }).runInThisContext();
    if (typeof made === 'function') return made as Callable;
  } catch (cause) {
    throw new OperationError('function-refused', `the source ${digest} can not be compiled`, { cause });
  }
  throw refused(digest, 'gives no function');
}

function refused(digest: string, why: string): OperationError {
  return new OperationError('function-refused', `the source ${digest} ${why}`);
}
