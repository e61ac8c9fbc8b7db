import type { Operation, Values } from '../operations/operation.ts';
import type { OperationStatus } from '../operations/status.ts';

/**
 * Operations of dependent tasks; of several groups, in the home group. Every call rejects with `option-missing` where there is no engine, and
 * with an error of the ledger or engine.
 */
export interface GateOperations {
  /**
   * Makes the functions of operations known. To be called when the process starts, for each operation whose runs it may have to go on with, old
   * versions included. Throws `operation-invalid` where one of that name and version is known that does something else.
   */
  register(...operations: readonly Operation[]): void;
  /**
   * Says which functions that are kept as their source may run here, by their digests (`sourceDigest`): with all the rights of this process. To be called when the
   * process starts, with a list that was deployed.
   */
  allowSources(...digests: readonly string[]): void;
  /**
   * Starts a run of an operation, which is registered by that. Resolves when its whole chain is in the ledger, before anything of it has run.
   * Rejects with `operation-invalid` for what its input can't be.
   */
  start<Start>(
    operation: Operation<Start, unknown>,
    input: Start,
    terms?: OperationTerms,
  ): Promise<StartedOperation>;
  /** How a run stands; undefined where there is none of that id, or it was settled longer ago than outcomes are kept. */
  find(id: string): Promise<OperationStatus | undefined>;
  /** Waits until a run is settled. A parked one is not: it waits for somebody. Rejects with `operation-unknown`. */
  settled(id: string): Promise<OperationStatus>;
  /** What the tasks of a run have given so far, by label; undefined where there is no such run. */
  outputs(id: string): Promise<Values | undefined>;
  /** Gives a run inputs that come from outside, by label. Rejects with `operation-invalid`, `operation-unknown` or `operation-elsewhere`. */
  provide(id: string, values: Values): Promise<OperationStatus>;
  /** Has a run undone that is not settled. Rejects with `operation-unknown` or `operation-elsewhere`. */
  cancel(id: string): Promise<OperationStatus>;
  /** Lets a parked run go on. Rejects with `operation-unknown` or `operation-elsewhere`. */
  resume(id: string): Promise<OperationStatus>;
}

/** How a run is started. */
export interface OperationTerms {
  /**
   * Whose run it is, in the application's words: all values of the run are sealed under that one's key, and gone when that one is erased.
   * Default: a key of the application's own.
   */
  readonly requester?: string;
}

/** A run that is in the ledger. */
export interface StartedOperation {
  /** A ULID. */
  readonly id: string;
  /** Resolves when it is settled. Never rejects. */
  readonly settled: Promise<OperationStatus>;
}
