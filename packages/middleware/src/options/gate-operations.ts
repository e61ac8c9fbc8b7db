import type { Request, RequestHandler } from 'express';
import type { Callable } from '../operations/callable.ts';
import type { Operation, Values } from '../operations/operation.ts';
import type { OperationStatus } from '../operations/status.ts';
import type { StoredDefinition } from '../operations/stored-definitions.ts';
import type { OperationChoice, OperationHandlerOptions, OperationNamed } from './operation-handler.ts';

/**
 * Operations of dependent tasks, each beside the ledger of one resource group. Every call rejects with `option-missing` where there is no engine, and
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
   * Starts a run of an operation, which is registered by that, or of the stored definition of that name. Resolves when its whole chain is in the ledger, before anything of it has run.
   * Rejects with `input-refused` for what its input can't be.
   */
  start<Start>(
    operation: OperationNamed<Start>,
    input: Start,
    terms?: OperationTerms,
  ): Promise<StartedOperation>;
  /**
   * Says which functions stored definitions may name: each made with `nameFunction`. To be called when the process starts. Throws `operation-invalid` for one without a
   * name, or where another one has it.
   */
  functions(...calls: readonly Callable[]): void;
  /**
   * Stores a definition that is data (`operationFromData`), in the home group's store: from now on it is started by its name, in every process; what began goes on as it
   * began. A version that was stored before must say the same. Rejects with `operation-invalid`.
   *
   * @param by who stores it, default `app`
   */
  define(data: unknown, by?: string): Promise<DefinedOperation>;
  /** A stored definition, of that version or the one that is started; undefined where there is none. */
  definition(name: string, version?: string): Promise<StoredDefinition | undefined>;
  /** The stored definitions that are started, by name; at most 500. */
  definitions(): Promise<readonly Omit<StoredDefinition, 'definition'>[]>;
  /** Has a stored definition started no more. False where there is none. */
  undefine(name: string): Promise<boolean>;
  /**
   * Makes a route that starts an operation, `app.post('/trips', gate.operations.handler(trip, (req) => req.body))`, in the resource group and the name of
   * the request. It answers as the operation ends, where that is within `waitMs`, else 202 with a deferral, which is settled as the operation is. One
   * Idempotency-Key starts one operation. Throws `option-missing` without `engine` or `requester`, `option-invalid`, or `operation-invalid` where another handler
   * answers for that operation in another way.
   *
   * @param toInput gives what the operation is started with; what it throws goes to the application's error handlers
   */
  handler<Start, Outputs>(
    operation: OperationChoice<Start, Outputs>,
    toInput: (req: Request) => Start | Promise<Start>,
    options?: OperationHandlerOptions<Outputs>,
  ): RequestHandler;
  /** How a run stands; undefined where there is none of that id, or it was settled longer ago than outcomes are kept. */
  find(id: string): Promise<OperationStatus | undefined>;
  /** Waits until a run is settled. A parked one is not: it waits for somebody. Rejects with `operation-unknown`. */
  settled(id: string): Promise<OperationStatus>;
  /** What the tasks of a run have given so far, by label; undefined where there is no such run. */
  outputs(id: string): Promise<Values | undefined>;
  /**
   * Gives a run inputs that come from outside, by label. Each label has one value for good: the same one may be given again.
   * Rejects with `input-refused`, `input-differs`, `operation-settled`, `operation-unknown` or `operation-elsewhere`.
   */
  provide(id: string, values: Values): Promise<OperationStatus>;
  /** Has a run undone that is not settled. Rejects with `operation-unknown` or `operation-elsewhere`. */
  cancel(id: string): Promise<OperationStatus>;
  /** Lets a parked run go on. Rejects with `operation-unknown` or `operation-elsewhere`. */
  resume(id: string): Promise<OperationStatus>;
}

/** A stored definition, as it is planned. */
export interface DefinedOperation {
  readonly name: string;
  readonly version: string;
  /** The tasks of each stage. */
  readonly stages: readonly (readonly string[])[];
}

/** How a run is started. */
export interface OperationTerms {
  /**
   * Whose run it is, in the application's words: all values of the run are sealed under that one's key, and gone when that one is erased.
   * Default: a key of the application's own.
   */
  readonly requester?: string;
  /** The resource group beside whose ledger it is run. Default: the home group. */
  readonly group?: string;
}

/** A run that is in the ledger. */
export interface StartedOperation {
  /** A ULID. */
  readonly id: string;
  /** Resolves when it is settled. Never rejects. */
  readonly settled: Promise<OperationStatus>;
}
