import { Script } from 'node:vm';
import type { FunctionPointer } from '@slackwater/shared';
import type { OperationRecords } from '../ledger/operation-records.ts';
import type { Callable } from './callable.ts';
import type { FunctionRegistry } from './functions.ts';
import { OperationError } from './operation-error.ts';
import { sourceDigest } from './source.ts';

// Functions that are kept as their source, beside the ledger, under its digest: the block names the digest, and so what runs is what was
// written when the operation was planned, whatever is deployed today. It runs with all the rights of the process; so only such a source
// is run whose digest was deployed as one that may.

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
