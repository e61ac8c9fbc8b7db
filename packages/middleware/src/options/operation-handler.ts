import type { Request } from 'express';
import type { Operation } from '../operations/operation.ts';

/** Which operation a route starts: one that was defined, the name of a stored definition, or a function of the request that gives one of them. */
export type OperationChoice<Start = never, Outputs = unknown> =
  | Operation<Start, Outputs>
  | string
  | ((req: Request) => OperationNamed<Start, Outputs> | Promise<OperationNamed<Start, Outputs>>);

/** What a function of a request may give. */
export type OperationNamed<Start = never, Outputs = unknown> = Operation<Start, Outputs> | string;

/** The run that an answer is made for. */
export interface AnsweredRun {
  /** A ULID. */
  readonly id: string;
  readonly operation: string;
  readonly version: string;
}

/** Options of `gate.operations.handler`. */
export interface OperationHandlerOptions<Outputs = unknown> {
  /**
   * How long a request waits for the end of its operation before it is answered 202, ms: 0 to 60,000. A caller's `Prefer: wait=N` asks for another time within that.
   * Default 1,000.
   */
  readonly waitMs?: number;
  /**
   * Makes the body of the answer to an operation that succeeded, of what its tasks gave, by label: anything that JSON has a text for; undefined for no body. It
   * may be called in another process, long after the request. Without it the body is
   * `{ id, operation, version, status, outputs }`. Default all.
   */
  readonly answer?: (outputs: Outputs, run: AnsweredRun) => unknown;
  /** The status of that answer: 200 to 299. Default 200, or 204 where there is no body. */
  readonly status?: number;
}
