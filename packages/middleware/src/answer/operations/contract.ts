import type { Request } from 'express';
import type { Outcome } from '../../ledger/deferral.ts';
import type { RunKey } from '../../ledger/operation-records.ts';
import type { Operation } from '../../operations/operation.ts';
import type { OperationStatus } from '../../operations/status.ts';
import type { OperationChoice } from '../../options/operation-handler.ts';
import type { ResolvedOptions } from '../../options/resolved.ts';
import type { KeepHeaders } from '../defer.ts';

/** A run that a request asks for. */
export interface RunWish {
  readonly operation: Operation;
  readonly input: unknown;
  /** In the application's own words. */
  readonly requester: string;
  /** That one's pseudonym, where it is known: then `requester` is not asked. */
  readonly pseudonym?: string;
  readonly workType: string;
  /** What stands for the run, where the request has something that does. */
  readonly key: RunKey | undefined;
}

/** What a request's wish for a run came to. */
export type BegunRun =
  | { readonly kind: 'begun'; readonly id: string }
  /** The key came with another operation or input before. */
  | { readonly kind: 'key-reused' };

/** A run that is settled, as its answer says it. */
export interface RunAnswer {
  readonly status: OperationStatus;
  /** Undefined where the answer could not be made. */
  readonly outcome: Outcome | undefined;
}

/** What the handlers of operations need of the other stages. Calls with a group's name reject where that can't be opened or asked. */
export interface OperationDesk {
  /** By which a request is known to have passed this gate, and no other. */
  readonly options: ResolvedOptions;
  /** The headers of a request that are recorded with it. */
  readonly keep: KeepHeaders;
  /** The operation that is asked for. Rejects with `operation-unknown`. */
  chosen(choice: OperationChoice, req: Request): Promise<Operation>;
  /**
   * Starts a run, or gives the one that the key stands for. Resolves when it is in the ledger. Rejects with `input-refused` for an input that the
   * operation can't have.
   */
  begin(group: string, wish: RunWish): Promise<BegunRun>;
  /** Waits until a run is settled, and gives its answer; undefined where that took longer, the run is parked, or nobody waits any more. */
  wait(group: string, run: string, waitMs: number, signal: AbortSignal): Promise<RunAnswer | undefined>;
  /** How a run stands. */
  find(group: string, run: string): Promise<OperationStatus | undefined>;
  /** There is a deferral of a run: it is settled as soon as the run is. */
  accepted(group: string, run: string, deferral: string): Promise<void>;
  /** An attempt at a deferral leaves its answer to a run. */
  leave(group: string, run: string, deferral: string): Promise<void>;
}
