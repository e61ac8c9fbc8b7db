import type { Clock } from '../clock.ts';
import type { Completions } from '../drivers/driver.ts';
import type { OperationRecords } from '../ledger/operation-records.ts';
import type { FunctionRegistry } from './functions.ts';
import type { OperationEvent } from './operation-events.ts';
import type { ValueDigest } from './run-values.ts';
import type { Sources } from './sources.ts';

/** Whether a task may commit to its partition now. */
export type TaskAdmission =
  | { readonly admitted: true; wrote(partition: string): void; finished(): void }
  | { readonly admitted: false; readonly askAgainInMs: number };

/** What all runs of a process share. */
export interface RunGround {
  readonly clock: Clock;
  readonly records: OperationRecords;
  readonly registry: FunctionRegistry;
  readonly sources: Sources;
  readonly digest: ValueDigest;
  /** Makes the error `record-corrupt`. */
  readonly corrupt: (message: string) => Error;
  /** Asks for a task that would commit to a partition. Rollbacks are not asked for. */
  readonly admit: (on: { readonly partition: string; readonly workType: string }) => TaskAdmission;
  /** Whether that work type may be postponed: such work leaves a pool's last connection free. */
  readonly isPostponable: (workType: string) => boolean;
  readonly completionsOf: (partition: string) => Completions | undefined;
  /** This host's name, for those who look for what failed. */
  readonly host: string;
  /** Tells what happened, when it is recorded. */
  readonly tell: (event: OperationEvent) => void;
}

/** The right to go on with a run. */
export interface RunLease {
  /** Every entry has it. */
  readonly token: number;
  /** Whether it is surely this process's at this instant. */
  isHeld(): boolean;
}
